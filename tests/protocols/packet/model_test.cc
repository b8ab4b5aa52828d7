#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"
#include "protocols/packet/mem_packet.hh"
#include "tests/protocols/packet/packets.hh"

namespace smol {
namespace {

/// Random operations on packets that share blocks, each beside a plain string that says what must
/// be in it. Every octet written goes to memory that prepend() or append() handed out: if it were
/// another packet's, that one would no longer match.
class Model {
 public:
  explicit Model(std::uint64_t seed) : rng_{seed} {}

  void step() {
    if (packets_.size() < 3 || (packets_.size() < 12 && rng_.below(4) == 0)) return create();
    const std::size_t at = rng_.below(static_cast<std::uint32_t>(packets_.size()));
    Held& it = packets_[at];
    switch (rng_.below(9)) {
      case 0:
        return prepend(it);
      case 1:
        return append(it);
      case 2:
        return trim_front(it);
      case 3:
        return trim_back(it);
      case 4:
        return pull(it);
      case 5:
        return share(it);
      case 6:
        return chain(at);
      case 7:
        return hold_behind_header(it);
      default:
        packets_.erase(packets_.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }

  void check() const {
    for (const Held& it : packets_) {
      ASSERT_EQ(text(it.packet), it.octets);
      ASSERT_EQ(it.packet.size(), it.octets.size());
    }
  }

 private:
  struct Held {
    MemPacket packet;
    std::string octets;
  };

  std::string fresh(std::size_t n) {
    std::string out(n, ' ');
    for (char& c : out) c = static_cast<char>('a' + rng_.below(26));
    return out;
  }
  std::uint32_t up_to(std::size_t n) { return rng_.below(static_cast<std::uint32_t>(n) + 1); }

  void create() {
    MemPacket packet = pool_->allocate();
    if (!packet) return;
    const std::string octets = fresh(1 + rng_.below(40));
    write(packet.append(octets.size()), octets);
    packets_.push_back({std::move(packet), octets});
  }
  void prepend(Held& it) {
    if (it.octets.empty()) return;  // an empty first segment would read as the end
    const std::string octets = fresh(1 + rng_.below(30));
    const MutBytes to = it.packet.prepend(octets.size());
    if (to.empty()) return;
    write(to, octets);
    it.octets = octets + it.octets;
  }
  void append(Held& it) {
    const std::string octets = fresh(1 + rng_.below(30));
    const bool room = it.packet.tailroom() >= octets.size();
    const MutBytes to = it.packet.append(octets.size());
    ASSERT_EQ(to.empty(), !room);
    if (!room) return;
    write(to, octets);
    it.octets += octets;
  }
  void trim_front(Held& it) {
    const std::size_t n = up_to(it.octets.size());
    it.packet.trim_front(n);
    it.octets.erase(0, n);
  }
  void trim_back(Held& it) {
    const std::size_t n = up_to(it.octets.size());
    it.packet.trim_back(n);
    it.octets.resize(it.octets.size() - n);
  }
  void pull(Held& it) {
    const std::size_t n = up_to(it.octets.size() + 2);
    const MutBytes front = it.packet.pull(n);
    if (!front.empty()) {
      ASSERT_EQ(text(Bytes{front}), it.octets.substr(0, n));
    }
  }
  void share(Held& it) {
    if (it.octets.empty() || packets_.size() > 12) return;
    const std::size_t from = up_to(it.octets.size() - 1);
    const std::size_t n = 1 + up_to(it.octets.size() - from - 1);
    std::optional<MemPacket> view = it.packet.share(from, n);
    if (view) packets_.push_back({std::move(*view), it.octets.substr(from, n)});
  }
  void chain(std::size_t at) {
    if (packets_.size() < 2 || packets_[at].octets.empty()) return;
    Held other = std::move(packets_.back());
    packets_.pop_back();
    if (at == packets_.size()) {
      packets_.push_back(std::move(other));
      return;
    }
    packets_[at].packet.chain(std::move(other.packet));
    packets_[at].octets += other.octets;
  }
  /// What a device does: headers in front, read, let go.
  void hold_behind_header(Held& it) {
    MemPacket frame = pool_->allocate_small();
    if (!frame || it.octets.empty()) return;
    const std::string header = fresh(20);
    write(frame.append(20), header);
    frame.chain(it.packet.hold());
    ASSERT_EQ(text(frame), header + it.octets);
    ASSERT_FALSE(it.packet.unique());
    check();
  }

  TestPool pool_{24, MemPool::kHeadroom + 60};
  Rng rng_;
  std::deque<Held> packets_;
};

TEST(PacketModel, NoPacketEverSeesWhatAnotherWrites) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Model model{seed};
    for (int i = 0; i < 1'500; ++i) {
      model.step();
      model.check();
      if (::testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ", step " << i;
    }
  }
}

}  // namespace
}  // namespace smol
