#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

/// Behind an octet that says how large the pieces are.
const std::vector<std::string> kSeeds = {
    "\x05GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nabcde\r\n0\r\nA: "
    "b\r\n\r\n",
    "\x02POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n01234",
    "\x01OPTIONS http://a/x?y HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n",
    "\x07\r\nHEAD / HTTP/1.1\r\nHost: [fdaa::1]:80\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n",
};

const Registration& http_target() {
  const Registration* at = Registration::first;
  while (std::string_view{at->name} != "http_fuzz") at = at->next;
  return *at;
}

// What the fuzzer does for long, here for a moment; what does not hold ends the process.
TEST(HttpFuzz, HoldsForDamagedRequests) {
  Rng rng{1};
  for (const std::string& seed : kSeeds) {
    for (int i = 0; i < 3000; ++i) {
      std::vector<std::uint8_t> octets(seed.begin(), seed.end());
      for (std::uint32_t n = rng.below(4); n > 0; --n) {
        octets[rng.below(static_cast<std::uint32_t>(octets.size()))] =
            static_cast<std::uint8_t>(rng.next());
      }
      octets.resize(1 + rng.below(static_cast<std::uint32_t>(octets.size())));
      octets.shrink_to_fit();  // AddressSanitizer sees every octet read beyond it
      http_target().run(octets);
    }
  }
}

}  // namespace
}  // namespace smol::fuzz
