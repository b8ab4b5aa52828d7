#include "tools/bench/bridge_cells.hh"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

namespace smol::bench {
namespace {

constexpr double kFrame = 1514;
constexpr double kPayload = 1448;
constexpr double kBitsOfMbit = 1e6;
constexpr double kShareOfLink = 0.4;
constexpr unsigned kMostStreams = 64;
constexpr double kLosses = 200;
constexpr Seconds kLeastTime{4};
constexpr Seconds kMostTime{12};

struct Link {
  double loss;
  int rtt_ms;
  int rate_mbit;
};

std::vector<BridgeCell> both_ways(const std::string& congestion, const std::vector<Link>& links) {
  std::vector<BridgeCell> out;
  for (const Way way : {Way::kFromServer, Way::kToServer}) {
    for (const Link& link : links) {
      out.push_back({link.loss, link.rtt_ms, link.rate_mbit, congestion, way});
    }
  }
  return out;
}

}  // namespace

std::string BridgeCell::name() const {
  return fmt::format("{} {} {} % {} ms {} Mbit/s", congestion,
                     way == Way::kFromServer ? "from" : "to", loss, rtt_ms, rate_mbit);
}

int BridgeCell::queue_packets() const {
  return std::max(50, static_cast<int>(rate_mbit * rtt_ms * kBitsOfMbit / 1000 / 8 / kFrame));
}

/// Mathis et al., "The macroscopic behavior of the TCP congestion avoidance algorithm", 1997.
double BridgeCell::one_stream_mbit() const {
  if (!bound_by_loss()) return rate_mbit;
  const double window = 1.22 / std::sqrt(loss / 100);
  const double mbit = window * kPayload * 8 / (rtt_ms * 1e-3) / kBitsOfMbit;
  return std::min(mbit, static_cast<double>(rate_mbit));
}

unsigned BridgeCell::streams() const {
  const double fit = kShareOfLink * rate_mbit / one_stream_mbit();
  return std::clamp(static_cast<unsigned>(fit), 1U, kMostStreams);
}

Seconds BridgeCell::warm_up() const {
  return Seconds{0.5} + 40 * Seconds{rtt_ms * 1e-3};
}

Seconds BridgeCell::time() const {
  if (!bound_by_loss()) return std::max(kLeastTime, 60 * Seconds{rtt_ms * 1e-3});
  const double frames = streams() * one_stream_mbit() * kBitsOfMbit / 8 / kFrame;
  return std::clamp(Seconds{kLosses / (frames * loss / 100)}, kLeastTime, kMostTime);
}

std::vector<BridgeCell> bridge_cells(const std::string& congestion) {
  // What bounds a stream of BBR is the link; the others are bound by it only where nothing is lost,
  // and else get so much rate that losses are many.
  if (congestion == "bbr") {
    return both_ways(congestion, {{0, 2, 200},
                                  {0, 20, 50},
                                  {0, 100, 200},
                                  {0.1, 2, 200},
                                  {0.1, 20, 200},
                                  {0.1, 100, 200},
                                  {1, 2, 200},
                                  {1, 20, 50},
                                  {1, 20, 200},
                                  {1, 100, 50},
                                  {1, 100, 200}});
  }
  return both_ways(congestion, {{0, 2, 200},
                                {0, 20, 50},
                                {0, 100, 200},
                                {0.1, 2, 200},
                                {0.1, 20, 500},
                                {0.1, 100, 500},
                                {1, 2, 200},
                                {1, 20, 200},
                                {1, 100, 200},
                                {3, 2, 200},
                                {3, 20, 200},
                                {3, 100, 200}});
}

std::vector<BridgeCell> bridge_cells_of_opener(const std::string& congestion) {
  return both_ways(congestion, {{0, 20, 50}, {1, 20, congestion == "bbr" ? 50 : 200}});
}

}  // namespace smol::bench
