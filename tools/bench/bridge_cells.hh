#pragma once

#include <string>
#include <vector>

#include "tools/bench/kernel_stream.hh"
#include "tools/bench/series.hh"

namespace smol::bench {

/// What the link of one row of "bridge" does, and who sends over it: from the server (on the right)
/// or to it, with which congestion control.
struct BridgeCell {
  double loss = 0;  ///< percent, in the direction of the data
  int rtt_ms = 0;
  int rate_mbit = 0;
  std::string congestion;  ///< as Linux calls it
  Way way = Way::kFromServer;

  /// "cubic from 1 % 20 ms 200 Mbit/s".
  std::string name() const;
  /// Frames of one round trip at that rate, and at least 50.
  int queue_packets() const;
  /// Several where loss leaves one stream but a small part of the link: together they see more
  /// losses, and leave more than half of the link free.
  unsigned streams() const;
  /// Outlasts slow start and the first episodes of loss.
  Seconds warm_up() const;
  /// Long enough for some 200 lost segments, as far as that is bearable.
  Seconds time() const;

 private:
  bool bound_by_loss() const noexcept { return loss > 0 && congestion != "bbr"; }
  double one_stream_mbit() const;
};

/// What is measured with a congestion control, both ways: a cell without loss, then more of it.
std::vector<BridgeCell> bridge_cells(const std::string& congestion);
/// Those measured again with streams that smold opens, by the API.
std::vector<BridgeCell> bridge_cells_of_opener(const std::string& congestion);

}  // namespace smol::bench
