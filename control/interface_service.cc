#include "control/interface_service.hh"

#include <algorithm>

#include "control/config.hh"
#include "control/convert.hh"

namespace smol::control {
namespace {

using dataplane::Snapshot;

/// Where a change of an address goes.
struct Target {
  InterfaceId interface;
  IpPrefix address;
};

/// An address that may be a host's. The stack checks again; it has no words for why.
Parsed<IpPrefix> parse_host(const v1::IpPrefix& in, std::string_view field) {
  const auto prefix = parse(in, field);
  if (!prefix) return prefix;
  const auto host = host_address().parse(printed(*prefix));
  if (!host) return invalid(field, host.error());
  return *prefix;
}

template <class Request>
Parsed<Target> parse_target(const dataplane::Daemon& daemon, const Request& request) {
  const auto interface = find_interface(daemon, request.interface(), "interface");
  if (!interface) return fail(interface.error());
  const auto address = parse_host(request.address(), "address");
  if (!address) return fail(address.error());
  return Target{*interface, *address};
}

/// The address on that interface, with whatever prefix length.
std::optional<IpPrefix> find_on(const InterfaceInfo& interface, const IpAddress& address) {
  const auto& all = interface.addresses;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const IpPrefix& each) { return each.address() == address; });
  if (found == all.end()) return std::nullopt;
  return *found;
}

/// What the stack does not look at: the interface as a whole, and the others.
Parsed<void> check(const Target& target, const InterfaceList& all) {
  const InterfaceInfo& on = all[target.interface];
  const IpAddress& address = target.address.address();
  if (address.is_v6() && on.mtu < 1280) {
    return invalid("address", "IPv6 needs an MTU of 1280, and " + std::string{on.name.view()} +
                                  " has " + std::to_string(on.mtu));
  }
  for (const InterfaceInfo& other : all) {
    if (other.id == on.id || address.is_link_local() || !find_on(other, address)) continue;
    return fail(
        Refusal{Error::kExists, "address",
                printed(address) + " is already an address of " + std::string{other.name.view()}});
  }
  return {};
}

Refusal in_words(Error error, const Target& target) {
  if (error == Error::kNoBuffers) {
    return {error, "address",
            "no room: an interface has at most 32 addresses, and limits.addresses is for all of "
            "them"};
  }
  return {error, "address", printed(target.address) + ": " + std::string{sentence(error)}};
}

grpc::Status to_status(const Result<void, std::optional<Error>>& done, const Target& target) {
  if (done) return grpc::Status::OK;
  return done.error() ? to_status(in_words(*done.error(), target)) : stopping();
}

/// The address, with the one that it takes the place of.
Workers::Change adding(const Target& target, const std::optional<IpPrefix>& old) {
  Workers::Change change;
  change.apply = [=](StackControl& stack, unsigned) -> Result<void, Error> {
    if (old) {
      if (auto gone = stack.delete_address(target.interface, *old); !gone) return gone;
    }
    auto added = stack.add_address(target.interface, target.address);
    if (!added && old) static_cast<void>(stack.add_address(target.interface, *old));
    return added;
  };
  change.undo = [=](StackControl& stack, unsigned) {
    static_cast<void>(stack.delete_address(target.interface, target.address));
    if (old) static_cast<void>(stack.add_address(target.interface, *old));
  };
  return change;
}

}  // namespace

grpc::Status InterfaceService::ListInterfaces(grpc::ServerContext*,
                                              const v1::ListInterfacesRequest*,
                                              v1::ListInterfacesResponse* response) {
  const auto all = list_interfaces(workers_);
  if (!all) return stopping();
  const Snapshot snapshot = daemon_.snapshot();
  for (const InterfaceInfo& each : *all) fill(each, snapshot, *response->add_interfaces());
  return grpc::Status::OK;
}

grpc::Status InterfaceService::GetInterface(grpc::ServerContext*,
                                            const v1::GetInterfaceRequest* request,
                                            v1::GetInterfaceResponse* response) {
  const auto id = find_interface(daemon_, request->name(), "name");
  if (!id) return to_status(id.error());
  const auto all = list_interfaces(workers_);
  if (!all) return stopping();
  fill((*all)[*id], daemon_.snapshot(), *response->mutable_interface());
  return grpc::Status::OK;
}

grpc::Status InterfaceService::AddAddress(grpc::ServerContext*,
                                          const v1::AddAddressRequest* request,
                                          v1::AddAddressResponse*) {
  if (daemon_.config().bridge.enabled()) {
    return to_status(Refusal{Error::kNotSupported, "", "this smold is a bridge: no stack answers"});
  }
  const auto target = parse_target(daemon_, *request);
  if (!target) return to_status(target.error());
  const auto lock = workers_.configure();
  const auto all = list_interfaces(workers_);
  if (!all) return stopping();
  if (const auto checked = check(*target, *all); !checked) return to_status(checked.error());

  const std::optional<IpPrefix> old = find_on((*all)[target->interface], target->address.address());
  if (old) {
    const bool same = *old == target->address;
    if (same && request->if_exists() == v1::IF_EXISTS_IGNORE) return grpc::Status::OK;
    if (request->if_exists() != v1::IF_EXISTS_REPLACE) {
      return to_status(Refusal{Error::kExists, "address",
                               request->interface() + " has " + printed(*old) + " already"});
    }
    if (same) return grpc::Status::OK;
  }
  return to_status(workers_.change(lock, adding(*target, old)), *target);
}

grpc::Status InterfaceService::DeleteAddress(grpc::ServerContext*,
                                             const v1::DeleteAddressRequest* request,
                                             v1::DeleteAddressResponse*) {
  const auto target = parse_target(daemon_, *request);
  if (!target) return to_status(target.error());
  const auto lock = workers_.configure();
  const auto all = list_interfaces(workers_);
  if (!all) return stopping();
  const std::optional<IpPrefix> old = find_on((*all)[target->interface], target->address.address());
  if (old != target->address) {
    if (request->allow_missing()) return grpc::Status::OK;
    const std::string instead = old ? ", but " + printed(*old) : "";
    return to_status(
        Refusal{Error::kNotFound, "address",
                request->interface() + " has no address " + printed(target->address) + instead});
  }
  Workers::Change change;
  change.apply = [&](StackControl& stack, unsigned) {
    return stack.delete_address(target->interface, target->address);
  };
  change.undo = [&](StackControl& stack, unsigned) {
    static_cast<void>(stack.add_address(target->interface, target->address));
  };
  return to_status(workers_.change(lock, change), *target);
}

void InterfaceService::fill(const InterfaceInfo& from, const Snapshot& snapshot,
                            v1::Interface& to) {
  const dataplane::Daemon::Interface& port = daemon_.interfaces()[from.id];
  to.set_name(port.name);
  to.set_index(from.id);
  put(from.mac, *to.mutable_mac());
  to.set_mtu(from.mtu);
  to.set_up(daemon_.link_up(from.id));
  to.set_driver(port.driver);
  to.set_rx_queues(port.rx_queues);
  to.set_tx_queues(port.tx_queues);
  for (const std::string& offload : port.offloads) to.add_offloads(offload);
  for (const IpPrefix& address : from.addresses) put(address, *to.add_addresses());
  const Snapshot::Rows& rows = snapshot.ports[from.id].counters;
  const auto value = [&](std::string_view name) { return Snapshot::value(rows, name); };
  v1::InterfaceCounters& counters = *to.mutable_counters();
  counters.set_rx_packets(value("rx_packets"));
  counters.set_rx_octets(value("rx_octets"));
  counters.set_tx_packets(value("tx_packets"));
  counters.set_tx_octets(value("tx_octets"));
  counters.set_rx_missed(value("device_missed") + value("device_rx_no_buffer"));
  counters.set_rx_errors(value("device_rx_errors"));
  counters.set_tx_errors(value("device_tx_errors"));
}

}  // namespace smol::control
