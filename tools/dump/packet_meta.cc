#include <charconv>

#include <fmt/format.h>

#include "protocols/base/text.hh"
#include "tools/dump/packet_source.hh"

namespace smol::dump {
namespace {

constexpr std::string_view kWorker = "worker ";
constexpr std::string_view kDrop = "drop: ";
constexpr std::string_view kTcp = "tcp: ";
constexpr std::string_view kBetween = "; ";

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string words_of(const tcp::Trace& trace) {
  Text<tcp::Trace::kMaxText> text;
  trace.print(text);
  return std::string{text.view()};
}

void add(std::string& to, std::string_view between, std::string_view piece) {
  if (!to.empty()) to += between;
  to += piece;
}

void read_piece(std::string_view piece, PacketMeta& meta) {
  if (piece.starts_with(kDrop)) {
    meta.verdict = "drop";
    meta.reason = piece.substr(kDrop.size());
    return;
  }
  if (piece.starts_with(kWorker)) {
    if (const auto worker = number(piece.substr(kWorker.size()))) {
      meta.worker = worker;
      return;
    }
  }
  if (piece.starts_with(kTcp)) {
    if (const auto trace = tcp::Trace::parse(piece.substr(kTcp.size()))) {
      meta.tcp = trace;
      return;
    }
  }
  if (piece == "consumed") {
    meta.verdict = piece;
    return;
  }
  add(meta.comment, kBetween, piece);
}

}  // namespace

void read_comment(std::string_view comment, PacketMeta& meta) {
  while (!comment.empty()) {
    const std::size_t end = comment.find(kBetween);
    read_piece(comment.substr(0, end), meta);
    if (end == std::string_view::npos) return;
    comment.remove_prefix(end + kBetween.size());
  }
}

std::string comment_of(const PacketMeta& meta) {
  std::string out;
  if (meta.worker) add(out, kBetween, fmt::format("{}{}", kWorker, *meta.worker));
  if (meta.verdict == "drop") {
    add(out, kBetween, fmt::format("{}{}", kDrop, meta.reason));
  } else if (!meta.verdict.empty()) {
    add(out, kBetween, meta.verdict);
  }
  if (meta.tcp) add(out, kBetween, fmt::format("{}{}", kTcp, words_of(*meta.tcp)));
  if (!meta.comment.empty()) add(out, kBetween, meta.comment);
  return out;
}

std::string tcp_info_text(const PacketMeta& meta) {
  return meta.tcp ? fmt::format("\t{}\n", words_of(*meta.tcp)) : std::string{};
}

std::string meta_text(const PacketMeta& meta) {
  std::string out;
  if (meta.worker) add(out, " ", fmt::format("w{}", *meta.worker));
  if (!meta.interface.empty()) add(out, " ", meta.interface);
  if (meta.queue) add(out, " ", fmt::format("q{}", *meta.queue));
  if (meta.direction != pcap::Direction::kUnknown) {
    add(out, " ", meta.direction == pcap::Direction::kInbound ? "in" : "out");
  }
  if (!meta.verdict.empty()) {
    add(out, " ", meta.verdict);
    if (!meta.reason.empty()) add(out, ":", meta.reason);
  }
  if (!meta.comment.empty()) add(out, " ", fmt::format("\"{}\"", meta.comment));
  // Text of a file goes to a terminal: what is not printable must not.
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return out.empty() ? out : "[" + out + "] ";
}

}  // namespace smol::dump
