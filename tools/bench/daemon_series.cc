#include "tools/bench/daemon_series.hh"

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "tools/bench/failure.hh"
#include "tools/bench/http_load.hh"
#include "tools/bench/kernel_stream.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

constexpr const char* kHere = "192.168.70.1";  // of the veth pair
constexpr const char* kPeer = "192.168.70.2";

/// smold with Linux before it, and a second Linux behind a veth pair.
class TapRig {
 public:
  explicit TapRig(const DaemonPlaces& places) : smold_{places, here_} {
    make_veth_pair(here_, peer_);
    prepare(here_, "veth0", kHere);
    prepare(peer_, "veth1", kPeer);
    server_.emplace(peer_, kPeer);
    try {
      nginx_.emplace(peer_, kPeer, places.out);
    } catch (const Failure& failure) {
      std::cerr << "smolbench: tap: " << failure.what() << "\n";
    }
  }

  bool has_nginx() const noexcept { return nginx_.has_value(); }

  Figure stream_to_smold(Way way, Seconds time) {
    const double before = smold_.cpu();
    const Stopwatch watch;
    const StreamFigure figure = run_client(here_, SmoldProcess::kAddress, way, time);
    const double smold = (smold_.cpu() - before) / watch.elapsed().count();
    return {figure.gbit_a_second, {{"smold CPU", smold}, {"client CPU", figure.cpu}}};
  }

  Figure stream_to_kernel(Way way, Seconds time) {
    const double before = server_->cpu();
    const Stopwatch watch;
    const StreamFigure figure = run_client(here_, kPeer, way, time);
    const double seconds = watch.elapsed().count();
    // The server's time is told when it sees the end of the stream.
    for (int i = 0; i < 100 && server_->cpu() == before; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return {figure.gbit_a_second,
            {{"server CPU", (server_->cpu() - before) / seconds}, {"client CPU", figure.cpu}}};
  }

  Figure http_to_smold(bool keep_alive, Seconds time) {
    const double before = smold_.cpu();
    const Stopwatch watch;
    const HttpFigure figure = run_wrk(here_, SmoldProcess::kAddress, keep_alive, time);
    const double smold = (smold_.cpu() - before) / watch.elapsed().count();
    return {figure.requests_a_second, {{"smold CPU", smold}, {"wrk CPU of 2", figure.cpu}}};
  }

  Figure http_to_nginx(bool keep_alive, Seconds time) {
    const double before = nginx_->cpu();
    const Stopwatch watch;
    const HttpFigure figure = run_wrk(here_, kPeer, keep_alive, time);
    const double nginx = (nginx_->cpu() - before) / watch.elapsed().count();
    return {figure.requests_a_second, {{"nginx CPU", nginx}, {"wrk CPU of 2", figure.cpu}}};
  }

 private:
  static void prepare(const NetworkNamespace& where, const char* interface, const char* address) {
    where.run([&] {
      set_offloads_off(interface);
      set_ip4_address(interface, address, 24);
      set_up(interface);
      widen_port_range();
    });
  }

  NetworkNamespace here_;
  NetworkNamespace peer_;
  SmoldProcess smold_;
  std::optional<KernelServer> server_;
  std::optional<Nginx> nginx_;
};

/// smold over its own port to a tap, with Linux before it.
class OwnTapRig {
 public:
  explicit OwnTapRig(DaemonPlaces places) : smold_{beside(places), here_, SmoldProcess::kOwnTap} {}

  Figure stream(Way way, Seconds time) {
    const double before = smold_.cpu();
    const Stopwatch watch;
    const StreamFigure figure = run_client(here_, SmoldProcess::kAddress, way, time);
    const double smold = (smold_.cpu() - before) / watch.elapsed().count();
    return {figure.gbit_a_second, {{"smold CPU", smold}, {"client CPU", figure.cpu}}};
  }

 private:
  /// Its files are not those of the other one.
  static const DaemonPlaces& beside(DaemonPlaces& places) {
    places.out /= "own-tap";
    std::filesystem::create_directories(places.out);
    return places;
  }

  NetworkNamespace here_;
  SmoldProcess smold_;
};

struct Marks {
  double goal;
  const char* yardstick;
  double value;
};

Row row_of(std::string name, std::string group, std::string unit) {
  Row row;
  row.name = std::move(name);
  row.group = std::move(group);
  row.unit = std::move(unit);
  row.better = Better::kHigher;
  return row;
}

/// A row of smold's and one of the reference's, next to each other in time.
void add_stream(Series& series, const std::shared_ptr<TapRig>& rig, const std::string& name,
                const std::string& group, Way way, const Marks& marks) {
  Row ours = row_of(name + " smold", group, "Gbit/s");
  ours.reference = name + " kernel";
  ours.goal = marks.goal;
  ours.yardstick = Yardstick{marks.yardstick, marks.value};
  ours.measure = [rig, way](const Effort& effort) {
    return rig->stream_to_smold(way, effort.device);
  };
  Row reference = row_of(name + " kernel", group, "Gbit/s");
  reference.measure = [rig, way](const Effort& effort) {
    return rig->stream_to_kernel(way, effort.device);
  };
  series.rows.push_back(std::move(ours));
  series.rows.push_back(std::move(reference));
}

void add_own_stream(Series& series, const std::shared_ptr<OwnTapRig>& rig, const std::string& name,
                    const std::string& group, Way way) {
  Row row = row_of(name + " smold, tap:NAME", group, "Gbit/s");
  row.reference = name + " kernel";
  row.measure = [rig, way](const Effort& effort) { return rig->stream(way, effort.device); };
  series.rows.push_back(std::move(row));
}

void add_http(Series& series, const std::shared_ptr<TapRig>& rig, const std::string& name,
              const std::string& group, bool keep_alive, const Marks& marks) {
  Row ours = row_of(name + " smold", group, "requests/s");
  ours.goal = marks.goal;
  ours.yardstick = Yardstick{marks.yardstick, marks.value};
  ours.measure = [rig, keep_alive](const Effort& effort) {
    return rig->http_to_smold(keep_alive, effort.device);
  };
  if (rig->has_nginx()) ours.reference = name + " nginx";
  series.rows.push_back(std::move(ours));
  if (!rig->has_nginx()) return;
  Row reference = row_of(name + " nginx", group, "requests/s");
  reference.measure = [rig, keep_alive](const Effort& effort) {
    return rig->http_to_nginx(keep_alive, effort.device);
  };
  series.rows.push_back(std::move(reference));
}

}  // namespace

Series tap_series(const DaemonPlaces& places) {
  const auto rig = std::make_shared<TapRig>(places);
  Series out;
  out.name = "tap";
  out.title = "smold over tap, one worker, and Linux TCP in the same namespace";
  out.conditions = {
      "MTU 1500; the kernel's side uses cubic; no thread is pinned; CPU: processors in use, of "
      "smold with the kernel's work that its system calls do",
      "reference: Linux to Linux over a veth pair, TSO, GSO, GRO and checksum offload off; nginx "
      "there with one worker, `return 200`",
      "tap:NAME: our own port, whose kernel leaves checksums and segmentation to who is behind it",
      "HTTP: wrk -t2 -c64, 6 octets of content; at 2 processors wrk itself is the limit",
  };
  add_stream(out, rig, "to Linux", "one stream, server to Linux client", Way::kFromServer,
             {1.3 * 4.0, "smoltcp 0.13", 4.0});
  add_stream(out, rig, "from Linux", "one stream, Linux client to server", Way::kToServer,
             {1.2 * 9.0, "smoltcp 0.13", 9.0});
  const auto own = std::make_shared<OwnTapRig>(places);
  add_own_stream(out, own, "to Linux", "one stream, server to Linux client", Way::kFromServer);
  add_own_stream(out, own, "from Linux", "one stream, Linux client to server", Way::kToServer);
  add_http(out, rig, "HTTP", "HTTP, connections kept alive", true, {300e3, "lwIP", 200e3});
  add_http(out, rig, "HTTP close", "HTTP, a connection for each request", false,
           {60e3, "smoltcp 0.13", 39e3});
  return out;
}

Series start_series(const DaemonPlaces& places) {
  Series out;
  out.name = "start";
  out.title = "smold over net_tap: process start to first answered ping";
  Row row;
  row.name = "first ping";
  row.group = "one port, one worker, three services";
  row.unit = "ms";
  row.goal = 1000;
  row.measure = [places](const Effort&) -> Figure {
    const NetworkNamespace where;
    const SmoldProcess smold{places, where};
    return {smold.start_time().count() * 1e3, {}};
  };
  out.rows.push_back(std::move(row));
  return out;
}

Series idle_series(const DaemonPlaces& places) {
  struct Rig {
    explicit Rig(const DaemonPlaces& where) : smold{where, here} {}
    NetworkNamespace here;
    SmoldProcess smold;
  };
  const auto rig = std::make_shared<Rig>(places);
  Series out;
  out.name = "idle";
  out.title = "smold over net_tap with nothing to do";
  Row row;
  row.name = "all threads";
  row.group = "one port, one worker, three services";
  row.unit = "% of a core";
  row.goal = 2;
  row.measure = [rig](const Effort& effort) -> Figure {
    rig->smold.check();
    const std::optional<std::uint64_t> before = process_nanoseconds(rig->smold.pid());
    const Stopwatch watch;
    std::this_thread::sleep_for(effort.idle);
    const std::optional<std::uint64_t> after = process_nanoseconds(rig->smold.pid());
    rig->smold.check();
    if (!before || !after) throw Failure{"this kernel has no /proc/PID/schedstat"};
    return {static_cast<double>(*after - *before) / watch.nanoseconds() * 100, {}};
  };
  out.rows.push_back(std::move(row));
  return out;
}

}  // namespace smol::bench
