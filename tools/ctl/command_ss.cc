// `smolctl ss`: the words and options of ss(8), the data of SocketService.ListSockets.
#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <ostream>
#include <thread>
#include <unistd.h>
#include <utility>

#include <CLI/CLI.hpp>

#include "smol/v1/socket.grpc.pb.h"
#include "tools/ctl/command.hh"
#include "tools/ctl/tcp_info_text.hh"
#include "tools/ctl/text.hh"

namespace smol::ctl {
namespace {

using Stub = v1::SocketService::Stub;

/// A state as ss(8) has it: short in its listing, long in its filters.
struct StateName {
  v1::TcpState state;
  std::string_view shown;
  std::string_view filter;
};
constexpr std::array<StateName, 11> kStates = {{
    {v1::TCP_STATE_ESTABLISHED, "ESTAB", "established"},
    {v1::TCP_STATE_SYN_SENT, "SYN-SENT", "syn-sent"},
    {v1::TCP_STATE_SYN_RECEIVED, "SYN-RECV", "syn-recv"},
    {v1::TCP_STATE_FIN_WAIT_1, "FIN-WAIT-1", "fin-wait-1"},
    {v1::TCP_STATE_FIN_WAIT_2, "FIN-WAIT-2", "fin-wait-2"},
    {v1::TCP_STATE_TIME_WAIT, "TIME-WAIT", "time-wait"},
    {v1::TCP_STATE_CLOSED, "UNCONN", "closed"},
    {v1::TCP_STATE_CLOSE_WAIT, "CLOSE-WAIT", "close-wait"},
    {v1::TCP_STATE_LAST_ACK, "LAST-ACK", "last-ack"},
    {v1::TCP_STATE_LISTEN, "LISTEN", "listening"},
    {v1::TCP_STATE_CLOSING, "CLOSING", "closing"},
}};

struct Query {
  bool tcp = false;
  bool udp = false;
  bool listening = false;
  bool all = false;
  bool info = false;
  bool timers = false;
  bool kill = false;
  std::uint64_t watch = 0;  ///< seconds; 0: once
  v1::ListSocketsRequest request;
  bool states_given = false;
};

/// The words behind `state`.
void add_states(std::string_view word, v1::ListSocketsRequest& request) {
  std::vector<std::string_view> choices = {"all", "connected"};
  for (const StateName& each : kStates) choices.push_back(each.filter);
  const std::string_view chosen = choose(word, choices, "state");
  for (const StateName& each : kStates) {
    const bool connected = each.state != v1::TCP_STATE_LISTEN && each.state != v1::TCP_STATE_CLOSED;
    if (chosen == each.filter || chosen == "all" || (chosen == "connected" && connected)) {
      request.add_states(each.state);
    }
  }
}

std::uint32_t parse_port(Words& words) {
  words.take("=");
  std::string text = words.next("a port, such as :80");
  if (text.starts_with(':')) text.erase(0, 1);
  return static_cast<std::uint32_t>(number(text, 65'535, "port"));
}

/// ss takes a filter as one argument or as several.
std::vector<std::string> split(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (const std::string& argument : arguments) {
    for (const char* other : {"!=", "<", ">"}) {
      if (argument.find(other) != std::string::npos) {
        throw Problem{std::string{"'"} + other + "' is no comparison of a filter: ="};
      }
    }
    std::string word;
    for (const char c : argument + " ") {
      const bool ends = c == ' ' || c == '=' || c == '(' || c == ')';
      if (!ends) word += c;
      if (ends && !word.empty()) out.push_back(std::exchange(word, {}));
      if (c == '=' && (out.empty() || out.back() != "=")) out.emplace_back("=");
    }
  }
  return out;
}

void parse_filter(Words& words, Query& query) {
  v1::ListSocketsRequest& request = query.request;
  while (!words.empty()) {
    const std::string key =
        words.next_of({"state", "sport", "dport", "src", "dst", "and"}, "part of a filter");
    if (key == "state") {
      add_states(words.next("a state"), request);
      query.states_given = true;
    } else if (key == "sport") {
      request.set_local_port(parse_port(words));
    } else if (key == "dport") {
      request.set_remote_port(parse_port(words));
    } else if (key == "src" || key == "dst") {
      words.take("=");
      parse(words.next("an address, with a prefix length or without"),
            key == "src" ? *request.mutable_local() : *request.mutable_remote());
    }
  }
}

/// --watch [SECONDS]: by hand, since what follows may as well be the filter.
void take_watch(std::vector<std::string>& arguments, Query& query) {
  const auto at = std::find(arguments.begin(), arguments.end(), "--watch");
  if (at == arguments.end()) return;
  const auto value = at + 1;
  const bool seconds = value != arguments.end() && !value->empty() &&
                       value->find_first_not_of("0123456789") == std::string::npos;
  query.watch = seconds ? std::max<std::uint64_t>(number(*value, 3600, "number of seconds"), 1) : 1;
  arguments.erase(at, seconds ? value + 1 : value);
}

void parse_query(Run& run, Words& words, Query& query) {
  CLI::App app{"", "ss"};
  app.set_help_flag();
  bool numeric = false;
  bool four = false;
  bool six = false;
  app.add_flag("-t,--tcp", query.tcp);
  app.add_flag("-u,--udp", query.udp);
  app.add_flag("-l,--listening", query.listening);
  app.add_flag("-a,--all", query.all);
  app.add_flag("-n,--numeric", numeric);
  app.add_flag("-i,--info", query.info);
  app.add_flag("-o,--options", query.timers);
  app.add_flag("-K,--kill", query.kill);
  app.add_flag("-4,--ipv4", four);
  app.add_flag("-6,--ipv6", six);
  app.add_flag("-j,--json", run.options.json);
  std::vector<std::string> filter;
  app.add_option("filter", filter);
  std::vector<std::string> arguments;
  while (!words.empty()) arguments.push_back(words.next("a word"));
  take_watch(arguments, query);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    throw Problem{std::string{"ss: "} + error.what()};
  }
  if (query.watch != 0 && query.kill) throw Problem{"ss: --watch and -K do not go together"};
  if (four) run.options.family = IpFamily::kIp4;
  if (six) run.options.family = IpFamily::kIp6;
  Words rest{split(filter)};
  parse_filter(rest, query);
  if (query.tcp || query.udp) {
    if (query.tcp) {
      query.request.add_kinds(v1::SOCKET_KIND_TCP);
      query.request.add_kinds(v1::SOCKET_KIND_TCP_LISTENER);
    }
    if (query.udp) query.request.add_kinds(v1::SOCKET_KIND_UDP);
  }
  query.request.set_want_tcp_info(query.info || query.timers);
}

bool is_tcp(const v1::Socket& socket) {
  return socket.kind() == v1::SOCKET_KIND_TCP || socket.kind() == v1::SOCKET_KIND_TCP_LISTENER;
}

/// As ss(8): connections alone, but TIME-WAIT and half-open ones; -l: the rest of the living; -a:
/// all. A filter by state decides alone.
bool wanted(const Run& run, const Query& query, const v1::Socket& socket) {
  if (!run.options.shows(address_of(socket.local().address()))) return false;
  if (query.states_given) return is_tcp(socket);
  if (query.all) return true;
  const bool waits = is_tcp(socket) ? socket.state() == v1::TCP_STATE_LISTEN ||
                                          socket.state() == v1::TCP_STATE_CLOSED
                                    : !socket.has_remote();
  if (query.listening || waits) return query.listening && waits;
  return socket.state() != v1::TCP_STATE_TIME_WAIT && socket.state() != v1::TCP_STATE_SYN_RECEIVED;
}

std::string_view net(const v1::Socket& socket) {
  if (is_tcp(socket)) return "tcp";
  return socket.kind() == v1::SOCKET_KIND_UDP ? "udp" : "icmp";
}

std::string_view state(const v1::Socket& socket) {
  if (!is_tcp(socket)) return socket.has_remote() ? "ESTAB" : "UNCONN";
  for (const StateName& each : kStates) {
    if (each.state == socket.state()) return each.shown;
  }
  return "UNKNOWN";
}

Json to_json(const v1::Socket& socket) {
  Json out = {{"id", socket.id()},
              {"netid", net(socket)},
              {"state", state(socket)},
              {"recv_q", socket.recv_queue()},
              {"send_q", socket.send_queue()},
              {"local", endpoint_json(socket.local())}};
  if (socket.has_remote()) out["remote"] = endpoint_json(socket.remote());
  out["worker"] = socket.worker();
  if (!socket.owner().empty()) out["owner"] = socket.owner();
  if (socket.kind() == v1::SOCKET_KIND_TCP_LISTENER) {
    out["half_open"] = socket.half_open();
    out["syn_backlog"] = socket.syn_backlog();
  }
  if (!is_tcp(socket)) {
    out["messages"] = socket.messages();
    out["dropped"] = socket.dropped();
  }
  if (!socket.interface().empty()) out["dev"] = socket.interface();
  if (socket.has_expires()) out["expires"] = socket.expires().seconds();
  if (socket.has_tcp_info()) out["tcp_info"] = info_json(socket.tcp_info());
  return out;
}

/// The last column: whose it is, its timer, and what else there is of one without a line of TCP's.
std::string remarks(const Query& query, const v1::Socket& socket) {
  std::string out;
  const auto add = [&](const std::string& text) {
    if (!text.empty()) out += (out.empty() ? "" : " ") + text;
  };
  if (!socket.owner().empty()) add("owner:" + socket.owner());
  if (query.timers && socket.has_tcp_info()) add(timer_text(socket.tcp_info()));
  if (query.timers && socket.has_expires()) {
    add("timer:(timewait," + std::to_string(socket.expires().seconds()) + "sec,0)");
  }
  if (query.info && socket.kind() == v1::SOCKET_KIND_TCP_LISTENER) {
    add("half_open:" + std::to_string(socket.half_open()) + "/" +
        std::to_string(socket.syn_backlog()));
  }
  if (query.info && socket.dropped() > 0) add("dropped:" + std::to_string(socket.dropped()));
  return out;
}

void add_row(const Query& query, Table& table, const v1::Socket& socket) {
  table.add({std::string{net(socket)}, std::string{state(socket)},
             std::to_string(socket.recv_queue()), std::to_string(socket.send_queue()),
             text(socket.local()), socket.has_remote() ? text(socket.remote()) : "*:*",
             remarks(query, socket)});
  if (query.info && socket.has_tcp_info()) table.note(in_words(socket.tcp_info()));
}

/// -K: what is gone meanwhile is what was wanted.
void kill(const Run& run, Stub& stub, const v1::Socket& socket) {
  if (socket.id() == 0) return;
  v1::AbortSocketRequest request;
  request.set_id(socket.id());
  grpc::ClientContext context;
  v1::AbortSocketResponse response;
  const grpc::Status status = stub.AbortSocket(&context, request, &response);
  if (status.error_code() != grpc::StatusCode::NOT_FOUND) run.client.check(status);
}

std::vector<v1::Socket> find(const Run& run, Stub& stub, const Query& query) {
  std::vector<v1::Socket> found;
  run.client.list(&Stub::ListSockets, stub, query.request,
                  [&](const v1::ListSocketsResponse& response) {
                    for (const v1::Socket& socket : response.sockets()) {
                      if (wanted(run, query, socket)) found.push_back(socket);
                    }
                  });
  return found;
}

Json to_json(const std::vector<v1::Socket>& found) {
  Json all = Json::array();
  for (const v1::Socket& socket : found) all.push_back(to_json(socket));
  return all;
}

void print_table(const Run& run, const Query& query, const std::vector<v1::Socket>& found) {
  Table table{
      {"Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", ""}};
  table.right({2, 3});
  for (const v1::Socket& socket : found) add_row(query, table, socket);
  table.print(run.out);
}

/// Anew every interval until somebody ends it: on a terminal in one place, else one behind the
/// other; with -j a line each time.
void watch(const Run& run, Stub& stub, const Query& query) {
  constexpr std::string_view kFromTheTop = "\033[H\033[J";
  const bool terminal = &run.out == &std::cout && isatty(STDOUT_FILENO) != 0;
  auto next = std::chrono::steady_clock::now();
  for (bool first = true; run.out; first = false) {
    const std::vector<v1::Socket> found = find(run, stub, query);
    if (run.options.json) {
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      run.print(
          {{"time", std::chrono::duration<double>(now).count()}, {"sockets", to_json(found)}});
    } else {
      if (terminal) {
        run.out << kFromTheTop;
      } else if (!first) {
        run.out << '\n';
      }
      print_table(run, query, found);
    }
    run.out.flush();
    next += std::chrono::seconds{query.watch};
    std::this_thread::sleep_until(next);
  }
}

}  // namespace

void sockets(Run& run, Words& words) {
  Query query;
  parse_query(run, words, query);
  Stub stub{run.client.channel()};
  if (query.watch != 0) return watch(run, stub, query);
  const std::vector<v1::Socket> found = find(run, stub, query);
  if (query.kill) {
    for (const v1::Socket& socket : found) kill(run, stub, socket);
  }
  if (run.options.json) return run.print(to_json(found));
  print_table(run, query, found);
}

}  // namespace smol::ctl
