#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocols/base/time.hh"
#include "tests/sim/wire.hh"

namespace smol::sim {

/// All that happened on the wires of a run, for people: as text, and as a capture whose comments
/// say what became of each frame. Only a run that is looked at has one.
class Trace {
 public:
  enum class Keeps : std::uint8_t { kAll, kSent };

  /// `keeps`: with kSent, of each frame what its sender built and no more, no note either.
  explicit Trace(Instant start, Keeps keeps = Keeps::kAll) : start_{start}, keeps_{keeps} {}

  /// A host hands a frame to its port, or gets one from it.
  void sent(Instant now, int side, const Parcel& parcel) { add(now, side, Way::kOut, parcel); }
  void arrived(Instant now, int side, const Parcel& parcel) {
    if (keeps_ == Keeps::kAll) add(now, side, Way::kIn, parcel);
  }
  /// What becomes of a frame on its way.
  void note(std::uint64_t id, std::string_view text);
  /// What a user or the network does.
  void event(Instant now, std::string text);

  /// pcapng, an interface a host: out is what it sent, in what reached it.
  /// False: it cannot be written.
  bool write_pcapng(const std::string& path, std::string_view comment) const;
  /// The same in pieces, for the packets of several runs in one file: what stands in front of them,
  static void begin_pcapng(std::vector<std::uint8_t>& file, std::string_view comment);
  /// and the packets, `later` than they were. The side of each.
  std::vector<int> append_packets(std::vector<std::uint8_t>& file, Duration later) const;
  void print(std::ostream& out) const;

 private:
  enum class Way : std::uint8_t { kOut, kIn, kEvent };
  struct Entry {
    Instant at;
    int side = 0;
    Way way = Way::kEvent;
    std::uint64_t id = 0;
    Octets octets;
    std::string text;
  };

  void add(Instant now, int side, Way way, const Parcel& parcel);
  std::string notes_of(std::uint64_t id) const;

  Instant start_;
  Keeps keeps_;
  std::vector<Entry> entries_;
  std::unordered_map<std::uint64_t, std::string> notes_;
};

}  // namespace smol::sim
