#include <ostream>

#include "smol/v1/neighbor.grpc.pb.h"
#include "tools/ctl/command.hh"
#include "tools/ctl/text.hh"

namespace smol::ctl {
namespace {

using Stub = v1::NeighborService::Stub;

/// "REACHABLE", of NEIGHBOR_STATE_REACHABLE.
std::string state(const v1::Neighbor& neighbor) {
  return v1::NeighborState_Name(neighbor.state()).substr(std::string{"NEIGHBOR_STATE_"}.size());
}

void show(Run& run, const std::string& interface) {
  v1::ListNeighborsRequest request;
  request.set_interface(interface);
  Stub stub{run.client.channel()};
  Json all = Json::array();
  const auto take = [&](const v1::ListNeighborsResponse& response) {
    for (const v1::Neighbor& neighbor : response.neighbors()) {
      if (!run.options.shows(address_of(neighbor.address()))) continue;
      const std::string mac = mac_text(neighbor.mac());
      if (run.options.json) {
        Json one = {{"dst", text(neighbor.address())}, {"dev", neighbor.interface()}};
        if (!mac.empty()) one["lladdr"] = mac;
        if (neighbor.router()) one["router"] = nullptr;
        one["state"] = Json::array({state(neighbor)});
        one["worker"] = neighbor.worker();
        all.push_back(std::move(one));
        continue;
      }
      run.out << text(neighbor.address()) << " dev " << neighbor.interface();
      if (!mac.empty()) run.out << " lladdr " << mac;
      if (neighbor.router()) run.out << " router";
      run.out << ' ' << state(neighbor) << '\n';
    }
  };
  run.client.list(&Stub::ListNeighbors, stub, request, take);
  if (run.options.json) run.print(all);
}

/// What is said of an entry, in any order.
struct Entry {
  v1::IpAddress address;
  std::string mac;
  std::string interface;
};

Entry parse_entry(Words& words) {
  Entry out;
  parse(words.next("an address"), out.address);
  while (!words.empty()) {
    if (words.next_of({"lladdr", "dev"}, "part of a neighbour") == "dev") {
      out.interface = words.next("the name of an interface");
    } else {
      parse_mac(words.next("a MAC address"), out.mac);
    }
  }
  if (out.interface.empty()) throw Problem{"dev and the name of an interface are missing"};
  return out;
}

}  // namespace

void neighbour(Run& run, Words& words) {
  const std::string verb =
      words.empty()
          ? "show"
          : words.next_of({"show", "list", "add", "replace", "del", "flush"}, "command of neigh");
  Stub stub{run.client.channel()};
  if (verb == "show" || verb == "list" || verb == "flush") {
    std::string interface;
    if (words.take("dev")) interface = words.next("the name of an interface");
    words.end();
    if (verb != "flush") return show(run, interface);
    v1::FlushNeighborsRequest request;
    request.set_interface(interface);
    run.client.call(&Stub::FlushNeighbors, stub, request);
    return;
  }
  const Entry entry = parse_entry(words);
  if (verb == "del") {
    v1::DeleteNeighborRequest request;
    request.set_interface(entry.interface);
    *request.mutable_address() = entry.address;
    run.client.call(&Stub::DeleteNeighbor, stub, request);
    return;
  }
  if (entry.mac.empty()) throw Problem{"lladdr and a MAC address are missing"};
  v1::AddNeighborRequest request;
  request.set_interface(entry.interface);
  *request.mutable_address() = entry.address;
  request.set_mac(entry.mac);
  if (verb == "replace") request.set_if_exists(v1::IF_EXISTS_REPLACE);
  run.client.call(&Stub::AddNeighbor, stub, request);
}

}  // namespace smol::ctl
