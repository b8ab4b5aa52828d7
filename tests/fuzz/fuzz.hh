#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "protocols/base/bytes.hh"
#include "protocols/base/text.hh"

/// What every fuzz target shares. A target is one function over octets, which looks at what holds
/// for all of them, and one line:
///
///     void arp(Bytes input) { ... require(back == repr, "emit and parse undo each other"); }
///     SMOL_FUZZ_TARGET(arp)
///
/// With libFuzzer it becomes a program of its own; in ordinary builds replay_test.cc runs them all
/// over the committed corpus.
namespace smol::fuzz {

using Target = void (*)(Bytes input);

/// A target that calls itself `name`_fuzz. Registered before main() begins.
struct Registration {
  Registration(const char* target_name, Target target_function) noexcept
      : name{target_name}, run{target_function}, next{first} {
    first = this;
  }
  const char* name;
  Target run;
  const Registration* next;
  inline static const Registration* first = nullptr;
};

/// Ends the process if a property does not hold: the input that broke it is then kept.
inline void require(bool holds, std::string_view property) noexcept {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(property.size()), property.data());
  std::abort();
}

/// What emit() writes into a heap block of exactly `len` octets, none of which it may leave as it
/// was.
template <class Repr>
std::vector<std::uint8_t> emitted(const Repr& repr, std::size_t len) {
  std::vector<std::uint8_t> zeros(len, 0x00);
  std::vector<std::uint8_t> ones(len, 0xff);
  repr.emit(zeros);
  repr.emit(ones);
  require(zeros == ones, "emit writes every octet");
  return zeros;
}

/// A printed form fits its line and is plain text.
template <class Repr>
void print_is_bounded(const Repr& repr) noexcept {
  Text<1536> out;
  repr.print(out);
  require(!out.truncated(), "a printed form is bounded");
  for (const char c : out.view()) require(c >= ' ' && c <= '~', "a printed form is plain text");
}

/// A packet whose contiguous front is `front`, and of which `len` octets there are in all.
struct Packet {
  Bytes front;
  std::size_t len = 0;
};

/// The first two octets of an input say how much of the packet lies behind the contiguous front.
inline Packet packet_of(Bytes input) noexcept {
  if (input.size() < 2) return {input, input.size()};
  const Bytes front = input.subspan(2);
  return {front, front.size() + be16(input, 0) % 4096u};
}

}  // namespace smol::fuzz

#if defined(SMOL_FUZZ_ENGINE)
#define SMOL_FUZZ_TARGET(target)                                                      \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    target({data, size});                                                             \
    return 0;                                                                         \
  }
#else
#define SMOL_FUZZ_TARGET(target) \
  static const ::smol::fuzz::Registration registered_##target{#target "_fuzz", &target};
#endif
