#include "tools/bench/table.hh"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/core.h>

namespace smol::bench {
namespace {

/// Columns a terminal shows, not octets: of UTF-8, what begins a character.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

/// Name, median, MAD, least, most, unit, compared with, goal, change since the kept run, notes.
constexpr std::size_t kColumns = 10;
using Line = std::array<std::string, kColumns>;
constexpr std::array<bool, kColumns> kLeftAligned = {true, false, false, false, false,
                                                     true, true,  true,  false, true};

Line heading(const std::string& text) {
  Line out;
  out[0] = text;
  return out;
}

std::string compared(const SeriesResult& result, const RowResult& row, const Summary& summary) {
  std::string out;
  if (const auto ratio = ratio_to_reference(result, row)) {
    out = fmt::format("{:.2f} × {}", *ratio, row.reference);
  }
  if (row.yardstick && row.yardstick->value > 0) {
    out += fmt::format("{}{:.2f} × {} ({:g}*)", out.empty() ? "" : ", ",
                       summary.median / row.yardstick->value, row.yardstick->name,
                       row.yardstick->value);
  }
  return out;
}

std::string goal_of(const RowResult& row, const Summary& summary) {
  if (!row.goal) return {};
  const bool lower = row.better == Better::kLower;
  const bool met = lower ? summary.median <= *row.goal : summary.median >= *row.goal;
  return fmt::format("{} {:g}{}", lower ? "≤" : "≥", *row.goal, met ? " met" : "");
}

std::string change_since(const RowResult& row, const Summary& summary,
                         const std::optional<SeriesResult>& kept) {
  const RowResult* then = kept ? kept->find(row.name) : nullptr;
  if (then == nullptr || then->samples.empty() || then->unit != row.unit) return {};
  const double before = median(then->values());
  if (before == 0) return {};
  return fmt::format("{:+.1f} %", (summary.median / before - 1) * 100);
}

/// What else was seen, each in the median.
std::string notes(const RowResult& row) {
  std::string out;
  for (std::size_t i = 0; i < row.samples.front().figure.notes.size(); ++i) {
    std::vector<double> values;
    for (const Sample& sample : row.samples) {
      if (i < sample.figure.notes.size()) values.push_back(sample.figure.notes[i].second);
    }
    out +=
        fmt::format("{}{} {}", out.empty() ? "" : ", ", row.samples.front().figure.notes[i].first,
                    digits(median(std::move(values))));
  }
  return out;
}

Line line_of(const SeriesResult& result, const RowResult& row,
             const std::optional<SeriesResult>& kept) {
  if (row.samples.empty()) return {"  " + row.name, "-", "-", "-", "-", row.unit, "", "", "", ""};
  const Summary summary = summarize(row.values());
  return {"  " + row.name,
          digits(summary.median),
          digits(summary.mad),
          digits(summary.min),
          digits(summary.max),
          row.unit,
          compared(result, row, summary),
          goal_of(row, summary),
          change_since(row, summary, kept),
          notes(row)};
}

std::string aligned(const std::vector<Line>& lines) {
  std::array<std::size_t, kColumns> widths{};
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      // A heading stands alone in its line and may be as long as it likes.
      if (i == 0 && line[1].empty()) continue;
      widths[i] = std::max(widths[i], width_of(line[i]));
    }
  }
  std::string out;
  for (const Line& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (widths[i] == 0) continue;
      const std::size_t has = width_of(line[i]);
      const std::string space(widths[i] > has ? widths[i] - has : 0, ' ');
      text += kLeftAligned[i] ? line[i] + space : space + line[i];
      text += "  ";
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

/// What the samples say of themselves: how fast the machine was, and who else used it.
std::string trust(const SeriesResult& result) {
  std::vector<double> chain;
  std::vector<double> copy;
  std::vector<double> during;
  std::size_t quiet = 0;
  for (const RowResult& row : result.rows) {
    for (const Sample& sample : row.samples) {
      for (const Calibration& at : {sample.before, sample.after}) {
        if (at == Calibration{}) continue;
        chain.push_back(at.chain_ns);
        copy.push_back(at.copy_ns);
      }
      during.push_back(sample.others_during);
      if (sample.quiet) ++quiet;
    }
  }
  if (during.empty()) return {};
  std::string out;
  if (!chain.empty()) {
    const Summary a = summarize(chain);
    const Summary b = summarize(copy);
    out += fmt::format(
        "calibration: a chained multiplication {:.2f} ns ({:.2f} to {:.2f}), a copy of 1460 octets "
        "in 64 MiB {:.0f} ns ({:.0f} to {:.0f})\n",
        a.median, a.min, a.max, b.median, b.min, b.max);
  }
  const Summary others = summarize(during);
  out += fmt::format(
      "{}: {} of {} samples began on a quiet machine ({:.0f} s waited for it); meanwhile others "
      "used {:.1f} processors in the median, {:.1f} at most\n",
      quiet == during.size() ? "quiet" : "NOT QUIET", quiet, during.size(), result.waited,
      others.median, others.max);
  return out;
}

std::string failures(const SeriesResult& result) {
  std::string out;
  for (const RowResult& row : result.rows) {
    if (!row.failure.empty()) out += fmt::format("FAILED {}: {}\n", row.name, row.failure);
  }
  return out;
}

std::string about_kept(const SeriesResult& result, const std::optional<SeriesResult>& kept) {
  if (!kept) return {};
  std::string out = fmt::format("kept: change since the run of {}, commit {}", kept->started,
                                kept->machine.commit);
  if (kept->machine.cpu != result.machine.cpu) {
    out += "; that was another machine (" + kept->machine.cpu + "), so the change says little";
  }
  return out + "\n";
}

}  // namespace

std::string digits(double value) {
  if (value == 0 || !std::isfinite(value)) return fmt::format("{}", value);
  const double size = std::abs(value);
  if (size >= 1000) return fmt::format("{:.0f}", value);
  if (size >= 100) return fmt::format("{:.1f}", value);
  if (size >= 10) return fmt::format("{:.2f}", value);
  if (size >= 1) return fmt::format("{:.3f}", value);
  return fmt::format("{:.4f}", value);
}

std::string to_table(const SeriesResult& result, const std::optional<SeriesResult>& kept) {
  const Machine& machine = result.machine;
  std::string out = fmt::format("{}: {}\n", result.name, result.title);
  for (const std::string& condition : result.conditions) out += "  " + condition + "\n";
  out += fmt::format("  {}, {} processors, {}, clock governor {}; {}, {}, commit {}; {} run{}\n\n",
                     machine.cpu, machine.cores, machine.kernel, machine.governor, machine.compiler,
                     machine.build, machine.commit, result.runs, result.runs == 1 ? "" : "s");
  std::vector<Line> lines{
      {"", "median", "MAD", "min", "max", "", "", "goal", kept ? "kept" : "", ""}};
  std::string group;
  bool yardsticks = false;
  for (const RowResult& row : result.rows) {
    if (row.group != group) lines.push_back(heading(row.group));
    group = row.group;
    lines.push_back(line_of(result, row, kept));
    yardsticks = yardsticks || row.yardstick.has_value();
  }
  out += aligned(lines) + "\n";
  if (yardsticks)
    out += "* published elsewhere, on a machine of a similar kind; not measured here\n";
  return out + about_kept(result, kept) + failures(result) + trust(result);
}

}  // namespace smol::bench
