#include "tests/sim/shrink.hh"

#include <algorithm>
#include <sstream>

#include "tests/sim/attempt.hh"
#include "tests/sim/simulation.hh"

namespace smol::sim {
namespace {

struct Step {
  std::string name;
  std::function<void(Scenario&)> apply;
};

/// Flows begin .. end alone. One that begins after another goes with it.
void keep_flows(Scenario& scenario, std::size_t begin, std::size_t end) {
  std::vector<FlowPlan> kept;
  for (std::size_t i = begin; i < end; ++i) {
    const FlowPlan& flow = scenario.flows[i];
    if (!flow.after) kept.push_back(flow);
  }
  if (!kept.empty()) scenario.flows = std::move(kept);
}

void link_steps(std::vector<Step>& out, std::size_t side) {
  const std::string at = std::to_string(side);
  const auto add = [&](const char* name, auto&& change) {
    out.push_back({name + at, [side, change](Scenario& s) { change(s.links[side]); }});
  };
  const LinkOptions plain;
  add("plain-link", [](LinkOptions& l) { l = LinkOptions{}; });
  add("no-loss", [](LinkOptions& l) { l.loss = 0; });
  add("no-bursts", [](LinkOptions& l) { l.to_bad = 0; });
  add("no-dup", [](LinkOptions& l) { l.duplication = 0; });
  add("no-corrupt", [](LinkOptions& l) { l.corruption = 0; });
  add("no-truncate", [](LinkOptions& l) { l.truncation = 0; });
  add("no-reorder", [](LinkOptions& l) { l.reordering = 0; });
  add("no-jitter", [](LinkOptions& l) { l.jitter = Duration{0}; });
  add("no-queue", [](LinkOptions& l) { l.octets_a_second = 0; });
  add("no-codel", [](LinkOptions& l) { l.codel = false; });
  add("no-marks", [](LinkOptions& l) {
    l.ecn = false;
    l.mark_octets = 0;
  });
  add("no-outages", [](LinkOptions& l) { l.outages.clear(); });
  add("no-mtus", [](LinkOptions& l) { l.mtus.clear(); });
  add("plain-delay", [delay = plain.delay](LinkOptions& l) { l.delay = delay; });
}

void host_steps(std::vector<Step>& out, std::size_t side) {
  const std::string at = std::to_string(side);
  out.push_back({"many-packets" + at, [side](Scenario& s) { s.packets[side] = 4096; }});
  out.push_back({"plain-stack" + at, [side](Scenario& s) {
                   const Limits limits = s.stacks[side].limits;
                   s.stacks[side] = small_stack();
                   s.stacks[side].limits = limits;
                 }});
  const auto each = [&](const char* name, auto&& change) {
    out.push_back({name + at, [side, change](Scenario& s) {
                     for (FlowPlan& flow : s.flows) change(flow.users[side]);
                   }});
  };
  each("no-octets", [](UserPlan& u) { u.octets = 0; });
  each("half-octets", [](UserPlan& u) { u.octets /= 2; });
  each("fewer-octets", [](UserPlan& u) { u.octets = u.octets * 7 / 8; });
  each("no-pauses", [](UserPlan& u) { u.write_pause = u.read_pause = Duration{0}; });
  each("whole-writes", [](UserPlan& u) { u.write_most = kContentPiece; });
  each("whole-reads", [](UserPlan& u) { u.read_most = kContentPiece; });
  each("plain-socket", [](UserPlan& u) { u.socket = tcp::SocketOptions{}; });
  each("no-keep-alive", [](UserPlan& u) { u.socket.keep_alive = Duration{0}; });
  each("half-closes", [](UserPlan& u) { u.ending = Ending::kHalfClose; });
}

std::vector<Step> all_steps() {
  std::vector<Step> out;
  out.push_back({"first-half", [](Scenario& s) { keep_flows(s, 0, (s.flows.size() + 1) / 2); }});
  out.push_back(
      {"second-half", [](Scenario& s) { keep_flows(s, s.flows.size() / 2, s.flows.size()); }});
  out.push_back({"not-again", [](Scenario& s) { keep_flows(s, 0, s.flows.size()); }});
  out.push_back({"at-once", [](Scenario& s) {
                   for (FlowPlan& flow : s.flows) flow.starts = Duration{0};
                 }});
  out.push_back({"v4", [](Scenario& s) { s.v6 = false; }});
  out.push_back({"mtu1500", [](Scenario& s) { s.mtu = 1500; }});
  out.push_back({"no-segmentation", [](Scenario& s) { s.segmentation = false; }});
  out.push_back({"no-offloads", [](Scenario& s) { s.offloads = false; }});
  out.push_back({"sent-at-once", [](Scenario& s) { s.transmission = Duration{0}; }});
  out.push_back({"plain-burst", [](Scenario& s) { s.burst = 32; }});
  out.push_back({"plain-start", [](Scenario& s) { s.start = Instant{seconds(1000)}; }});
  out.push_back({"plain-backlog", [](Scenario& s) {
                   s.backlog = s.syn_backlog = 1024;
                   s.accept_pause = Duration{0};
                 }});
  out.push_back({"listener-stays", [](Scenario& s) { s.listener_stays = true; }});
  out.push_back({"no-fast-open", [](Scenario& s) { s.fast_open = 0; }});
  out.push_back({"no-attack", [](Scenario& s) { s.attack.kinds = 0; }});
  for (std::size_t i = 0; i < kAttacks; ++i) {
    out.push_back(
        {"no-attack" + std::to_string(i), [i](Scenario& s) { s.attack.kinds &= ~(1u << i); }});
  }
  for (std::size_t i = 0; i < kQuirks; ++i) {
    out.push_back({"no-quirk" + std::to_string(i), [i](Scenario& s) {
                     if (s.stranger) s.stranger->quirks &= ~(1u << i);
                   }});
  }
  out.push_back({"plain-stranger", [](Scenario& s) {
                   if (!s.stranger) return;
                   StrangerPlan plain;
                   plain.connects = s.stranger->connects;
                   plain.octets = s.stranger->octets;
                   plain.quirks = s.stranger->quirks;
                   s.stranger = plain;
                 }});
  out.push_back({"fewer-stranger", [](Scenario& s) {
                   if (s.stranger) s.stranger->octets = s.flows[0].users[1].octets /= 2;
                 }});
  for (std::size_t side = 0; side < 2; ++side) {
    link_steps(out, side);
    host_steps(out, side);
  }
  return out;
}

/// "lose0:3+17": frames 3 and 17 that host 0 sends are lost, and none by chance.
bool apply_loss(Scenario& scenario, const std::string& word) {
  if (word.rfind("lose", 0) != 0 || word.size() < 6 || word[5] != ':') return false;
  const auto side = static_cast<std::size_t>(word[4] - '0');
  if (side > 1) return false;
  LinkOptions& link = scenario.links[side];
  link.loss = link.to_bad = 0;
  link.lost.clear();
  std::istringstream numbers{word.substr(6)};
  for (std::string number; std::getline(numbers, number, '+');) {
    link.lost.insert(std::stoull(number));
  }
  return true;
}

std::string loss_word(std::size_t side, const std::vector<std::uint64_t>& frames) {
  std::string out = "lose" + std::to_string(side) + ":";
  for (std::size_t i = 0; i < frames.size(); ++i) {
    out += (i > 0 ? "+" : "") + std::to_string(frames[i]);
  }
  return out;
}

/// A search for what still fails.
class Shrinker {
 public:
  Shrinker(const Scenario& scenario, const std::string& fault, int most,
           const std::function<void(int, const std::string&)>& told)
      : kind_{kind_of(fault)}, most_{most}, told_{told} {
    best_.scenario = scenario;
    best_.fault = fault;
  }

  Shrunk run() {
    const std::vector<Step> steps = all_steps();
    for (bool better = true; better && !spent();) {
      better = false;
      for (const Step& step : steps) {
        // What halves may do so again.
        while (!spent() && attempt_step(step)) better = true;
      }
    }
    for (std::size_t side = 0; side < 2; ++side) fewer_losses(side);
    best_.attempts = attempts_;
    return best_;
  }

 private:
  bool spent() const { return attempts_ >= most_; }

  bool fails(const Scenario& scenario, std::string& fault) {
    ++attempts_;
    if (told_) told_(attempts_, best_.steps);
    const std::optional<std::string> now = attempt(scenario);
    if (!now || kind_of(*now) != kind_) return false;
    fault = *now;
    return true;
  }

  bool attempt_step(const Step& step) {
    Scenario changed = best_.scenario;
    step.apply(changed);
    if (describe_all(changed) == describe_all(best_.scenario)) return false;
    if (!fails(changed, best_.fault)) return false;
    best_.scenario = std::move(changed);
    best_.steps += (best_.steps.empty() ? "" : ",") + step.name;
    return true;
  }

  /// The frames that chance took, by name; then without as many of them as can be.
  void fewer_losses(std::size_t side) {
    LinkOptions& link = best_.scenario.links[side];
    if (link.loss == 0 && link.to_bad == 0) return;
    // A run that crashes cannot say what it lost.
    if (kind_.rfind("crashes", 0) == 0 || kind_.rfind("runs", 0) == 0) return;
    std::vector<std::uint64_t> lost = Simulation{best_.scenario}.run().by_chance[side];
    if (lost.size() > 2000 || !attempt_losses(side, lost)) return;
    for (std::size_t piece = lost.size(); piece > 0; piece /= 2) {
      for (std::size_t at = 0; at < lost.size() && !spent();) {
        std::vector<std::uint64_t> fewer = lost;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                    fewer.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, lost.size())));
        if (attempt_losses(side, fewer)) {
          lost = std::move(fewer);
        } else {
          at += piece;
        }
      }
    }
    best_.steps += (best_.steps.empty() ? "" : ",") + loss_word(side, lost);
  }

  bool attempt_losses(std::size_t side, const std::vector<std::uint64_t>& lost) {
    Scenario changed = best_.scenario;
    apply_loss(changed, loss_word(side, lost));
    if (!fails(changed, best_.fault)) return false;
    best_.scenario = std::move(changed);
    return true;
  }

  /// describe() leaves some things out.
  static std::string describe_all(const Scenario& s) {
    std::ostringstream out;
    out << describe(s) << s.transmission.count() << ' ' << s.burst << ' ' << s.listener_stays
        << s.start.time_since_epoch().count();
    for (const FlowPlan& flow : s.flows) {
      out << ' ' << flow.starts.count() << flow.after.has_value();
      for (const UserPlan& user : flow.users) {
        out << ' ' << user.octets << ' ' << user.read_pause.count() << user.write_pause.count()
            << user.socket.keep_alive.count() << user.socket.nagle << user.socket.send_buffer;
      }
    }
    for (const StackConfig& stack : s.stacks) {
      out << ' ' << stack.tcp.time_wait.count() << stack.tcp.fin_wait_2.count()
          << stack.tcp.user_timeout.count() << stack.tcp.reassembly_ranges << ' '
          << stack.tcp.initial_window_segments;
    }
    return out.str();
  }

  std::string kind_;
  int most_;
  const std::function<void(int, const std::string&)>& told_;
  int attempts_ = 0;
  Shrunk best_;
};

}  // namespace

Shrunk shrink(const Scenario& scenario, const std::string& fault, int most,
              const std::function<void(int, const std::string&)>& told) {
  return Shrinker{scenario, fault, most, told}.run();
}

bool apply_steps(Scenario& scenario, const std::string& steps) {
  const std::vector<Step> all = all_steps();
  std::istringstream words{steps};
  for (std::string word; std::getline(words, word, ',');) {
    if (apply_loss(scenario, word)) continue;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Step& step) { return step.name == word; });
    if (found == all.end()) return false;
    found->apply(scenario);
  }
  return true;
}

}  // namespace smol::sim
