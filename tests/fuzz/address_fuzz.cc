#include <string>

#include "protocols/base/address.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

template <class T>
std::string printed(const T& value) {
  Text<64> out;
  value.print(out);
  require(!out.truncated(), "a printed form is bounded");
  return std::string{out.view()};
}

template <class T>
void text_reads_back(std::string_view text) {
  const std::optional<T> value = T::parse(text);
  if (!value) return;
  const std::string canonical = printed(*value);
  require(T::parse(canonical) == value, "the printed form reads back as the same");
  require(printed(*T::parse(canonical)) == canonical, "the printed form is canonical");
}

void address(Bytes input) {
  const std::string_view text{reinterpret_cast<const char*>(input.data()), input.size()};
  text_reads_back<MacAddress>(text);
  text_reads_back<IpAddress>(text);
  text_reads_back<IpPrefix>(text);
  text_reads_back<IpEndpoint>(text);
  if (const auto prefix = IpPrefix::parse(text)) {
    require(prefix->contains(prefix->network()) && prefix->contains(prefix->address()),
            "a prefix holds its network and its address");
    require(prefix->network().family() == prefix->address().family(), "one family");
  }
  if (input.size() < 16) return;
  const IpAddress any = IpAddress::v6(input);
  require(IpAddress::parse(printed(any)) == any, "every address has a text");
  const IpAddress v4 = IpAddress::v4(input);
  require(v4.is_v4() && IpAddress::parse(printed(v4)) == v4, "every IPv4 address has a text");
}

}  // namespace
SMOL_FUZZ_TARGET(address)
}  // namespace smol::fuzz
