#include "tools/bench/blocks.hh"

#include <array>
#include <cstring>
#include <memory>
#include <numeric>
#include <utility>

#include "dataplane/stack_memory.hh"
#include "protocols/base/checksum.hh"
#include "protocols/base/hash.hh"
#include "protocols/base/index_table.hh"
#include "protocols/base/timer_wheel.hh"
#include "protocols/packet/mem_packet.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/tcp.hh"
#include "protocols/wire/tcp_repr.hh"
#include "tools/bench/failure.hh"
#include "tools/bench/keep.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

constexpr std::size_t kWarm = std::size_t{256} << 10;
constexpr std::size_t kCold = std::size_t{64} << 20;
constexpr std::size_t kPayload = 1460;
constexpr std::size_t kSlot = 2048;

/// A walk through 2^n places that visits each once before it repeats, in no order that a prefetcher
/// knows.
class Walk {
 public:
  explicit Walk(std::size_t places) noexcept : mask_{places - 1} {}
  std::size_t next() noexcept {
    at_ = at_ * 5 + 0x9e37'79b9'7f4a'7c15;  // full period: the factor is 1 modulo 4, the step odd
    return at_ & mask_;
  }

 private:
  std::size_t mask_;
  std::size_t at_ = 0;
};

/// Calls `once()` in batches until `time` is over; nanoseconds a call.
template <class Once>
double repeat(Seconds time, Once&& once) {
  constexpr int kBatch = 256;
  for (int i = 0; i < kBatch; ++i) once();
  std::uint64_t calls = 0;
  const Stopwatch watch;
  do {
    for (int i = 0; i < kBatch; ++i) once();
    calls += kBatch;
  } while (watch.elapsed() < time);
  return watch.nanoseconds() / static_cast<double>(calls);
}

/// Memory as a stack has it, every page touched.
class Area {
 public:
  explicit Area(std::size_t octets)
      : octets_{static_cast<std::uint8_t*>(memory_.allocate(octets, 64))}, size_{octets} {
    for (std::size_t i = 0; i < octets; ++i) octets_[i] = static_cast<std::uint8_t>(i * 131 >> 8);
  }
  MutBytes slot(std::size_t i) noexcept { return {octets_ + i * kSlot, kPayload}; }
  std::size_t slots() const noexcept { return size_ / kSlot; }

 private:
  dataplane::StackMemory memory_{true};
  std::uint8_t* octets_;
  std::size_t size_;
};

Figure checksum(std::size_t set, Seconds time) {
  Area area{set};
  Walk walk{area.slots()};
  return {repeat(time, [&] { keep(internet_sum(area.slot(walk.next()))); }), {}};
}

Figure copy(std::size_t set, Seconds time, bool sum) {
  Area from{set / 2};
  Area to{set / 2};
  Walk walk{from.slots()};
  if (sum) {
    return {repeat(time,
                   [&] {
                     const std::size_t at = walk.next();
                     keep(copy_and_sum(to.slot(at), from.slot(at)));
                   }),
            {}};
  }
  return {repeat(time,
                 [&] {
                   const std::size_t at = walk.next();
                   std::memcpy(to.slot(at).data(), from.slot(at).data(), kPayload);
                   keep(to);
                 }),
          {}};
}

constexpr std::size_t kHeaders = EthernetRepr::header_len() + 20 + 32;
constexpr std::uint16_t kText = 1448;

/// The headers of a data segment with timestamps.
void put_headers(MutBytes out, std::uint16_t port) {
  EthernetRepr{MacAddress{{2, 0, 0, 0, 0, 1}}, MacAddress{{2, 0, 0, 0, 0, 2}}, EtherType::kIp4}
      .emit(out);
  Ip4Repr ip;
  ip.source = IpAddress::v4(10, 0, 0, 2);
  ip.destination = IpAddress::v4(10, 0, 0, 1);
  ip.protocol = IpProtocol::kTcp;
  ip.payload_len = 32 + kText;
  ip.emit(out.subspan(14), false);
  TcpRepr tcp;
  tcp.src_port = port;
  tcp.dst_port = 80;
  tcp.ack = SeqNumber{1};
  tcp.window = 1000;
  tcp.options.timestamps = TcpTimestamps{1, 2};
  tcp.emit(out.subspan(34));
}

/// Every check that a segment's headers meet, and the hash of its flow.
std::uint64_t parse(Bytes frame) {
  const Result<EthernetView> ethernet = EthernetView::parse(frame.first(14));
  const Result<Ip4View> ip = Ip4View::parse(frame.subspan(14), 20 + 32 + kText);
  if (!ethernet || !ip || !ip->checksum_ok()) return 0;
  const Result<TcpView> tcp = TcpView::parse(frame.subspan(34));
  if (!tcp) return 0;
  const Result<TcpRepr> repr = TcpRepr::parse(*tcp);
  if (!repr) return 0;
  return mix(ip->source().low() ^ repr->src_port, ip->destination().low() ^ repr->dst_port) | 1;
}

Figure headers(std::size_t set, Seconds time) {
  Area area{set};
  for (std::size_t i = 0; i < area.slots(); ++i) {
    put_headers(area.slot(i).first(kHeaders), static_cast<std::uint16_t>(i | 1));
  }
  Walk walk{area.slots()};
  bool ok = true;
  const double ns = repeat(time, [&] { ok = parse(area.slot(walk.next())) != 0 && ok; });
  if (!ok) throw Failure{"headers of our own do not parse"};
  return {ns, {}};
}

/// A table with an object of a cache line for each entry, as a connection's key is.
class Lookup {
 public:
  explicit Lookup(std::uint32_t entries) : table_{entries, memory_}, objects_(entries) {
    for (std::uint32_t i = 0; i < entries; ++i) {
      objects_[i].key = i;
      table_.insert(hash(i), i);
    }
  }
  static std::uint64_t hash(std::uint64_t key) {
    return mix(key ^ 0x2545'f491'4f6c'dd1d, 0x9e37'79b9'7f4a'7c15);
  }
  std::uint32_t find(std::uint64_t key) const {
    return table_.find(hash(key), [&](std::uint32_t i) { return objects_[i].key == key; });
  }
  void prefetch(std::uint64_t key) const { table_.prefetch(hash(key)); }
  void prefetch_object(std::uint64_t key) const {
    const std::uint32_t likely = table_.likely(hash(key));
    if (likely != IndexTable::kNone) __builtin_prefetch(&objects_[likely]);
  }
  std::size_t size() const { return objects_.size(); }

 private:
  struct alignas(64) Object {
    std::uint64_t key;
  };
  dataplane::StackMemory memory_{true};
  IndexTable table_;
  std::vector<Object> objects_;
};

Figure look_up_singly(std::uint32_t entries, Seconds time) {
  const auto lookup = std::make_unique<Lookup>(entries);
  Walk walk{lookup->size()};
  return {repeat(time, [&] { keep(lookup->find(walk.next())); }), {}};
}

Figure look_up_in_bursts(std::uint32_t entries, Seconds time) {
  const auto lookup = std::make_unique<Lookup>(entries);
  Walk walk{lookup->size()};
  std::array<std::uint64_t, 32> keys{};
  const double ns = repeat(time, [&] {
    for (std::uint64_t& key : keys) {
      key = walk.next();
      lookup->prefetch(key);
    }
    for (const std::uint64_t key : keys) lookup->prefetch_object(key);
    for (const std::uint64_t key : keys) keep(lookup->find(key));
  });
  return {ns / static_cast<double>(keys.size()), {}};
}

/// Deadlines move 200 ms on from a moment that moves too, as retransmission timers do. `lazy`: a
/// node that is armed early enough stays where it is.
Figure re_arm(std::size_t timers, bool lazy, Seconds time) {
  TimerWheel wheel{Instant{}};
  std::vector<TimerNode> nodes(timers);
  Walk walk{timers};
  Instant now{};
  const double ns = repeat(time, [&] {
    now += nanoseconds(100);
    TimerNode& node = nodes[walk.next()];
    lazy ? wheel.arm_by(node, now + milliseconds(200)) : wheel.arm(node, now + milliseconds(200));
  });
  for (TimerNode& node : nodes) wheel.disarm(node);
  return {ns, {}};
}

Figure allocate(Seconds time) {
  dataplane::StackMemory memory{true};
  MemPool pool{1024, kSlot, memory};
  return {repeat(time, [&] { keep(pool.allocate()); }), {}};
}

Figure second_owner(Seconds time, bool share) {
  dataplane::StackMemory memory{true};
  MemPool pool{1024, kSlot, memory};
  MemPacket packet = pool.allocate();
  packet.append(kPayload);
  if (share) return {repeat(time, [&] { keep(packet.share(0, kPayload)); }), {}};
  return {repeat(time, [&] { keep(packet.hold()); }), {}};
}

}  // namespace

std::vector<Row> block_rows() {
  std::vector<Row> rows;
  const auto add = [&](const char* name, auto measure) {
    Row row;
    row.name = name;
    row.group = "building blocks (for information; warm: 256 KiB, cold: 64 MiB)";
    row.unit = "ns";
    row.measure = [measure](const Effort& effort) { return measure(effort.stack / 4); };
    rows.push_back(std::move(row));
  };
  add("checksum 1460 warm", [](Seconds t) { return checksum(kWarm, t); });
  add("checksum 1460 cold", [](Seconds t) { return checksum(kCold, t); });
  add("copy 1460 warm", [](Seconds t) { return copy(kWarm, t, false); });
  add("copy 1460 cold", [](Seconds t) { return copy(kCold, t, false); });
  add("copy and checksum warm", [](Seconds t) { return copy(kWarm, t, true); });
  add("copy and checksum cold", [](Seconds t) { return copy(kCold, t, true); });
  add("parse headers warm", [](Seconds t) { return headers(kWarm, t); });
  add("parse headers cold", [](Seconds t) { return headers(kCold, t); });
  add("look-up in 1 K", [](Seconds t) { return look_up_singly(1 << 10, t); });
  add("look-up in 1 M", [](Seconds t) { return look_up_singly(1 << 20, t); });
  add("look-up in 1 M, bursts", [](Seconds t) { return look_up_in_bursts(1 << 20, t); });
  add("timer re-arm warm", [](Seconds t) { return re_arm(1 << 12, false, t); });
  add("timer re-arm cold", [](Seconds t) { return re_arm(1 << 20, false, t); });
  add("timer re-arm lazy warm", [](Seconds t) { return re_arm(1 << 12, true, t); });
  add("timer re-arm lazy cold", [](Seconds t) { return re_arm(1 << 20, true, t); });
  add("packet allocate, free", [](Seconds t) { return allocate(t); });
  add("packet hold", [](Seconds t) { return second_owner(t, false); });
  add("packet share", [](Seconds t) { return second_owner(t, true); });
  return rows;
}

}  // namespace smol::bench
