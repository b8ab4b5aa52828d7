#include "tools/bench/plot.hh"

#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "tools/bench/table.hh"

namespace smol::bench {
namespace {

constexpr int kRow = 22;
constexpr int kLeft = 260;
constexpr int kBar = 520;
constexpr int kWidth = kLeft + kBar + 160;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// The largest value of each unit, marks included: what the full width stands for.
std::map<std::string, double> scales(const SeriesResult& result) {
  std::map<std::string, double> out;
  for (const RowResult& row : result.rows) {
    if (row.samples.empty()) continue;
    double& most = out[row.unit];
    most = std::max({most, summarize(row.values()).max, row.goal.value_or(0),
                     row.yardstick ? row.yardstick->value : 0});
  }
  return out;
}

std::string mark(double at, int y, const char* colour, const std::string& what) {
  return fmt::format(
      "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"{3}\" "
      "stroke-width=\"2\"><title>{4}</title></line>\n",
      at, y + 2, y + kRow - 4, colour, escaped(what));
}

std::string bar(const RowResult& row, double scale, int y) {
  const Summary summary = summarize(row.values());
  const auto x = [&](double value) { return kLeft + kBar * value / scale; };
  std::string out = fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"#4878a8\"/>\n"
      "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{}\" y2=\"{}\" stroke=\"#202020\"/>\n",
      kLeft, y + 4, x(summary.median) - kLeft, kRow - 8, x(summary.min), x(summary.max),
      y + kRow / 2, y + kRow / 2);
  if (row.goal) out += mark(x(*row.goal), y, "#2a9d3a", "goal " + digits(*row.goal));
  if (row.yardstick) {
    out += mark(x(row.yardstick->value), y, "#c0702a",
                row.yardstick->name + " " + digits(row.yardstick->value));
  }
  return out + fmt::format("<text x=\"{}\" y=\"{}\">{} {}</text>\n", kLeft + kBar + 8, y + 15,
                           digits(summary.median), escaped(row.unit));
}

}  // namespace

std::string to_svg(const SeriesResult& result) {
  const std::map<std::string, double> scale = scales(result);
  std::string body;
  int y = 30;
  std::string group;
  for (const RowResult& row : result.rows) {
    if (row.group != group) {
      group = row.group;
      body += fmt::format("<text x=\"8\" y=\"{}\" font-weight=\"bold\">{}</text>\n", y + 15,
                          escaped(group));
      y += kRow;
    }
    body += fmt::format("<text x=\"20\" y=\"{}\">{}</text>\n", y + 15, escaped(row.name));
    const auto at = scale.find(row.unit);
    if (!row.samples.empty() && at->second > 0) body += bar(row, at->second, y);
    y += kRow;
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      "<text x=\"8\" y=\"20\" font-size=\"14\">{}: {} ({}, commit {})</text>\n{}</svg>\n",
      kWidth, y + 10, escaped(result.name), escaped(result.title), escaped(result.machine.cpu),
      escaped(result.machine.commit), body);
}

}  // namespace smol::bench
