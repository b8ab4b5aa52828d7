#pragma once

#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/tcp_script.hh"

namespace smol::tcp::script {

/// Scenarios that hold wherever their numbers begin: a quiet place, 16 octets below 2^32, where
/// both ends' numbers and timestamps wrap, and below 2^31, where their sign as integers changes
/// (TCP-177, TRAP-01). A suite is an alias and its starts:
///
///     using TcpNagle = Scenario;
///     INSTANTIATE_TEST_SUITE_P(From, TcpNagle, kStarts, start_name);
class Scenario : public ::testing::TestWithParam<Start> {
 protected:
  static Given here(Given given = {}) {
    given.start = GetParam();
    return given;
  }
  static Scripted closed(const Given& given = {}) { return script::closed(here(given)); }
  static Scripted listening(const Given& given = {}) { return script::listening(here(given)); }
  static Scripted syn_sent(const Given& given = {}) { return script::syn_sent(here(given)); }
  static Scripted syn_received(const Given& given = {}) {
    return script::syn_received(here(given));
  }
  static Scripted established(const Given& given = {}) { return script::established(here(given)); }
  static Scripted fin_wait_1(const Given& given = {}) { return script::fin_wait_1(here(given)); }
  static Scripted fin_wait_2(const Given& given = {}) { return script::fin_wait_2(here(given)); }
  static Scripted close_wait(const Given& given = {}) { return script::close_wait(here(given)); }
  static Scripted closing(const Given& given = {}) { return script::closing(here(given)); }
  static Scripted last_ack(const Given& given = {}) { return script::last_ack(here(given)); }
  static Scripted time_wait(const Given& given = {}) { return script::time_wait(here(given)); }
};

inline Given with_sack(Given given = {}) {
  given.sack = true;
  return given;
}

/// SACK, without probes of the tail where they would only be in the way.
inline Given no_probe(Given given = {}) {
  given = with_sack(given);
  given.config.tail_loss_probe = false;
  return given;
}

/// For the runner's list of failures.
inline void PrintTo(const Start& start, std::ostream* out) {
  *out << "ISS " << start.iss.raw << ", IRS " << start.irs.raw;
}

inline const auto kStarts = ::testing::Values(
    Start{}, Start{{0xffff'fff0}, {0xffff'fff0}, 0xffff'fff0u, 0xffff'fff0u, Instant{}},
    Start{{0x7fff'fff0}, {0x7fff'fff0}, 0x7fff'fff0u, 0x7fff'fff0u, Instant{seconds(1)}});

inline std::string start_name(const ::testing::TestParamInfo<Start>& info) {
  constexpr const char* kNames[] = {"AQuietPlace", "BelowTheWrap", "BelowTheSign"};
  return kNames[info.index];
}

}  // namespace smol::tcp::script
