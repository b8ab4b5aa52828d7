#include "tools/dump/session.hh"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <unistd.h>

#include <fmt/format.h>
#include <pcap/pcap.h>

#include "tools/dump/colour.hh"
#include "tools/dump/filter.hh"
#include "tools/dump/json.hh"

namespace smol::dump {
namespace {

using client::ExitStatus;

/// Who reads the lines may go before they end: `smoldump ... | head` is no failure.
Failure cannot_write(const std::string& where) {
  if (errno == EPIPE) return {ExitStatus::kDone, {}};
  return {ExitStatus::kCannotWrite,
          fmt::format("cannot write to {}: {}", where, std::strerror(errno))};
}

std::optional<Link> link_of(int datalink) {
  if (datalink == DLT_EN10MB) return Link::kEthernet;
  if (datalink == DLT_RAW || datalink == DLT_IPV4 || datalink == DLT_IPV6) return Link::kRawIp;
  return std::nullopt;
}

FileForm form_of(const Options& options) {
  if (options.write_form) return *options.write_form;
  return options.write_file.ends_with(".pcap") ? FileForm::kPcap : FileForm::kPcapng;
}

std::string packets(std::uint64_t count) {
  return fmt::format("{} packet{}", count, count == 1 ? "" : "s");
}

std::string where(const std::string& path) {
  return path == "-" ? "standard output" : path;
}

Result<std::unique_ptr<CaptureWriter>, Failure> writer_for(const Options& options,
                                                           const PacketSource& source) {
  if (options.write_file.empty()) return std::unique_ptr<CaptureWriter>{};
  const std::uint32_t snap = options.snap_length == 0 ? kLongestPacket : options.snap_length;
  auto writer = CaptureWriter::create(options.write_file, form_of(options), source.datalink(), snap,
                                      options.filter);
  if (!writer) return fail(Failure{ExitStatus::kCannotWrite, writer.error()});
  return std::move(*writer);
}

}  // namespace

/// What a run consists of, made from the options and the source.
struct Session::Stage {
  Filter filter;
  Link link;
  bool prints;
  bool coloured;
};

bool Session::colours() const {
  switch (options_.colour) {
    case ColourMode::kAlways:
      return true;
    case ColourMode::kNever:
      return false;
    case ColourMode::kAuto:
      break;
  }
  const char* refused = std::getenv("NO_COLOR");
  return (refused == nullptr || *refused == '\0') && isatty(fileno(out_)) != 0;
}

Result<void, Failure> Session::print(const Stage& stage, LinePrinter& printer,
                                     const SourcePacket& packet) {
  std::string text;
  if (options_.json) {
    text = to_json(packet, printer.line(packet.captured)) + "\n";
  } else {
    const std::string meta = options_.meta ? meta_text(packet.meta) : std::string{};
    text = printer.print(packet.captured, meta);
    if (options_.tcp_info) text += tcp_info_text(packet.meta);
    if (stage.coloured) text = coloured(text, packet.meta.verdict == "drop");
  }
  if (std::fwrite(text.data(), 1, text.size(), out_) != text.size() ||
      (options_.line_buffered && std::fflush(out_) != 0)) {
    return fail(cannot_write("standard output"));
  }
  return {};
}

Result<void, Failure> Session::write(CaptureWriter& writer, SourcePacket& packet) {
  Bytes& octets = packet.captured.octets;
  if (options_.snap_length != 0)
    octets = octets.first(std::min<std::size_t>(octets.size(), options_.snap_length));
  if (!writer.write(packet) || (options_.packet_buffered && !writer.flush())) {
    return fail(cannot_write(where(options_.write_file)));
  }
  return {};
}

Result<void, Failure> Session::tell_loss(const CaptureCounts& counts, bool as_json) {
  if (counts.lost() == lost_) return {};
  const std::uint64_t more = counts.lost() - lost_;
  lost_ = counts.lost();
  if (!as_json) {
    fmt::print(stderr, "~~ {} not captured; until now: rings {}, stream {} ~~\n", packets(more),
               counts.lost_ring, counts.lost_stream);
    return {};
  }
  const std::string line = fmt::format("{{\"lost\":{{\"more\":{},\"ring\":{},\"stream\":{}}}}}\n",
                                       more, counts.lost_ring, counts.lost_stream);
  if (std::fputs(line.c_str(), out_) < 0) return fail(cannot_write("standard output"));
  return {};
}

Result<void, Failure> Session::take(const Stage& stage, LinePrinter& printer, CaptureWriter* writer,
                                    SourcePacket& packet) {
  packet.captured.link = stage.link;
  if (options_.direction && packet.meta.direction != *options_.direction) return {};
  if (!stage.filter.matches(packet.captured)) return {};
  ++count_;
  if (stage.prints) {
    if (auto printed = print(stage, printer, packet); !printed) return printed;
  }
  if (writer != nullptr) return write(*writer, packet);
  return {};
}

Result<void, Failure> Session::take_all(PacketSource& source, const Stage& stage,
                                        CaptureWriter* writer) {
  LinePrinter printer{options_.print};
  while (options_.packets == 0 || count_ < options_.packets) {
    auto next = source.next();
    if (stopped_ && !source.drains()) return {};  // what it says of the interruption is no news
    if (!next) return fail(next.error());
    if (const auto counts = source.counts()) {
      if (auto told = tell_loss(*counts, stage.prints && options_.json); !told) return told;
    }
    if (!*next) return {};
    if (auto taken = take(stage, printer, writer, **next); !taken) return taken;
  }
  return {};
}

void Session::stop() noexcept {
  stopped_ = true;
  if (PacketSource* source = source_) source->interrupt();
}

/// From the first packet to the last word.
Result<void, Failure> Session::run(PacketSource& source, const Stage& stage,
                                   CaptureWriter* writer) {
  auto taken = take_all(source, stage, writer);
  source.finish();
  const std::optional<CaptureCounts> counts = source.counts();
  // Also after an error: what came before it belongs to the user.
  const bool closed = writer == nullptr || writer->close(counts);
  if (options_.count_only) fmt::print(out_, "{}\n", packets(count_));
  const bool flushed = std::fflush(out_) == 0;
  if (counts) {
    fmt::print(stderr, "{} captured\n{} received by filter\n", packets(count_),
               packets(counts->matched));
    fmt::print(stderr, "{} dropped by capture (rings {}, stream {})\n", packets(counts->lost()),
               counts->lost_ring, counts->lost_stream);
  }
  if (!taken) return taken;
  if (!closed) return fail(cannot_write(where(options_.write_file)));
  if (!flushed) return fail(cannot_write("standard output"));
  if (options_.fail_on_loss && counts && counts->lost() > 0) {
    return fail(Failure{ExitStatus::kPacketsLost, {}});
  }
  return {};
}

Result<void, Failure> Session::run(PacketSource& source) {
  const std::string& expression = source.filters() ? std::string{} : options_.filter;
  auto filter = Filter::compile(expression, source.datalink(), kLongestPacket);
  if (!filter) return fail(Failure{ExitStatus::kFailed, filter.error()});
  const bool prints = !options_.count_only && (options_.write_file.empty() || options_.print_too);
  const auto link = link_of(source.datalink());
  if (prints && !link) {
    const char* name = pcap_datalink_val_to_name(source.datalink());
    return fail(
        Failure{ExitStatus::kFailed, fmt::format("packets of link-type {} cannot be printed, only "
                                                 "counted (--count) and written (-w)",
                                                 name != nullptr ? name : "unknown")});
  }
  auto writer = writer_for(options_, source);
  if (!writer) return fail(writer.error());
  source_ = &source;
  if (stopped_) source.interrupt();  // before anybody could tell it
  const Stage stage{std::move(*filter), link.value_or(Link::kEthernet), prints, colours()};
  auto done = run(source, stage, writer->get());
  source_ = nullptr;
  if (!done) return done;
  if (options_.direction && !source.knows_direction()) {
    return fail(Failure{ExitStatus::kFailed,
                        "-Q: no packet here says whether it came in or went out; a "
                        "pcapng file of smold does"});
  }
  return {};
}

Result<void, Failure> dump_filter(const Options& options, const PacketSource* source) {
  const auto filter = Filter::compile(
      options.filter, source != nullptr ? source->datalink() : DLT_EN10MB, kLongestPacket);
  if (!filter) return fail(Failure{ExitStatus::kFailed, filter.error()});
  filter->dump(options.dump_filter);
  return {};
}

}  // namespace smol::dump
