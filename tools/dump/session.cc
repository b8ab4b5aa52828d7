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

constexpr std::uint32_t kLongest = 262144;

/// Who reads the lines may go before they end: `smoldump ... | head` is no failure.
Failure cannot_write(const std::string& where) {
  if (errno == EPIPE) return {kDone, {}};
  return {kCannotWrite, fmt::format("cannot write to {}: {}", where, std::strerror(errno))};
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

std::string where(const std::string& path) {
  return path == "-" ? "standard output" : path;
}

Result<std::unique_ptr<CaptureWriter>, Failure> writer_for(const Options& options,
                                                           const PacketSource& source) {
  if (options.write_file.empty()) return std::unique_ptr<CaptureWriter>{};
  const std::uint32_t snap = options.snap_length == 0 ? kLongest : options.snap_length;
  auto writer = CaptureWriter::create(options.write_file, form_of(options), source.datalink(), snap,
                                      options.filter);
  if (!writer) return fail(Failure{kCannotWrite, writer.error()});
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

Result<void, Failure> Session::take_all(PacketSource& source, const Stage& stage,
                                        CaptureWriter* writer) {
  LinePrinter printer{options_.print};
  std::uint64_t count = 0;
  while (options_.packets == 0 || count < options_.packets) {
    auto next = source.next();
    if (stopped_) break;  // what the source says of having been interrupted is no news
    if (!next) return fail(Failure{kMisused, next.error()});
    if (!*next) break;
    SourcePacket& packet = **next;
    packet.captured.link = stage.link;
    if (options_.direction && packet.meta.direction != *options_.direction) continue;
    if (!stage.filter.matches(packet.captured)) continue;
    ++count;
    if (stage.prints) {
      if (auto printed = print(stage, printer, packet); !printed) return printed;
    }
    if (writer != nullptr) {
      if (auto written = write(*writer, packet); !written) return written;
    }
  }
  if (options_.count_only) fmt::print(out_, "{} packet{}\n", count, count == 1 ? "" : "s");
  return {};
}

void Session::stop() noexcept {
  stopped_ = true;
  if (PacketSource* source = source_) source->interrupt();
}

Result<void, Failure> Session::run(PacketSource& source) {
  auto filter = Filter::compile(options_.filter, source.datalink(), kLongest);
  if (!filter) return fail(Failure{kMisused, filter.error()});
  const bool prints = !options_.count_only && (options_.write_file.empty() || options_.print_too);
  const auto link = link_of(source.datalink());
  if (prints && !link) {
    const char* name = pcap_datalink_val_to_name(source.datalink());
    return fail(Failure{kMisused, fmt::format("packets of link-type {} cannot be printed, only "
                                              "counted (--count) and written (-w)",
                                              name != nullptr ? name : "unknown")});
  }
  auto writer = writer_for(options_, source);
  if (!writer) return fail(writer.error());
  source_ = &source;
  const Stage stage{std::move(*filter), link.value_or(Link::kEthernet), prints, colours()};
  auto taken = take_all(source, stage, writer->get());
  source_ = nullptr;
  // Also after an error: what came before it belongs to the user.
  const bool closed = *writer == nullptr || (*writer)->close();
  const bool flushed = std::fflush(out_) == 0;
  if (!taken) return taken;
  if (!closed) return fail(cannot_write(where(options_.write_file)));
  if (!flushed) return fail(cannot_write("standard output"));
  if (options_.direction && !source.knows_direction()) {
    return fail(Failure{kMisused,
                        "-Q: no packet here says whether it came in or went out; a "
                        "pcapng file of smold does"});
  }
  return {};
}

Result<void, Failure> dump_filter(const Options& options, const PacketSource* source) {
  const auto filter = Filter::compile(
      options.filter, source != nullptr ? source->datalink() : DLT_EN10MB, kLongest);
  if (!filter) return fail(Failure{kMisused, filter.error()});
  filter->dump(options.dump_filter);
  return {};
}

}  // namespace smol::dump
