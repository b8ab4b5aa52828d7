#include "control/remote/endpoint.hh"

namespace smol::control {

std::string RemoteApplication::start(Sockets&, std::uint16_t owner) {
  owner_ = owner;
  return {};
}

void RemoteApplication::on_events(Sockets& sockets, std::span<const SocketEvent> events) {
  dataplane::WorkerAccess worker{index_, sockets, *desk_};
  for (const SocketEvent& event : events) {
    reinterpret_cast<RemoteEndpoint*>(event.user_data)->on_event(worker, event);
  }
}

void RemoteApplication::drain(Sockets& sockets) {
  if (desk_ == nullptr) return;
  dataplane::WorkerAccess worker{index_, sockets, *desk_};
  for (RemoteEndpoint* endpoint = first_; endpoint != nullptr; endpoint = endpoint->next_) {
    endpoint->on_drain(worker);
  }
}

void RemoteApplication::stopped() {
  for (RemoteEndpoint* endpoint = first_; endpoint != nullptr; endpoint = endpoint->next_) {
    endpoint->on_stopped(*desk_);
  }
}

void RemoteApplication::attach(dataplane::WorkerAccess& worker, RemoteEndpoint& endpoint) noexcept {
  desk_ = &worker.desk;
  index_ = worker.index;
  endpoint.previous_ = nullptr;
  endpoint.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &endpoint;
  first_ = &endpoint;
}

void RemoteApplication::detach(RemoteEndpoint& endpoint) noexcept {
  (endpoint.previous_ != nullptr ? endpoint.previous_->next_ : first_) = endpoint.next_;
  if (endpoint.next_ != nullptr) endpoint.next_->previous_ = endpoint.previous_;
}

dataplane::ApplicationSpec RemoteSockets::application() {
  return {"grpc", [this](unsigned, dataplane::Log&) {
            auto made = std::make_unique<RemoteApplication>();
            applications_.push_back(made.get());
            return made;
          }};
}

}  // namespace smol::control
