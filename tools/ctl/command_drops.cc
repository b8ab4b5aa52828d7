#include <map>
#include <ostream>

#include "smol/v1/stats.grpc.pb.h"
#include "tools/ctl/command.hh"

namespace smol::ctl {
namespace {

using Stub = v1::StatsService::Stub;

void show(Run& run, bool all) {
  v1::ListDropReasonsRequest request;
  request.set_occurred_only(!all);
  Stub stub{run.client.channel()};
  const auto reasons = run.client.call(&Stub::ListDropReasons, stub, request);
  if (run.options.json) {
    Json out = Json::array();
    for (const v1::DropReason& reason : reasons.reasons()) {
      out.push_back({{"reason", reason.name()},
                     {"stage", reason.stage()},
                     {"count", reason.count()},
                     {"sentence", reason.sentence()}});
    }
    return run.print(out);
  }
  Table table{{"REASON", "STAGE", "TOTAL", "MEANING"}};
  table.right({2});
  for (const v1::DropReason& reason : reasons.reasons()) {
    table.add({reason.name(), reason.stage(), std::to_string(reason.count()), reason.sentence()});
  }
  table.print(run.out);
}

/// What is dropped from now on, a line a reason and interval, until somebody ends it.
void watch(Run& run, std::uint64_t seconds) {
  v1::WatchStatsRequest request;
  request.add_prefixes("drop.");
  request.mutable_interval()->set_seconds(static_cast<std::int64_t>(seconds));
  Stub stub{run.client.channel()};
  grpc::ClientContext context;
  std::map<std::string, std::uint64_t> before;
  bool first = true;
  const auto take = [&](const v1::WatchStatsResponse& response) {
    for (const v1::Counter& counter : response.stats().counters()) {
      std::uint64_t& last = before[counter.name()];
      const std::uint64_t more = counter.value() - last;
      last = counter.value();
      if (first || more == 0) continue;
      const std::string reason = counter.name().substr(std::string{"drop."}.size());
      if (run.options.json) {
        run.print({{"time", response.stats().time().seconds()},
                   {"reason", reason},
                   {"new", more},
                   {"count", counter.value()}});
      } else {
        run.out << reason << "  +" << more << "  total " << counter.value() << '\n';
      }
    }
    first = false;
    run.out.flush();
    if (!run.out) context.TryCancel();
  };
  run.client.watch(&Stub::WatchStats, stub, request, context, take);
}

}  // namespace

void drops(Run& run, Words& words) {
  bool all = false;
  while (!words.empty()) {
    const std::string word = words.next("an option");
    if (word == "-a" || word == "--all") {
      all = true;
    } else if (word == "-w" || word == "--watch") {
      const std::uint64_t seconds =
          words.empty() ? 1 : number(words.next("seconds"), 3600, "number of seconds");
      words.end();
      return watch(run, seconds);
    } else {
      throw Problem{"'" + word + "' is no option of drops: -a, --watch [SECONDS]"};
    }
  }
  show(run, all);
}

}  // namespace smol::ctl
