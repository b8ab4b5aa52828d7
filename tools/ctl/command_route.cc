#include <algorithm>
#include <ostream>

#include "smol/v1/route.grpc.pb.h"
#include "tools/ctl/command.hh"
#include "tools/ctl/text.hh"

namespace smol::ctl {
namespace {

using Stub = v1::RouteService::Stub;

std::string destination(const v1::Route& route) {
  return route.destination().length() == 0 ? "default" : text(route.destination());
}

Json to_json(const v1::Route& route) {
  Json out = {{"dst", destination(route)}};
  if (route.has_gateway()) out["gateway"] = text(route.gateway());
  out["dev"] = route.interface();
  out["protocol"] = route.connected() ? "kernel" : "static";
  if (!route.has_gateway()) out["scope"] = "link";
  if (route.metric() != 0) out["metric"] = route.metric();
  if (route.mtu() != 0) out["mtu"] = route.mtu();
  return out;
}

void print(std::ostream& out, const v1::Route& route) {
  out << destination(route);
  if (route.has_gateway()) out << " via " << text(route.gateway());
  out << " dev " << route.interface();
  if (route.connected()) out << " proto kernel";
  if (!route.has_gateway()) out << " scope link";
  if (route.metric() != 0) out << " metric " << route.metric();
  if (route.mtu() != 0) out << " mtu " << route.mtu();
  out << '\n';
}

/// IPv4 before IPv6, then by prefix, the wider one first, then by metric.
bool before(const v1::Route& a, const v1::Route& b) {
  const IpAddress left = address_of(a.destination().address());
  const IpAddress right = address_of(b.destination().address());
  if (left.family() != right.family()) return left.is_v4();
  if (left != right) return left < right;
  if (a.destination().length() != b.destination().length()) {
    return a.destination().length() < b.destination().length();
  }
  return a.metric() < b.metric();
}

void show(Run& run) {
  Stub stub{run.client.channel()};
  std::vector<v1::Route> routes;
  run.client.list(&Stub::ListRoutes, stub, v1::ListRoutesRequest{},
                  [&](const v1::ListRoutesResponse& response) {
                    for (const v1::Route& route : response.routes()) {
                      if (run.options.shows(address_of(route.destination().address()))) {
                        routes.push_back(route);
                      }
                    }
                  });
  std::stable_sort(routes.begin(), routes.end(), before);
  Json all = Json::array();
  for (const v1::Route& route : routes) {
    if (run.options.json) {
      all.push_back(to_json(route));
    } else {
      print(run.out, route);
    }
  }
  if (run.options.json) run.print(all);
}

/// As ip(8) has what it learned of paths.
void show_cache(Run& run) {
  Stub stub{run.client.channel()};
  Json all = Json::array();
  run.client.list(&Stub::ListPathMtus, stub, v1::ListPathMtusRequest{},
                  [&](const v1::ListPathMtusResponse& response) {
                    for (const v1::PathMtu& path : response.path_mtus()) {
                      if (!run.options.shows(address_of(path.address()))) continue;
                      if (run.options.json) {
                        Json one = {{"dst", text(path.address())}};
                        if (!path.interface().empty()) one["dev"] = path.interface();
                        one["mtu"] = path.mtu();
                        one["expires"] = path.expires_seconds();
                        one["worker"] = path.worker();
                        all.push_back(std::move(one));
                        continue;
                      }
                      run.out << text(path.address());
                      if (!path.interface().empty()) run.out << " dev " << path.interface();
                      run.out << " expires " << path.expires_seconds() << "sec mtu " << path.mtu()
                              << '\n';
                    }
                  });
  if (run.options.json) run.print(all);
}

v1::Route parse_route(const Run& run, Words& words) {
  v1::Route route;
  const std::string to = words.next("a destination");
  bool six = run.options.family == IpFamily::kIp6;
  while (!words.empty()) {
    const std::string key = words.next_of({"via", "dev", "metric", "mtu"}, "part of a route");
    if (key == "via") {
      parse(words.next("the gateway's address"), *route.mutable_gateway());
      six = route.gateway().has_v6();
    } else if (key == "dev") {
      route.set_interface(words.next("the name of an interface"));
    } else if (key == "mtu") {
      route.set_mtu(static_cast<std::uint32_t>(number(words.next("the MTU"), 0xffff, "MTU")));
    } else {
      route.set_metric(
          static_cast<std::uint32_t>(number(words.next("the metric"), 0xffff'ffff, "metric")));
    }
  }
  parse_destination(to, six, *route.mutable_destination());
  return route;
}

void look_up(Run& run, Words& words) {
  v1::LookupRouteRequest request;
  parse(words.next("an address"), *request.mutable_address());
  words.end();
  Stub stub{run.client.channel()};
  const auto answer = run.client.call(&Stub::LookupRoute, stub, request);
  const bool direct = text(answer.next_hop()) == text(request.address());
  if (run.options.json) {
    Json one = {{"dst", text(request.address())}};
    if (!direct) one["gateway"] = text(answer.next_hop());
    one["dev"] = answer.route().interface();
    one["prefsrc"] = text(answer.source());
    if (answer.mtu() != 0) one["mtu"] = answer.mtu();
    if (answer.mtu_expires_seconds() != 0) one["expires"] = answer.mtu_expires_seconds();
    return run.print(Json::array({std::move(one)}));
  }
  run.out << text(request.address());
  if (!direct) run.out << " via " << text(answer.next_hop());
  run.out << " dev " << answer.route().interface() << " src " << text(answer.source());
  if (answer.mtu_expires_seconds() != 0) {
    run.out << " expires " << answer.mtu_expires_seconds() << "sec";
  }
  if (answer.mtu() != 0) run.out << " mtu " << answer.mtu();
  run.out << '\n';
}

}  // namespace

void route(Run& run, Words& words) {
  const std::string verb =
      words.empty()
          ? "show"
          : words.next_of({"show", "list", "add", "replace", "del", "get"}, "command of route");
  if (verb == "get") return look_up(run, words);
  if (verb == "show" || verb == "list") {
    const bool cache = words.take("cache");
    words.end();
    if (cache) return show_cache(run);
    return show(run);
  }
  Stub stub{run.client.channel()};
  const v1::Route route = parse_route(run, words);
  if (verb == "del") {
    v1::DeleteRouteRequest request;
    *request.mutable_route() = route;
    run.client.call(&Stub::DeleteRoute, stub, request);
    return;
  }
  v1::AddRouteRequest request;
  *request.mutable_route() = route;
  if (verb == "replace") request.set_if_exists(v1::IF_EXISTS_REPLACE);
  run.client.call(&Stub::AddRoute, stub, request);
}

}  // namespace smol::ctl
