#include "tools/bench/lwip_reference.hh"

#include <cstdint>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <memory>
#include <netif/ethernet.h>
#include <vector>

#include "tools/bench/failure.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

constexpr std::uint16_t kMss = 1460;
constexpr std::uint16_t kPort = 80;
constexpr std::uint16_t kHeaders = 14 + 20 + 20;

void need(bool ok, const char* what) {
  if (!ok) throw Failure{std::string{"lwIP: "} + what};
}

/// The library keeps one instance of itself, so there is one of these.
class Lwip {
 public:
  Lwip() : data_(kMss, 0x5a) {
    lwip_init();
    client_.start(*this, 2);
    server_.start(*this, 1);
    listen();
    connect();
    for (int i = 0; i < 100 && (!connected_ || !accepted_); ++i) drain();
    need(connected_ && accepted_, "its two interfaces do not get connected");
  }

  /// Nanoseconds a data segment.
  double run(Seconds time) {
    const std::uint64_t before = received_;
    const Stopwatch watch;
    do {
      for (int i = 0; i < 8; ++i) {
        fill();
        drain();
      }
      sys_check_timeouts();
    } while (watch.elapsed() < time);
    const double ns = watch.nanoseconds();
    need(received_ > before, "the stream stands still");
    return ns / (static_cast<double>(received_ - before) / kMss);
  }

 private:
  /// A frame on its way: what is delivered, and what it borrows from until then.
  struct Frame {
    pbuf* view;
    pbuf* owner;
  };

  struct End {
    netif link{};
    Lwip* host = nullptr;
    End* peer = nullptr;
    std::vector<Frame> inbox;
    std::uint8_t number = 0;

    void start(Lwip& lwip, std::uint8_t its_number) {
      host = &lwip;
      number = its_number;
      peer = &(this == &lwip.client_ ? lwip.server_ : lwip.client_);
      ip4_addr_t address;
      ip4_addr_t mask;
      ip4_addr_t gateway{};
      IP4_ADDR(&address, 10, 0, 0, number);
      IP4_ADDR(&mask, 255, 255, 255, 0);
      need(netif_add(&link, &address, &mask, &gateway, this, init, ethernet_input) != nullptr,
           "netif_add() fails");
      netif_set_up(&link);
      netif_set_link_up(&link);
    }
    static err_t init(netif* link) {
      link->name[0] = 'w';
      link->name[1] = 'r';
      link->mtu = 1500;
      link->hwaddr_len = 6;
      link->hwaddr[0] = 2;
      link->hwaddr[5] = static_cast<End*>(link->state)->number;
      link->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
      link->output = etharp_output;
      link->linkoutput = output;
      return ERR_OK;
    }
    static err_t output(netif* link, pbuf* packet) {
      const std::uint16_t head = packet->len < kHeaders ? packet->len : kHeaders;
      pbuf* view = pbuf_alloc(PBUF_RAW, head, PBUF_RAM);
      if (view == nullptr) return ERR_MEM;
      pbuf_copy_partial(packet, view->payload, head, 0);
      if (packet->tot_len > head) {
        pbuf* rest =
            pbuf_alloc(PBUF_RAW, static_cast<std::uint16_t>(packet->tot_len - head), PBUF_REF);
        if (rest == nullptr || packet->len != packet->tot_len) return ERR_MEM;
        rest->payload = static_cast<std::uint8_t*>(packet->payload) + head;
        pbuf_cat(view, rest);
      }
      pbuf_ref(packet);
      static_cast<End*>(link->state)->peer->inbox.push_back({view, packet});
      return ERR_OK;
    }
    bool deliver() {
      if (inbox.empty()) return false;
      std::vector<Frame> frames;
      frames.swap(inbox);
      for (const Frame& frame : frames) {
        if (link.input(frame.view, &link) != ERR_OK) pbuf_free(frame.view);
        pbuf_free(frame.owner);
      }
      frames.clear();
      if (inbox.empty()) inbox.swap(frames);  // keeps its memory
      return true;
    }
  };

  void listen() {
    tcp_pcb* pcb = tcp_new();
    need(pcb != nullptr, "tcp_new() fails");
    tcp_bind_netif(pcb, &server_.link);
    need(tcp_bind(pcb, netif_ip_addr4(&server_.link), kPort) == ERR_OK, "tcp_bind() fails");
    pcb = tcp_listen(pcb);
    need(pcb != nullptr, "tcp_listen() fails");
    tcp_arg(pcb, this);
    tcp_accept(pcb, [](void* self, tcp_pcb* accepted, err_t error) {
      if (error != ERR_OK) return error;
      static_cast<Lwip*>(self)->accepted_ = true;
      tcp_recv(accepted, receive);
      return static_cast<err_t>(ERR_OK);
    });
  }

  void connect() {
    sender_ = tcp_new();
    need(sender_ != nullptr, "tcp_new() fails");
    tcp_bind_netif(sender_, &client_.link);
    need(tcp_bind(sender_, netif_ip_addr4(&client_.link), 0) == ERR_OK, "tcp_bind() fails");
    tcp_arg(sender_, this);
    const err_t error = tcp_connect(sender_, netif_ip_addr4(&server_.link), kPort,
                                    [](void* self, tcp_pcb*, err_t status) {
                                      static_cast<Lwip*>(self)->connected_ = status == ERR_OK;
                                      return static_cast<err_t>(ERR_OK);
                                    });
    need(error == ERR_OK, "tcp_connect() fails");
  }

  static err_t receive(void* self, tcp_pcb* pcb, pbuf* data, err_t) {
    if (data == nullptr) return ERR_OK;
    static_cast<Lwip*>(self)->received_ += data->tot_len;
    tcp_recved(pcb, data->tot_len);
    pbuf_free(data);
    return ERR_OK;
  }

  void fill() {
    while (tcp_sndbuf(sender_) >= kMss &&
           tcp_write(sender_, data_.data(), kMss, TCP_WRITE_FLAG_COPY) == ERR_OK) {
    }
    tcp_output(sender_);
  }

  void drain() {
    bool busy = true;
    while (busy) {
      busy = server_.deliver();
      busy = client_.deliver() || busy;
    }
  }

  End client_;
  End server_;
  tcp_pcb* sender_ = nullptr;
  bool connected_ = false;
  bool accepted_ = false;
  std::uint64_t received_ = 0;
  std::vector<std::uint8_t> data_;
};

}  // namespace

Row lwip_row() {
  Row row;
  row.name = "lwIP 64K IPv4";
  row.group = "reference";
  row.unit = "ns/segment";
  row.measure = [](const Effort& effort) -> Figure {
    static const auto lwip = std::make_unique<Lwip>();
    lwip->run(effort.stack / 4);
    return {lwip->run(effort.stack), {}};
  };
  return row;
}

}  // namespace smol::bench
