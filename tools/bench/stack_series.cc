#include "tools/bench/stack_series.hh"

#include <string>
#include <utility>

#include "tools/bench/blocks.hh"
#include "tools/bench/stack_work.hh"
#if defined(SMOL_HAVE_LWIP)
#include "tools/bench/lwip_reference.hh"
#endif

namespace smol::bench {
namespace {

struct Window {
  const char* name;
  std::uint32_t octets;
};
constexpr Window kWindows[] = {{"64K", 1 << 16}, {"1M", 1 << 20}, {"16M", 1 << 24}};

struct Family {
  const char* name;
  IpFamily family;
};
constexpr Family kFamilies[] = {{"IPv4", IpFamily::kIp4}, {"IPv6", IpFamily::kIp6}};

struct Way {
  const char* name;
  const char* group;
  Handing handing;
  bool offload;
};
constexpr Way kWays[] = {
    {"write", "one stream, software checksums, data copied in by write()", Handing::kWrite, false},
    {"in place", "one stream, software checksums, data written in place (reserve, commit)",
     Handing::kInPlace, false},
    {"offload", "one stream, checksums offloaded, data handed over untouched", Handing::kUntouched,
     true},
};

/// docs/benchmarks/README.md, "Goals and yardsticks".
void set_marks(Row& row, const Way& way, const Window& window,
               [[maybe_unused]] const Family& family) {
  row.goal = way.offload ? 80 : 140;
  if (window.octets > 1 << 20) row.goal.reset();
  if (way.handing == Handing::kWrite && window.octets == 1 << 16) {
    row.yardstick = Yardstick{"smoltcp 0.13", 376};
#if defined(SMOL_HAVE_LWIP)
    if (family.family == IpFamily::kIp4) row.reference = "lwIP 64K IPv4";
#endif
  }
  if (way.handing == Handing::kWrite && window.octets == 1 << 20) {
    row.yardstick = Yardstick{"smoltcp 0.13", 341};
  }
  if (way.offload && window.octets == 1 << 16) row.yardstick = Yardstick{"smoltcp 0.13", 230};
}

void add_streams(std::vector<Row>& rows) {
  for (const Way& way : kWays) {
    for (const Family& family : kFamilies) {
      for (const Window& window : kWindows) {
        Row row;
        row.name = std::string{way.name} + " " + window.name + " " + family.name;
        row.group = way.group;
        row.unit = "ns/segment";
        set_marks(row, way, window, family);
        StackPair::Options options;
        options.family = family.family;
        options.window = window.octets;
        options.offload = way.offload;
        row.measure = [options, handing = way.handing](const Effort& effort) {
          return stream(options, handing, effort.stack);
        };
        rows.push_back(std::move(row));
      }
    }
  }
}

void add_small(std::vector<Row>& rows) {
  for (const Family& family : kFamilies) {
    StackPair::Options options;
    options.family = family.family;
    Row row;
    row.name = std::string{"ping-pong "} + family.name;
    row.group = "64 octets there and 64 back, one connection";
    row.unit = "ns/transaction";
    row.measure = [options](const Effort& effort) { return ping_pong(options, effort.stack); };
    rows.push_back(std::move(row));
  }
  for (const Family& family : kFamilies) {
    StackPair::Options options;
    options.family = family.family;
    Row row;
    row.name = std::string{"connections "} + family.name;
    row.group = "open, ask 64 octets, answer 128, close; 64 at a time, TIME-WAIT 1 ms";
    row.unit = "1/s";
    row.better = Better::kHigher;
    row.measure = [options](const Effort& effort) { return connections(options, effort.stack); };
    rows.push_back(std::move(row));
  }
}

}  // namespace

Series stack_series() {
  Series out;
  out.name = "stack";
  out.title = "both TCP ends in one thread, no device";
  out.conditions = {
      "MTU 1500, timestamps: 1448 octets a segment (IPv6: 1428); NewReno; bursts of 32; nothing "
      "lost",
      "a figure is the time of both ends and their acknowledgements, divided by the data segments",
      "packets in flight lie in as many buffers as the window holds; the receiver reads in place",
  };
  out.one_thread = true;
  add_streams(out.rows);
#if defined(SMOL_HAVE_LWIP)
  out.rows.push_back(lwip_row());
#endif
  add_small(out.rows);
  for (Row& row : block_rows()) out.rows.push_back(std::move(row));
  return out;
}

}  // namespace smol::bench
