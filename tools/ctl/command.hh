#pragma once

#include <chrono>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "protocols/base/address.hh"
#include "smol/v1/types.pb.h"
#include "tools/client/client.hh"
#include "tools/client/server.hh"
#include "tools/client/signals.hh"
#include "tools/ctl/words.hh"

namespace smol::ctl {

using client::Client;
using client::ExitStatus;
using client::Problem;

/// In the order of insertion, which is that of ip -j.
using Json = nlohmann::ordered_json;

/// What stands in front of the command.
struct Options {
  std::string server = client::server_by_default();
  std::chrono::milliseconds timeout{10'000};
  bool json = false;
  bool pretty = false;
  bool statistics = false;
  std::optional<IpFamily> family;  ///< -4 or -6

  bool shows(const IpAddress& address) const noexcept {
    return !family || address.family() == *family;
  }
};

/// {"address": "192.0.2.1", "port": 80}; an address that is not said is "".
Json endpoint_json(const v1::Endpoint& endpoint);

/// A command at work: who asks whom, and where the answer goes.
struct Run {
  Options options;
  Client& client;
  client::Signals& signals;
  std::ostream& out;

  /// For -j. Arrays always: an empty one is [].
  void print(const Json& json) const;
  /// On standard error, when standard output is a peer's: `text`, or `json` with -j.
  void note(const Json& json, const std::string& text) const;
};

/// An object of smolctl: its name, what it does and how it is called.
struct Command {
  std::string_view name;
  std::string_view summary;
  std::string_view usage;  ///< lines behind "smolctl "
  void (*run)(Run& run, Words& words);
};

/// All of them, in the order of the help.
const std::vector<Command>& commands();

// One a file: command_NAME.cc.

void info(Run& run, Words& words);
void address(Run& run, Words& words);
void link(Run& run, Words& words);
void route(Run& run, Words& words);
void neighbour(Run& run, Words& words);
void sockets(Run& run, Words& words);
void bridge(Run& run, Words& words);
void drops(Run& run, Words& words);
void counters(Run& run, Words& words);
void tcp(Run& run, Words& words);
void udp(Run& run, Words& words);
void ping(Run& run, Words& words);
void drain(Run& run, Words& words);

/// Columns that line up: each but the last as wide as its widest cell, and two blanks in between.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// These columns are numbers, and stand at the right.
  Table& right(std::vector<std::size_t> columns) {
    right_ = std::move(columns);
    return *this;
  }
  /// A line that stands as it is behind the last row.
  void note(std::string line) { notes_.emplace_back(rows_.size() - 1, std::move(line)); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> right_;
  std::vector<std::pair<std::size_t, std::string>> notes_;
};

}  // namespace smol::ctl
