#include "tools/ctl/command.hh"

#include <algorithm>
#include <iostream>

#include "tools/ctl/text.hh"

namespace smol::ctl {

Json endpoint_json(const v1::Endpoint& endpoint) {
  return {{"address", text(endpoint.address())}, {"port", endpoint.port()}};
}

void Run::print(const Json& json) const {
  out << json.dump(options.pretty ? 4 : -1) << '\n';
}

void Run::note(const Json& json, const std::string& text) const {
  if (options.json) {
    std::cerr << json.dump() << '\n';
  } else if (!text.empty()) {
    std::cerr << text << '\n';
  }
}

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"info", "the daemon: version, uptime, workers", "info", info},
      {"addr", "addresses of interfaces",
       "addr [show [dev IF]]\naddr add|replace PREFIX dev IF\naddr del PREFIX dev IF", address},
      {"link", "interfaces and their counters", "link [show [dev IF]]", link},
      {"route", "routes",
       "route [show [cache]]\nroute add|replace PREFIX [via ADDRESS] [dev IF] [metric N] [mtu N]\n"
       "route del PREFIX [via ADDRESS] [dev IF] [metric N]\nroute get ADDRESS",
       route},
      {"neigh", "neighbours: who has which link address",
       "neigh [show [dev IF]]\nneigh add|replace ADDRESS lladdr MAC dev IF\nneigh del ADDRESS dev "
       "IF\nneigh flush [dev IF]",
       neighbour},
      {"ss", "sockets",
       "ss [-t] [-u] [-l|-a] [-n] [-i] [-o] [-4|-6] [-K] [--watch [SECONDS]] [state STATE] "
       "[sport|dport = :PORT] [src|dst PREFIX]",
       sockets},
      {"bridge", "the link between the two ports of smold --bridge",
       "bridge [show]\nbridge set [a_to_b|b_to_a] KEY=VALUE...", bridge},
      {"drops", "packets dropped, and why", "drops [-a] [--watch [SECONDS]]", drops},
      {"nstat", "counters", "nstat [-z] [PREFIX...]", counters},
      {"tcp", "standard input and output over a connection of the daemon's",
       "tcp connect ADDRESS:PORT [OPTION VALUE]...\ntcp listen [ADDRESS]:PORT [backlog N] "
       "[syn_backlog N] [fast_open N] [OPTION VALUE]...",
       tcp},
      {"udp", "the same over datagrams, one a line or read",
       "udp connect ADDRESS:PORT [-w SECONDS]\nudp listen [ADDRESS]:PORT", udp},
      {"ping", "echo requests from the daemon, as ping(8)",
       "ping ADDRESS [-c COUNT] [-i SECONDS] [-s OCTETS] [-W SECONDS] [-t TTL] [-I IF] [-q]", ping},
      {"drain", "end the daemon in order", "drain [--now]", drain},
  };
  return all;
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  auto note = notes_.begin();
  for (std::size_t n = 0; n < rows_.size(); ++n) {
    std::string line;
    for (std::size_t i = 0; i < rows_[n].size(); ++i) {
      const std::string& cell = rows_[n][i];
      const std::string blanks(widths[i] - cell.size(), ' ');
      const bool at_right = std::find(right_.begin(), right_.end(), i) != right_.end();
      if (i > 0) line += "  ";
      line += at_right ? blanks + cell : cell + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
    for (; note != notes_.end() && note->first == n; ++note) out << note->second << '\n';
  }
}

}  // namespace smol::ctl
