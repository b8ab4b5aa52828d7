#include <ostream>

#include "smol/v1/stats.grpc.pb.h"
#include "tools/ctl/command.hh"

namespace smol::ctl {

void counters(Run& run, Words& words) {
  using Stub = v1::StatsService::Stub;
  v1::GetStatsRequest request;
  bool zeros = false;
  while (!words.empty()) {
    std::string word = words.next("a counter");
    if (word == "-z" || word == "--zeros") {
      zeros = true;
    } else if (word.starts_with('-')) {
      throw Problem{"'" + word + "' is no option of nstat: -z"};
    } else {
      request.add_prefixes(std::move(word));
    }
  }
  Stub stub{run.client.channel()};
  const auto answer = run.client.call(&Stub::GetStats, stub, request);
  Json all = Json::object();
  Table table{{"COUNTER", "VALUE"}};
  table.right({1});
  for (const v1::Counter& counter : answer.stats().counters()) {
    if (!zeros && counter.value() == 0) continue;
    if (run.options.json) {
      all[counter.name()] = counter.value();
    } else {
      table.add({counter.name(), std::to_string(counter.value())});
    }
  }
  if (run.options.json) return run.print(all);
  table.print(run.out);
}

}  // namespace smol::ctl
