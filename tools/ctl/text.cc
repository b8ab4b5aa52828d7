#include "tools/ctl/text.hh"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "tools/client/problem.hh"

namespace smol::ctl {

using client::Problem;

namespace {

template <class T>
std::string printed(const T& value) {
  Text<80> out;
  value.print(out);
  return std::string{out.view()};
}

Bytes bytes_of(const std::string& octets) {
  return {reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()};
}

void put(const IpAddress& in, v1::IpAddress& out) {
  if (in.is_v4()) {
    out.set_v4(in.v4_value());
  } else {
    out.set_v6(in.octets().data(), in.octets().size());
  }
}

Problem no_such(std::string_view text, const char* what, const char* example) {
  return Problem{"'" + std::string{text} + "' is no " + what + ": write one such as " + example};
}

}  // namespace

IpAddress address_of(const v1::IpAddress& in) {
  if (in.has_v4()) return IpAddress::v4(in.v4());
  if (in.v6().size() == 16) return IpAddress::v6(bytes_of(in.v6()));
  return {};
}

std::string text(const v1::IpAddress& in) {
  return in.address_case() == v1::IpAddress::ADDRESS_NOT_SET ? "" : printed(address_of(in));
}

std::string text(const v1::IpPrefix& in) {
  return text(in.address()) + "/" + std::to_string(in.length());
}

std::string text(const v1::Endpoint& in) {
  const std::string port = in.port() == 0 ? "*" : std::to_string(in.port());
  if (!in.has_address()) return "*:" + port;
  const IpAddress address = address_of(in.address());
  return (address.is_v4() ? printed(address) : "[" + printed(address) + "]") + ":" + port;
}

std::string mac_text(const std::string& octets) {
  return octets.size() == 6 ? printed(MacAddress::from(bytes_of(octets))) : "";
}

std::string_view scope(const IpAddress& address) {
  if (address.is_loopback()) return "host";
  return address.is_link_local() ? "link" : "global";
}

std::string milliseconds_text(const google::protobuf::Duration& in) {
  const double value =
      static_cast<double>(in.seconds()) * 1e3 + static_cast<double>(in.nanos()) / 1e6;
  char out[32];
  std::snprintf(out, sizeof out, "%.3f", value);
  std::string shown = out;
  shown.erase(shown.find_last_not_of('0') + 1);
  if (shown.ends_with('.')) shown.pop_back();
  return shown;
}

void parse(std::string_view text, v1::IpAddress& out) {
  const auto address = IpAddress::parse(text);
  if (!address) throw no_such(text, "address", "192.0.2.1 or fdaa::1");
  put(*address, out);
}

void parse(std::string_view text, v1::IpPrefix& out) {
  const auto prefix = IpPrefix::parse(text);
  if (!prefix) throw no_such(text, "address with a prefix length", "192.0.2.1/24 or fdaa::1/64");
  put(prefix->address(), *out.mutable_address());
  out.set_length(prefix->length());
}

void parse_destination(std::string_view text, bool six, v1::IpPrefix& out) {
  if (text != "default") return parse(text, out);
  put(IpAddress::any(six ? IpFamily::kIp6 : IpFamily::kIp4), *out.mutable_address());
}

void parse(std::string_view text, bool remote, v1::Endpoint& out) {
  const std::size_t colon = text.rfind(':');
  std::uint32_t port = 0;
  std::string_view address = text.substr(0, std::min(colon, text.size()));
  const char* const end = text.data() + text.size();
  const bool numbered =
      colon != std::string_view::npos &&
      std::from_chars(text.data() + colon + 1, end, port) == std::from_chars_result{end, {}};
  const bool open = address.empty() || address == "*";
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != std::string_view::npos) {
    port = 0;  // an IPv6 address alone, whose last part is no port
  }
  if (!numbered || port == 0 || port > 0xffff || (open && remote)) {
    throw no_such(text, remote ? "address with a port" : "port",
                  remote ? "192.0.2.1:80 or [fdaa::1]:80" : ":80, 192.0.2.1:80 or [fdaa::1]:80");
  }
  out.set_port(port);
  if (!open) parse(address, *out.mutable_address());
}

void parse_mac(std::string_view text, std::string& out) {
  const auto mac = MacAddress::parse(text);
  if (!mac) throw no_such(text, "MAC address", "02:00:00:00:00:01");
  out.assign(mac->octets.begin(), mac->octets.end());
}

}  // namespace smol::ctl
