#include "control/route_service.hh"

#include <algorithm>
#include <array>
#include <utility>

#include "control/config.hh"
#include "control/convert.hh"
#include "control/listing.hh"

namespace smol::control {
namespace {

std::string path(std::string_view field, std::string_view name) {
  return std::string{field} + "." + std::string{name};
}

Parsed<IpPrefix> parse_destination(const v1::Route& in, std::string_view field) {
  const std::string here = path(field, "destination");
  if (!in.has_destination()) return invalid(here, "is missing");
  const auto prefix = parse(in.destination(), here);
  if (!prefix) return prefix;
  const auto subnet = route_destination().parse(printed(*prefix));
  if (!subnet) return invalid(here, subnet.error());
  return *prefix;
}

/// Is the gateway on that interface's link? fe80::/10 is on every link that has IPv6 at all.
bool reaches(const InterfaceInfo& interface, const IpAddress& gateway) {
  return std::any_of(interface.addresses.begin(), interface.addresses.end(),
                     [&](const IpPrefix& own) {
                       return own.contains(gateway) ||
                              (gateway.is_v6() && gateway.is_link_local() && own.address().is_v6());
                     });
}

bool is_own(const InterfaceList& all, const IpAddress& address) {
  return std::any_of(all.begin(), all.end(), [&](const InterfaceInfo& interface) {
    return std::any_of(interface.addresses.begin(), interface.addresses.end(),
                       [&](const IpPrefix& own) { return own.address() == address; });
  });
}

/// A gateway may name the interface, by its subnet.
Parsed<InterfaceId> find_by_gateway(const IpAddress& gateway, std::string_view field,
                                    const InterfaceList& all) {
  const InterfaceInfo* found = nullptr;
  for (const InterfaceInfo& interface : all) {
    if (!reaches(interface, gateway)) continue;
    if (found != nullptr) {
      return invalid(path(field, "interface"), printed(gateway) +
                                                   " is in a subnet of several interfaces: name "
                                                   "one");
    }
    found = &interface;
  }
  if (found == nullptr) {
    return invalid(path(field, "gateway"), printed(gateway) +
                                               " is in no subnet of any interface: a gateway must "
                                               "be on the link");
  }
  return found->id;
}

Parsed<InterfaceId> find_named(const v1::Route& in, std::string_view field,
                               const InterfaceList& all) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const InterfaceInfo& each) {
    return each.name.view() == in.interface();
  });
  if (found != all.end()) return found->id;
  return fail(Refusal{Error::kNoDevice, path(field, "interface"),
                      "there is no interface " + in_quotes(in.interface())});
}

Parsed<IpAddress> parse_gateway(const v1::Route& in, const IpPrefix& destination,
                                std::string_view field, const InterfaceList& all) {
  const std::string here = path(field, "gateway");
  const auto gateway = parse(in.gateway(), here);
  if (!gateway) return gateway;
  if (gateway->family() != destination.address().family()) {
    return invalid(here,
                   printed(*gateway) + " is of the other IP version than " + printed(destination));
  }
  if (gateway->is_unspecified() || gateway->is_multicast() || gateway->is_loopback() ||
      gateway->is_limited_broadcast()) {
    return invalid(here, printed(*gateway) + " is no address of a host");
  }
  if (is_own(all, *gateway)) {
    return invalid(here, printed(*gateway) + " is an address of this host itself");
  }
  return gateway;
}

/// "192.0.2.0/24 via 192.0.2.1", for messages.
std::string in_words(const Route& route) {
  std::string out = printed(route.destination);
  if (route.gateway) out += " via " + printed(*route.gateway);
  if (route.metric > 0) out += " metric " + std::to_string(route.metric);
  return out;
}

void fill(const Route& from, const InterfaceList& all, v1::Route& to) {
  put(from.destination, *to.mutable_destination());
  if (from.gateway) put(*from.gateway, *to.mutable_gateway());
  if (from.interface < all.size()) to.set_interface(std::string{all[from.interface].name.view()});
  to.set_metric(from.metric);
  to.set_mtu(from.mtu);
  to.set_connected(is_connected(from, all));
}

class RouteListing final : public Listing<v1::ListRoutesResponse> {
 public:
  RouteListing(Workers& workers, std::size_t interfaces) : Listing{workers, 1} {
    interfaces_.resize(interfaces);
  }

 private:
  /// The interfaces first: names, and which routes came with their addresses.
  Slice collect(StackControl& stack, Cursor from) noexcept override {
    if (from == Cursor{}) {
      static_cast<void>(stack.interfaces_from({}, interfaces_));
    }
    return stack.routes_from(from, batch_);
  }
  bool fill(v1::ListRoutesResponse& response, unsigned, std::size_t count) override {
    for (std::size_t i = 0; i < count; ++i)
      control::fill(batch_[i], interfaces_, *response.add_routes());
    return true;
  }

  InterfaceList interfaces_;
  std::array<Route, 256> batch_;
};

class PathMtuListing final : public Listing<v1::ListPathMtusResponse> {
 public:
  PathMtuListing(Workers& workers, const dataplane::Daemon& daemon)
      : Listing{workers, workers.count()}, daemon_{daemon} {}

 private:
  Slice collect(StackControl& stack, Cursor from) noexcept override {
    return stack.path_mtus_from(from, batch_);
  }
  bool fill(v1::ListPathMtusResponse& response, unsigned worker, std::size_t count) override {
    const auto& interfaces = daemon_.interfaces();
    for (std::size_t i = 0; i < count; ++i) {
      const PathMtuInfo& from = batch_[i];
      v1::PathMtu& to = *response.add_path_mtus();
      put(from.destination, *to.mutable_address());
      if (from.destination.is_link_local() && from.scope < interfaces.size()) {
        to.set_interface(interfaces[from.scope].name);
      }
      to.set_mtu(from.mtu);
      to.set_expires_seconds(static_cast<std::uint32_t>(from.expires / seconds(1)));
      to.set_worker(worker);
    }
    return true;
  }

  const dataplane::Daemon& daemon_;
  std::array<PathMtuInfo, 256> batch_;
};

grpc::Status to_status(const Result<void, std::optional<Error>>& done, std::string_view field,
                       const Route& route) {
  if (done) return grpc::Status::OK;
  if (!done.error()) return stopping();
  const Error error = *done.error();
  if (error == Error::kNoBuffers) {
    return control::to_status(
        Refusal{error, std::string{field}, "no room for another route: raise limits.routes"});
  }
  const std::string what =
      error == Error::kExists ? " is there already" : ": " + std::string{sentence(error)};
  return control::to_status(Refusal{error, std::string{field}, in_words(route) + what});
}

/// What each worker had in the new route's place, to be put back.
using Before = std::vector<std::optional<Route>>;

Workers::Change adding(const Route& route, bool replace, Before& before) {
  Workers::Change change;
  change.apply = [=, &before](StackControl& stack, unsigned worker) -> Result<void, Error> {
    if (!replace) return stack.add_route(route);
    const auto old =
        stack.delete_route({route.destination, std::nullopt, std::nullopt, route.metric});
    if (old) before[worker] = *old;
    auto added = stack.add_route(route);
    if (!added && old) static_cast<void>(stack.add_route(*old));
    return added;
  };
  change.undo = [=, &before](StackControl& stack, unsigned worker) {
    static_cast<void>(
        stack.delete_route({route.destination, route.gateway, route.interface, route.metric}));
    if (before[worker]) static_cast<void>(stack.add_route(*before[worker]));
  };
  return change;
}

}  // namespace

bool is_connected(const Route& route, const InterfaceList& all) noexcept {
  if (route.gateway || route.metric != 0 || route.interface >= all.size()) return false;
  const auto& own = all[route.interface].addresses;
  return std::any_of(own.begin(), own.end(), [&](const IpPrefix& each) {
    return each.length() == route.destination.length() &&
           each.network() == route.destination.address();
  });
}

Parsed<Route> parse_route(const v1::Route& in, std::string_view field, const InterfaceList& all) {
  if (in.connected()) {
    return invalid(path(field, "connected"), "is for answers: such routes come with addresses");
  }
  Route out;
  const auto destination = parse_destination(in, field);
  if (!destination) return fail(destination.error());
  out.destination = *destination;
  out.metric = in.metric();
  const std::uint32_t least_mtu = destination->address().is_v4() ? 68 : 1280;
  if (in.mtu() != 0 && (in.mtu() < least_mtu || in.mtu() > 0xffff)) {
    return invalid(path(field, "mtu"), std::to_string(in.mtu()) + " is not " +
                                           std::to_string(least_mtu) + "..65535, or 0 for none");
  }
  out.mtu = static_cast<std::uint16_t>(in.mtu());
  if (in.has_gateway()) {
    const auto gateway = parse_gateway(in, *destination, field, all);
    if (!gateway) return fail(gateway.error());
    out.gateway = *gateway;
  }
  if (in.interface().empty() && !out.gateway) {
    return invalid(path(field, "interface"), "a route needs a gateway or an interface");
  }
  const auto interface = in.interface().empty() ? find_by_gateway(*out.gateway, field, all)
                                                : find_named(in, field, all);
  if (!interface) return fail(interface.error());
  out.interface = *interface;
  if (out.gateway && !reaches(all[out.interface], *out.gateway)) {
    return invalid(path(field, "gateway"), printed(*out.gateway) + " is in no subnet of " +
                                               in.interface() + ": a gateway must be on the link");
  }
  return out;
}

grpc::ServerWriteReactor<v1::ListRoutesResponse>* RouteService::ListRoutes(
    grpc::CallbackServerContext*, const v1::ListRoutesRequest*) {
  auto* listing = new RouteListing{workers_, daemon_.interfaces().size()};
  listing->begin();
  return listing;
}

grpc::ServerWriteReactor<v1::ListPathMtusResponse>* RouteService::ListPathMtus(
    grpc::CallbackServerContext*, const v1::ListPathMtusRequest*) {
  auto* listing = new PathMtuListing{workers_, daemon_};
  listing->begin();
  return listing;
}

grpc::Status RouteService::AddRoute(grpc::ServerContext*, const v1::AddRouteRequest* request,
                                    v1::AddRouteResponse*) {
  if (!request->has_route())
    return control::to_status(Refusal{Error::kInvalid, "route", "is missing"});
  const auto lock = workers_.configure();
  const auto all = list_interfaces(workers_);
  if (!all) return stopping();
  const auto route = parse_route(request->route(), "route", *all);
  if (!route) return control::to_status(route.error());

  Before before(workers_.count());
  const bool replace = request->if_exists() == v1::IF_EXISTS_REPLACE;
  const auto done = workers_.change(lock, adding(*route, replace, before));
  const bool exists = !done && done.error() == Error::kExists;
  if (exists && request->if_exists() == v1::IF_EXISTS_IGNORE) return grpc::Status::OK;
  return to_status(done, "route", *route);
}

grpc::Status RouteService::DeleteRoute(grpc::ServerContext*, const v1::DeleteRouteRequest* request,
                                       v1::DeleteRouteResponse*) {
  const v1::Route& in = request->route();
  RouteMatch match;
  const auto destination = parse_destination(in, "route");
  if (!destination) return control::to_status(destination.error());
  match.destination = *destination;
  if (in.has_gateway()) {
    const auto gateway = parse(in.gateway(), "route.gateway");
    if (!gateway) return control::to_status(gateway.error());
    match.gateway = *gateway;
  }
  if (!in.interface().empty()) {
    const auto interface = find_interface(daemon_, in.interface(), "route.interface");
    if (!interface) return control::to_status(interface.error());
    match.interface = *interface;
  }
  if (in.metric() != 0) match.metric = in.metric();

  const auto lock = workers_.configure();
  Before gone(workers_.count());
  Workers::Change change;
  change.apply = [&](StackControl& stack, unsigned worker) -> Result<void, Error> {
    auto deleted = stack.delete_route(match);
    if (!deleted) return fail(deleted.error());
    gone[worker] = *deleted;
    return {};
  };
  change.undo = [&](StackControl& stack, unsigned worker) {
    static_cast<void>(stack.add_route(*gone[worker]));
  };
  const auto done = workers_.change(lock, change);
  const bool missing = !done && done.error() == Error::kNotFound;
  if (missing && request->allow_missing()) return grpc::Status::OK;
  if (missing) {
    Route wanted;
    wanted.destination = match.destination;
    wanted.gateway = match.gateway;
    wanted.metric = in.metric();
    return control::to_status(
        Refusal{Error::kNotFound, "route", "there is no route " + in_words(wanted)});
  }
  return to_status(done, "route", {});
}

grpc::Status RouteService::LookupRoute(grpc::ServerContext*, const v1::LookupRouteRequest* request,
                                       v1::LookupRouteResponse* response) {
  const auto address = parse(request->address(), "address");
  if (!address) return control::to_status(address.error());
  const auto all = list_interfaces(workers_);
  if (!all) return stopping();
  if (is_own(*all, *address)) {
    return control::to_status(Refusal{Error::kNetworkUnreachable, "address",
                                      printed(*address) + " is an address of this host itself"});
  }
  Result<RouteAnswer, Error> answer = fail(Error::kNetworkUnreachable);
  RouteQuery query;
  query.destination = *address;
  if (!workers_.ask(0, [&](StackControl& stack) { answer = stack.find_route(query); })) {
    return stopping();
  }
  if (!answer) {
    const bool unreachable = answer.error() == Error::kNetworkUnreachable;
    return control::to_status(
        Refusal{answer.error(), "address",
                unreachable ? "there is no route to " + printed(*address)
                            : printed(*address) + ": " + std::string{sentence(answer.error())}});
  }
  Route route;
  if (answer->route) {
    route = *answer->route;
  } else {
    // On a link, whatever the table says: the destination alone.
    route.destination = IpPrefix{*address, IpPrefix::max_length(address->family())};
    route.interface = answer->interface;
  }
  fill(route, *all, *response->mutable_route());
  put(answer->next_hop, *response->mutable_next_hop());
  put(answer->source, *response->mutable_source());
  if (answer->interface < all->size() && answer->mtu < (*all)[answer->interface].mtu) {
    response->set_mtu(answer->mtu);
  }
  if (answer->mtu_expires) {
    const Duration left = std::max(*answer->mtu_expires, Duration::zero());
    response->set_mtu_expires_seconds(
        static_cast<std::uint32_t>((left + seconds(1) - nanoseconds(1)) / seconds(1)));
  }
  return grpc::Status::OK;
}

}  // namespace smol::control
