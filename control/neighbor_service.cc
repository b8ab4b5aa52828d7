#include "control/neighbor_service.hh"

#include <array>

#include "control/codec.hh"
#include "control/convert.hh"
#include "control/listing.hh"

namespace smol::control {
namespace {

v1::NeighborState to_proto(NeighborState state) noexcept {
  switch (state) {
    case NeighborState::kIncomplete:
      return v1::NEIGHBOR_STATE_INCOMPLETE;
    case NeighborState::kReachable:
      return v1::NEIGHBOR_STATE_REACHABLE;
    case NeighborState::kStale:
      return v1::NEIGHBOR_STATE_STALE;
    case NeighborState::kDelay:
      return v1::NEIGHBOR_STATE_DELAY;
    case NeighborState::kProbe:
      return v1::NEIGHBOR_STATE_PROBE;
    case NeighborState::kFailed:
      return v1::NEIGHBOR_STATE_FAILED;
    case NeighborState::kPermanent:
      break;
  }
  return v1::NEIGHBOR_STATE_PERMANENT;
}

class NeighborListing final : public Listing<v1::ListNeighborsResponse> {
 public:
  NeighborListing(Workers& workers, const dataplane::Daemon& daemon,
                  std::optional<InterfaceId> only)
      : Listing{workers, workers.count()}, daemon_{daemon}, only_{only} {}

 private:
  Slice collect(StackControl& stack, Cursor from) noexcept override {
    return stack.neighbors_from(from, batch_);
  }
  bool fill(v1::ListNeighborsResponse& response, unsigned worker, std::size_t count) override {
    for (std::size_t i = 0; i < count; ++i) {
      const NeighborInfo& from = batch_[i];
      if (only_ && from.interface != *only_) continue;
      v1::Neighbor& to = *response.add_neighbors();
      to.set_interface(daemon_.interfaces()[from.interface].name);
      put(from.address, *to.mutable_address());
      if (from.mac) put(*from.mac, *to.mutable_mac());
      to.set_state(to_proto(from.state));
      to.set_waiting(from.waiting);
      to.set_router(from.is_router);
      to.set_worker(worker);
    }
    return response.neighbors_size() > 0;
  }

  const dataplane::Daemon& daemon_;
  const std::optional<InterfaceId> only_;
  std::array<NeighborInfo, 256> batch_;
};

/// Whose entry a request is about.
struct Target {
  InterfaceId interface;
  IpAddress address;
};

template <class Request>
Parsed<Target> parse_target(const dataplane::Daemon& daemon, const Request& request) {
  const auto interface = find_interface(daemon, request.interface(), "interface");
  if (!interface) return fail(interface.error());
  const auto address = parse(request.address(), "address");
  if (!address) return fail(address.error());
  if (address->is_unspecified() || address->is_multicast() || address->is_loopback() ||
      address->is_limited_broadcast()) {
    return invalid("address", printed(*address) + " is no address of a neighbour");
  }
  return Target{*interface, *address};
}

grpc::Status to_status(const Result<void, std::optional<Error>>& done, const Target& target) {
  if (done) return grpc::Status::OK;
  if (!done.error()) return stopping();
  const Error error = *done.error();
  const std::string who = printed(target.address);
  std::string message = who + ": " + std::string{sentence(error)};
  if (error == Error::kExists) message = who + " has an entry already";
  if (error == Error::kNotFound) message = "there is no entry of " + who;
  if (error == Error::kInvalid) message = who + " is an address of this host itself";
  if (error == Error::kNoBuffers) message = "no room for another entry: raise limits.neighbors";
  return control::to_status(Refusal{error, "address", message});
}

}  // namespace

grpc::ServerWriteReactor<v1::ListNeighborsResponse>* NeighborService::ListNeighbors(
    grpc::CallbackServerContext*, const v1::ListNeighborsRequest* request) {
  std::optional<InterfaceId> only;
  if (!request->interface().empty()) {
    const auto interface = find_interface(daemon_, request->interface(), "interface");
    if (!interface) {
      return refuse_listing<v1::ListNeighborsResponse>(control::to_status(interface.error()));
    }
    only = *interface;
  }
  auto* listing = new NeighborListing{workers_, daemon_, only};
  listing->begin();
  return listing;
}

grpc::Status NeighborService::AddNeighbor(grpc::ServerContext*,
                                          const v1::AddNeighborRequest* request,
                                          v1::AddNeighborResponse*) {
  const auto target = parse_target(daemon_, *request);
  if (!target) return control::to_status(target.error());
  const auto mac = parse_mac(request->mac(), "mac");
  if (!mac) return control::to_status(mac.error());
  const bool replace = request->if_exists() == v1::IF_EXISTS_REPLACE;

  const auto lock = workers_.configure();
  const auto before = permanent(target->interface, target->address);
  Workers::Change change;
  change.apply = [&](StackControl& stack, unsigned) {
    return replace ? stack.replace_neighbor(target->interface, target->address, *mac)
                   : stack.add_neighbor(target->interface, target->address, *mac);
  };
  change.undo = [&](StackControl& stack, unsigned worker) {
    static_cast<void>(stack.delete_neighbor(target->interface, target->address));
    if (!before[worker]) return;
    static_cast<void>(stack.add_neighbor(target->interface, target->address, *before[worker]));
  };
  const auto done = workers_.change(lock, change);
  const bool exists = !done && done.error() == Error::kExists;
  if (exists && request->if_exists() == v1::IF_EXISTS_IGNORE) return grpc::Status::OK;
  return to_status(done, *target);
}

grpc::Status NeighborService::DeleteNeighbor(grpc::ServerContext*,
                                             const v1::DeleteNeighborRequest* request,
                                             v1::DeleteNeighborResponse*) {
  const auto target = parse_target(daemon_, *request);
  if (!target) return control::to_status(target.error());
  const auto lock = workers_.configure();
  const auto before = permanent(target->interface, target->address);
  // Workers learn for themselves: what one does not know is gone there already.
  bool any = false;
  Workers::Change change;
  change.apply = [&](StackControl& stack, unsigned) -> Result<void, Error> {
    const auto deleted = stack.delete_neighbor(target->interface, target->address);
    if (!deleted && deleted.error() != Error::kNotFound) return deleted;
    any = any || deleted.has_value();
    return {};
  };
  change.undo = [&](StackControl& stack, unsigned worker) {
    if (!before[worker]) return;
    static_cast<void>(stack.add_neighbor(target->interface, target->address, *before[worker]));
  };
  const auto done = workers_.change(lock, change);
  if (done && !any && !request->allow_missing()) {
    return to_status(fail(std::optional{Error::kNotFound}), *target);
  }
  return to_status(done, *target);
}

grpc::Status NeighborService::FlushNeighbors(grpc::ServerContext*,
                                             const v1::FlushNeighborsRequest* request,
                                             v1::FlushNeighborsResponse*) {
  std::vector<InterfaceId> which;
  if (request->interface().empty()) {
    for (std::size_t i = 0; i < daemon_.interfaces().size(); ++i) {
      which.push_back(static_cast<InterfaceId>(i));
    }
  } else {
    const auto interface = find_interface(daemon_, request->interface(), "interface");
    if (!interface) return control::to_status(interface.error());
    which.push_back(*interface);
  }
  const auto lock = workers_.configure();
  for (unsigned worker = 0; worker < workers_.count(); ++worker) {
    for (const InterfaceId interface : which) {
      for (Cursor at; !at.done();) {
        const bool alive = workers_.ask(
            worker, [&](StackControl& stack) { at = stack.flush_neighbors(interface, at).next; });
        if (!alive) return stopping();
      }
    }
  }
  return grpc::Status::OK;
}

std::vector<std::optional<MacAddress>> NeighborService::permanent(InterfaceId interface,
                                                                  const IpAddress& address) {
  std::vector<std::optional<MacAddress>> out(workers_.count());
  std::vector<NeighborInfo> batch(256);
  // What the last worker takes is never undone.
  for (unsigned worker = 0; worker + 1 < workers_.count(); ++worker) {
    for (Cursor at; !at.done();) {
      Slice slice{0, Cursor::end()};
      workers_.ask(worker, [&](StackControl& stack) { slice = stack.neighbors_from(at, batch); });
      for (std::size_t i = 0; i < slice.count; ++i) {
        const NeighborInfo& each = batch[i];
        if (each.interface == interface && each.address == address &&
            each.state == NeighborState::kPermanent) {
          out[worker] = each.mac;
        }
      }
      at = slice.next;
    }
  }
  return out;
}

}  // namespace smol::control
