#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "smol/v1/bridge.grpc.pb.h"
#include "tools/ctl/command.hh"

namespace smol::ctl {
namespace {

using Stub = v1::BridgeService::Stub;

std::string_view name(v1::LinkWay way) {
  return way == v1::LINK_WAY_A_TO_B ? "a_to_b" : "b_to_a";
}

void show_json(Run& run, const v1::GetBridgeResponse& answer) {
  Json all = Json::array();
  for (const v1::Link& link : answer.links()) {
    Json settings = Json::object();
    for (const v1::LinkSetting& setting : link.settings())
      settings[setting.key()] = setting.value();
    Json counters = Json::object();
    for (const v1::Counter& counter : link.counters()) counters[counter.name()] = counter.value();
    all.push_back({{"way", name(link.way())},
                   {"from", link.from()},
                   {"to", link.to()},
                   {"settings", settings},
                   {"counters", counters}});
  }
  run.print(all);
}

std::vector<std::string> head(const std::string& title, const v1::GetBridgeResponse& answer) {
  std::vector<std::string> out = {title};
  for (const v1::Link& link : answer.links()) out.push_back(link.from() + " > " + link.to());
  return out;
}

/// What is set of either link; no row for what is as nobody set it.
void show_settings(Run& run, const v1::GetBridgeResponse& answer) {
  Table table{head("LINK", answer)};
  table.right({1, 2});
  for (int i = 0; i < answer.links(0).settings_size(); ++i) {
    std::vector<std::string> row = {answer.links(0).settings(i).key()};
    bool wanted = false;
    for (const v1::Link& link : answer.links()) {
      row.push_back(link.settings(i).value());
      wanted = wanted || !link.settings(i).is_default();
    }
    if (wanted) table.add(std::move(row));
  }
  table.print(run.out);
}

void show_counters(Run& run, const v1::GetBridgeResponse& answer) {
  Table table{head("COUNTER", answer)};
  table.right({1, 2});
  for (int i = 0; i < answer.links(0).counters_size(); ++i) {
    std::vector<std::string> row = {answer.links(0).counters(i).name()};
    bool wanted = false;
    for (const v1::Link& link : answer.links()) {
      row.push_back(std::to_string(link.counters(i).value()));
      wanted = wanted || link.counters(i).value() != 0;
    }
    if (wanted) table.add(std::move(row));
  }
  table.print(run.out);
}

void show(Run& run) {
  Stub stub{run.client.channel()};
  const auto answer = run.client.call(&Stub::GetBridge, stub, v1::GetBridgeRequest{});
  if (run.options.json) return show_json(run, answer);
  if (answer.links_size() != 2 ||
      answer.links(0).settings_size() != answer.links(1).settings_size() ||
      answer.links(0).counters_size() != answer.links(1).counters_size()) {
    throw Problem{"the daemon's answer makes no sense"};
  }
  show_settings(run, answer);
  run.out << '\n';
  show_counters(run, answer);
}

void set(Run& run, Words& words) {
  v1::UpdateLinkRequest request;
  if (words.take("a_to_b")) {
    request.set_way(v1::LINK_WAY_A_TO_B);
  } else if (words.take("b_to_a")) {
    request.set_way(v1::LINK_WAY_B_TO_A);
  }
  do {
    std::string text = words.next("a setting, such as delay=25ms");
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t to = std::min(text.find(',', from), text.size());
      const std::string word = text.substr(from, to - from);
      from = to + 1;
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos || equals == 0) {
        throw Problem{"'" + word + "' is no KEY=VALUE, such as delay=25ms"};
      }
      v1::LinkSetting& setting = *request.add_settings();
      setting.set_key(word.substr(0, equals));
      setting.set_value(word.substr(equals + 1));
    }
  } while (!words.empty());
  Stub stub{run.client.channel()};
  run.client.call(&Stub::UpdateLink, stub, request);
}

}  // namespace

void bridge(Run& run, Words& words) {
  if (words.empty()) return show(run);
  if (words.next_of({"show", "set"}, "command of bridge") == "set") return set(run, words);
  words.end();
  show(run);
}

}  // namespace smol::ctl
