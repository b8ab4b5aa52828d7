#include <ostream>

#include "smol/v1/interface.grpc.pb.h"
#include "tools/ctl/command.hh"
#include "tools/ctl/text.hh"

namespace smol::ctl {
namespace {

using Stub = v1::InterfaceService::Stub;

/// The interfaces asked for: one, or all.
std::vector<v1::Interface> ask(Run& run, const std::string& name) {
  Stub stub{run.client.channel()};
  if (!name.empty()) {
    v1::GetInterfaceRequest request;
    request.set_name(name);
    return {run.client.call(&Stub::GetInterface, stub, request).interface()};
  }
  const auto all = run.client.call(&Stub::ListInterfaces, stub, v1::ListInterfacesRequest{});
  return {all.interfaces().begin(), all.interfaces().end()};
}

Json flags(const v1::Interface& interface) {
  Json out = Json::array({"UP"});
  if (interface.up()) out.push_back("LOWER_UP");
  return out;
}

void print_head(std::ostream& out, const v1::Interface& interface) {
  out << interface.index() << ": " << interface.name() << ": <UP"
      << (interface.up() ? ",LOWER_UP" : "") << "> mtu " << interface.mtu() << " state "
      << (interface.up() ? "UP" : "DOWN") << " driver " << interface.driver() << " rxq "
      << interface.rx_queues() << " txq " << interface.tx_queues() << "\n    link/ether "
      << mac_text(interface.mac()) << '\n';
}

Json head(const v1::Interface& interface) {
  return {{"ifindex", interface.index()},
          {"ifname", interface.name()},
          {"flags", flags(interface)},
          {"mtu", interface.mtu()},
          {"operstate", interface.up() ? "UP" : "DOWN"},
          {"link_type", "ether"},
          {"address", mac_text(interface.mac())},
          {"driver", interface.driver()},
          {"num_rx_queues", interface.rx_queues()},
          {"num_tx_queues", interface.tx_queues()}};
}

void show_addresses(Run& run, const std::string& name) {
  Json all = Json::array();
  for (const v1::Interface& interface : ask(run, name)) {
    Json addresses = Json::array();
    if (!run.options.json) print_head(run.out, interface);
    for (const v1::IpPrefix& prefix : interface.addresses()) {
      const IpAddress address = address_of(prefix.address());
      if (!run.options.shows(address)) continue;
      const char* family = address.is_v4() ? "inet" : "inet6";
      if (!run.options.json) {
        run.out << "    " << family << ' ' << text(prefix) << " scope " << scope(address) << '\n';
      }
      addresses.push_back({{"family", family},
                           {"local", text(prefix.address())},
                           {"prefixlen", prefix.length()},
                           {"scope", scope(address)}});
    }
    Json one = head(interface);
    one["addr_info"] = std::move(addresses);
    all.push_back(std::move(one));
  }
  if (run.options.json) run.print(all);
}

void print_offloads(std::ostream& out, const v1::Interface& interface) {
  out << "    offloads:";
  for (const std::string& offload : interface.offloads()) out << ' ' << offload;
  out << (interface.offloads().empty() ? " none\n" : "\n");
}

void show_links(Run& run, const std::string& name) {
  Json all = Json::array();
  for (const v1::Interface& interface : ask(run, name)) {
    const v1::InterfaceCounters& of = interface.counters();
    if (!run.options.json) {
      print_head(run.out, interface);
      run.out << "    RX: " << of.rx_packets() << " packets, " << of.rx_octets() << " octets, "
              << of.rx_errors() << " errors, " << of.rx_missed()
              << " missed\n    TX: " << of.tx_packets() << " packets, " << of.tx_octets()
              << " octets, " << of.tx_errors() << " errors\n";
      print_offloads(run.out, interface);
      continue;
    }
    Json one = head(interface);
    one["offloads"] = Json::array();
    for (const std::string& offload : interface.offloads()) one["offloads"].push_back(offload);
    one["stats64"] = {
        {"rx",
         {{"bytes", of.rx_octets()},
          {"packets", of.rx_packets()},
          {"errors", of.rx_errors()},
          {"missed", of.rx_missed()}}},
        {"tx",
         {{"bytes", of.tx_octets()}, {"packets", of.tx_packets()}, {"errors", of.tx_errors()}}}};
    all.push_back(std::move(one));
  }
  if (run.options.json) run.print(all);
}

std::string device(Words& words) {
  if (!words.take("dev")) throw Problem{"dev and the name of an interface are missing"};
  return words.next("the name of an interface");
}

std::string optional_device(Words& words) {
  if (words.empty()) return {};
  words.take("dev");
  std::string name = words.next("the name of an interface");
  words.end();
  return name;
}

}  // namespace

void address(Run& run, Words& words) {
  const std::string verb =
      words.empty() ? "show"
                    : words.next_of({"show", "list", "add", "replace", "del"}, "command of addr");
  if (verb == "show" || verb == "list") return show_addresses(run, optional_device(words));
  Stub stub{run.client.channel()};
  v1::IpPrefix prefix;
  parse(words.next("an address with a prefix length"), prefix);
  const std::string interface = device(words);
  words.end();
  if (verb == "del") {
    v1::DeleteAddressRequest request;
    request.set_interface(interface);
    *request.mutable_address() = prefix;
    run.client.call(&Stub::DeleteAddress, stub, request);
    return;
  }
  v1::AddAddressRequest request;
  request.set_interface(interface);
  *request.mutable_address() = prefix;
  if (verb == "replace") request.set_if_exists(v1::IF_EXISTS_REPLACE);
  run.client.call(&Stub::AddAddress, stub, request);
}

void link(Run& run, Words& words) {
  if (!words.empty() && !words.take("show")) words.take("list");
  show_links(run, optional_device(words));
}

}  // namespace smol::ctl
