#include "control/bridge_service.hh"

#include "control/config.hh"
#include "control/error.hh"
#include "dataplane/bridge_control.hh"

namespace smol::control {
namespace {

using dataplane::LinkConfig;
using dataplane::Way;

constexpr std::array<Way, 2> kWays = {Way::kAToB, Way::kBToA};

std::size_t index(Way way) {
  return static_cast<std::size_t>(way);
}

bool concerns(v1::LinkWay asked, Way way) {
  if (asked == v1::LINK_WAY_UNSPECIFIED) return true;
  return (asked == v1::LINK_WAY_A_TO_B) == (way == Way::kAToB);
}

/// Tells the worker that bridges.
class Configure final : public AwaitedErrand {
 public:
  Configure(v1::LinkWay which, const std::array<LinkConfig, 2>& links)
      : which_{which}, links_{links} {}
  Step run(dataplane::WorkerAccess& worker) noexcept override {
    for (const Way way : kWays) {
      if (concerns(which_, way)) worker.bridge->configure(way, links_[index(way)]);
    }
    return Step::kDone;
  }

 private:
  const v1::LinkWay which_;
  const std::array<LinkConfig, 2>& links_;
};

grpc::Status no_bridge() {
  return to_status(
      Refusal{Error::kNotFound, "", "this smold is no bridge: smold --bridge A B makes one"});
}

}  // namespace

BridgeService::BridgeService(Workers& workers, const dataplane::Daemon& daemon)
    : workers_{workers},
      daemon_{daemon},
      links_{daemon.config().bridge.a_to_b, daemon.config().bridge.b_to_a} {}

grpc::Status BridgeService::GetBridge(grpc::ServerContext*, const v1::GetBridgeRequest*,
                                      v1::GetBridgeResponse* response) {
  const dataplane::BridgeConfig& bridge = daemon_.config().bridge;
  if (!bridge.enabled()) return no_bridge();
  const dataplane::Snapshot snapshot = daemon_.snapshot();
  const LinkWords defaults = link_words(LinkConfig{});
  const std::lock_guard lock{mutex_};
  for (const Way way : kWays) {
    v1::Link& link = *response->add_links();
    link.set_way(way == Way::kAToB ? v1::LINK_WAY_A_TO_B : v1::LINK_WAY_B_TO_A);
    link.set_from(bridge.ports[index(way)]);
    link.set_to(bridge.ports[1 - index(way)]);
    const LinkWords words = link_words(links_[index(way)]);
    for (std::size_t i = 0; i < words.size(); ++i) {
      v1::LinkSetting& setting = *link.add_settings();
      setting.set_key(words[i].first);
      setting.set_value(words[i].second);
      setting.set_is_default(words[i] == defaults[i]);
    }
    for (const auto& [name, value] : snapshot.links[index(way)].counters) {
      v1::Counter& counter = *link.add_counters();
      counter.set_name(std::string{name});
      counter.set_value(value);
    }
  }
  return grpc::Status::OK;
}

grpc::Status BridgeService::UpdateLink(grpc::ServerContext*, const v1::UpdateLinkRequest* request,
                                       v1::UpdateLinkResponse*) {
  if (!daemon_.config().bridge.enabled()) return no_bridge();
  if (!v1::LinkWay_IsValid(request->way())) {
    return to_status(Refusal{Error::kInvalid, "way", "there is no such direction"});
  }
  LinkWords words;
  for (const v1::LinkSetting& setting : request->settings()) {
    words.emplace_back(setting.key(), setting.value());
  }
  const std::lock_guard lock{mutex_};
  std::array<LinkConfig, 2> changed = links_;
  for (const Way way : kWays) {
    if (!concerns(request->way(), way)) continue;
    if (const auto done = change_link(words, changed[index(way)]); !done) {
      return to_status(Refusal{Error::kInvalid, "settings", done.error()});
    }
  }
  Configure errand{request->way(), changed};
  workers_.desk(0).post(errand);
  if (!errand.wait()) return stopping();
  links_ = changed;
  return grpc::Status::OK;
}

}  // namespace smol::control
