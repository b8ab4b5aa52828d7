#pragma once

#include <cstdint>

#include "tests/support/host.hh"

namespace smol {

/// Two hosts with a wire between them, which carries a frame in a step and loses what the receiver
/// has no packet for. 10.0.0.1, fdaa::1 and 10.0.0.2, fdaa::2.
class Pair {
 public:
  Pair(const Host::Options& left, const Host::Options& right);
  explicit Pair(const Host::Options& both = {}) : Pair{both, both} {}

  static IpAddress address4(int side) { return IpAddress::v4(10, 0, 0, side == 0 ? 1 : 2); }
  static IpAddress address6(int side) {
    return IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, side == 0 ? 1 : 2);
  }

  /// Time goes by, then what each has sent reaches the other, and each has a turn.
  void step(Duration time = milliseconds(1));
  /// Steps until `done()` or for `most` steps. True: done.
  template <class Done>
  bool run(Done&& done, int most = 10'000, Duration time = milliseconds(1)) {
    for (int i = 0; i < most; ++i) {
      if (done()) return true;
      step(time);
    }
    return done();
  }

  Host a;
  Host b;
  std::uint64_t lost = 0;  ///< frames for which the receiver had no packet
  /// IP packets longer than this vanish on the wire. 0: none do.
  std::size_t longest = 0;
  std::uint64_t vanished = 0;

 private:
  void carry(Host& from, Host& to);
};

}  // namespace smol
