#include "tools/dump/options.hh"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <pcap/pcap.h>

namespace smol::dump {
namespace {

using client::ExitStatus;

constexpr const char* kDescription =
    "smoldump: shows packets as tcpdump does, and what only smold knows of them.";

constexpr const char* kFooter = R"(
Without -r, packets come live from a running smold: from its ports, before and behind its stack, and
with --tap drop from where it dropped them.

The expression is pcap-filter(7)'s; without one, every packet matches. Put it in quotes when it has
brackets or parentheses, or the shell takes them.

Examples:
  What passes smold's ports now, with numbers only; only port 80 of one of them:
    smoldump -n
    smoldump -n -i smol0 'tcp port 80'

  What it drops, and why; of one kind, until a minute is over:
    smoldump -nm --tap drop
    smoldump -n --tap drop --reason tcp_bad_checksum --duration 1m

  Keep it in a file, and see it at the same time in Wireshark:
    smoldump -w now.pcapng --print
    smoldump -U -w - | wireshark -k -i -

  Look into a capture, with numbers only, then with everything that the headers say:
    smoldump -n -r demo.pcapng
    smoldump -nvv -r demo.pcapng 'tcp port 80'

  Connections that begin or break, and who dropped what and why:
    smoldump -n -r demo.pcapng 'tcp[tcpflags] & (tcp-syn|tcp-rst) != 0'
    smoldump -nm -r demo.pcapng | grep drop:

  The first HTTP request with its octets; how many there are:
    smoldump -nXc1 -r demo.pcapng 'dst port 80 and tcp[tcpflags] & tcp-push != 0'
    smoldump --count -r demo.pcapng 'dst port 80'

  For programs: one object a line; or a smaller file for Wireshark:
    smoldump -j -r demo.pcapng udp | jq -r .ip.src | sort | uniq -c
    smoldump -r demo.pcapng -w small.pcapng 'host 192.168.69.1'
    smoldump -r demo.pcapng -w - icmp | tshark -r -

  See what a filter compiles to:
    smoldump -d 'ip6 and udp port 53'

The daemon never waits for smoldump: what it has no room for is counted, and told at the end.

Exit status: 0 done, 1 wrong usage, filter or file, 2 no daemon, 3 it went away, 4 not permitted,
5 packets were lost (--fail-on-loss), 6 the output cannot be written.)";

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> out;
  std::size_t from = 0;
  while (from <= list.size()) {
    const std::size_t to = std::min(list.find(',', from), list.size());
    out.push_back(list.substr(from, to - from));
    from = to + 1;
  }
  return out;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A whole number and one of `units`.
struct Unit {
  std::string_view name;
  std::uint64_t times;
};

std::optional<std::uint64_t> quantity(std::string_view text, std::span<const Unit> units) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto value = whole_number(text.substr(0, digits));
  for (const Unit& unit : units) {
    if (!value || text.substr(digits) != unit.name) continue;
    if (*value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    return *value * unit.times;
  }
  return std::nullopt;
}

constexpr Unit kTimes[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
constexpr Unit kSizes[] = {{"", 1}, {"k", 1 << 10}, {"M", 1 << 20}};

std::vector<TapPoint> parse_taps(const std::string& list) {
  std::vector<TapPoint> out;
  for (const std::string& word : split(list)) {
    if (word == "all") {
      out = {TapPoint::kRx, TapPoint::kTx, TapPoint::kDrop};
    } else if (word == "rx") {
      out.push_back(TapPoint::kRx);
    } else if (word == "tx") {
      out.push_back(TapPoint::kTx);
    } else if (word == "drop") {
      out.push_back(TapPoint::kDrop);
    } else {
      throw CLI::ValidationError{"--tap", fmt::format("rx, tx, drop or all, not '{}'", word)};
    }
  }
  return out;
}

std::vector<std::uint32_t> parse_workers(const std::string& list) {
  std::vector<std::uint32_t> out;
  for (const std::string& word : split(list)) {
    const auto number = whole_number(word);
    if (!number || *number > 0xffff) {
      throw CLI::ValidationError{"--worker", fmt::format("'{}' is no number of a worker", word)};
    }
    out.push_back(static_cast<std::uint32_t>(*number));
  }
  return out;
}

std::chrono::milliseconds parse_duration(const std::string& text) {
  const auto time = quantity(text, kTimes);
  if (!time || *time == 0 || *time > 365ull * 86'400'000) {
    throw CLI::ValidationError{"--duration", fmt::format("'{}' is no time: 500ms, 10s, 5m", text)};
  }
  return std::chrono::milliseconds{*time};
}

std::uint32_t parse_buffer(const std::string& text) {
  const auto size = quantity(text, kSizes);
  if (!size || *size == 0 || *size > std::numeric_limits<std::uint32_t>::max()) {
    throw CLI::ValidationError{"--buffer", fmt::format("'{}' is no size: 65536, 512k, 4M", text)};
  }
  return static_cast<std::uint32_t>(*size);
}

/// An option whose text goes through `parse`.
template <class Value, class Parse>
CLI::Option* add_parsed(CLI::App& app, const char* name, Value& to, Parse parse,
                        const char* description) {
  return app.add_option_function<std::string>(
      name, [&to, parse](const std::string& text) { to = parse(text); }, description);
}

void add_live(CLI::App& app, Options& options) {
  app.add_option("-i,--interface", options.interface,
                 "A port of smold, live; any: all of them (the default).")
      ->type_name("IF");
  app.add_flag("-D,--list-interfaces", options.list_interfaces, "List the ports of smold.");
  app.add_option("--server", options.server,
                 fmt::format("Where smold is (SMOL_SERVER, or {}).", client::kDefaultServer))
      ->type_name("ADDRESS");
  add_parsed(app, "--tap", options.taps, parse_taps,
             "Where to look: rx, tx, drop, with commas, or all. By default rx,tx.")
      ->type_name("TAPS");
  add_parsed(app, "--reason", options.reasons, split,
             "Only what was dropped for these reasons (smolctl drops -a lists them).")
      ->type_name("NAMES");
  add_parsed(app, "--worker", options.workers, parse_workers, "Only of these workers.")
      ->type_name("NUMBERS");
  app.add_option("--socket", options.socket,
                 "Only segments of this TCP connection: its id in smolctl -j ss.")
      ->type_name("ID");
  add_parsed(app, "--duration", options.duration, parse_duration,
             "Stop after TIME: 500ms, 10s, 5m.")
      ->type_name("TIME");
  add_parsed(app, "--buffer", options.buffer_octets, parse_buffer,
             "What may wait for smoldump in the daemon: 65536, 512k, 4M (the default).")
      ->type_name("SIZE");
  app.add_flag("--fail-on-loss", options.fail_on_loss,
               "Exit status 5 if packets could not be captured.");
}

void add_input(CLI::App& app, Options& options) {
  app.add_option("-r", options.read_file,
                 "Read packets from FILE (pcap, pcapng); -: standard input.")
      ->type_name("FILE");
  app.add_option_function<std::string>(
         "-Q,--direction",
         [&options](const std::string& text) {
           if (text == "in") {
             options.direction = pcap::Direction::kInbound;
           } else if (text == "out") {
             options.direction = pcap::Direction::kOutbound;
           } else if (text != "inout") {
             throw CLI::ValidationError{"-Q", fmt::format("in, out or inout, not '{}'", text)};
           }
         },
         "Only packets that came in, or went out; inout: both.")
      ->type_name("in|out|inout");
  app.add_option_function<std::string>(
         "-c",
         [&options](const std::string& text) {
           const auto [end, error] =
               std::from_chars(text.data(), text.data() + text.size(), options.packets);
           if (error != std::errc{} || *end != '\0' || options.packets == 0) {
             throw CLI::ValidationError{"-c", fmt::format("invalid packet count {}", text)};
           }
         },
         "Stop after N packets that match.")
      ->type_name("N");
  app.add_flag("--count", options.count_only, "Print how many packets match, and nothing else.");
}

/// The whole of FILE for -F.
std::string filter_in(const std::string& path) {
  std::ifstream file{path};
  if (!file) {
    throw CLI::ValidationError{"-F", fmt::format("can't open {}: {}", path, std::strerror(errno))};
  }
  return {std::istreambuf_iterator<char>{file}, {}};
}

void add_filter(CLI::App& app, Options& options, std::vector<std::string>& words,
                std::optional<std::string>& file_text) {
  app.add_option("expression", words, "What packets to show: pcap-filter(7).");
  app.add_option_function<std::string>(
         "-F", [&file_text](const std::string& path) { file_text = filter_in(path); },
         "Take the expression from FILE; one on the command line is ignored.")
      ->type_name("FILE");
  app.add_flag("-d", options.dump_filter,
               "Print the compiled filter and stop; -dd: as C; -ddd: as numbers.");
  app.add_option_function<std::string>(
         "-y,--linktype",
         [](const std::string& name) {
           const int value = pcap_datalink_name_to_val(name.c_str());
           if (value == PCAP_ERROR) {
             throw CLI::ValidationError{"-y", fmt::format("invalid data link type {}", name)};
           }
           if (value != DLT_EN10MB) {
             throw CLI::ValidationError{
                 "-y", fmt::format("only EN10MB can be chosen, not {}: ports are Ethernet", name)};
           }
         },
         "The link type: EN10MB.")
      ->type_name("TYPE");
}

void add_line_form(CLI::App& app, PrintOptions& print, int& times) {
  app.add_flag(
      "-n", [&print](std::int64_t) { print.numbers_only = true; },
      "Numbers, not names, for addresses and ports.");
  app.add_flag("-e", print.link_header, "Print the link header too.");
  app.add_flag("-v", print.verbosity, "Say more of each packet; -vv, -vvv: still more.");
  app.add_flag("-q", print.quiet, "Say less of each packet.");
  app.add_flag("-S,--absolute-tcp-sequence-numbers", print.absolute_numbers,
               "TCP sequence numbers as they are, not counted from the connection's beginning.");
  app.add_flag("-K,--dont-verify-checksums", print.trust_checksums, "Do not verify checksums.");
  app.add_flag("-#,--number", print.packet_number, "Print each packet's number.");
  app.add_flag("-t", times,
               "No time; -tt: seconds since 1970; -ttt: since the packet before; -tttt: with the "
               "date; -ttttt: since the first packet.");
  app.add_flag(
      "--nano", [&print](std::int64_t) { print.nanoseconds = true; }, "Times in nanoseconds.");
  app.add_flag(
      "--micro", [&print](std::int64_t) { print.nanoseconds = false; },
      "Times in microseconds (the default).");
}

struct HexFlags {
  int hex = 0;
  int both = 0;
  bool text = false;
};

void add_octets(CLI::App& app, HexFlags& hex) {
  app.add_flag("-x", hex.hex, "Print the octets too; -xx: those of the link header as well.");
  app.add_flag("-X", hex.both, "The octets with their text beside them; -XX: as -xx.");
  app.add_flag("-A", hex.text, "The octets as text.");
}

void add_output(CLI::App& app, Options& options) {
  app.add_option("-w", options.write_file,
                 "Write the packets into FILE, not lines; -: standard output. *.pcap makes a pcap "
                 "file, all else a pcapng.")
      ->type_name("FILE");
  CLI::Option* pcap = app.add_flag_callback(
      "--pcap", [&options] { options.write_form = FileForm::kPcap; }, "-w writes pcap.");
  app.add_flag_callback(
         "--pcapng", [&options] { options.write_form = FileForm::kPcapng; }, "-w writes pcapng.")
      ->excludes(pcap);
  app.add_flag("--print", options.print_too, "Print lines with -w as well.");
  app.add_option_function<std::string>(
         "-s,--snapshot-length",
         [&options](const std::string& text) {
           std::int64_t value = -1;
           const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
           if (error != std::errc{} || *end != '\0' || value < 0 || value > kLongestPacket) {
             throw CLI::ValidationError{
                 "-s",
                 fmt::format("invalid snaplen {} (must be >= 0 and <= {})", text, kLongestPacket)};
           }
           options.snap_length = static_cast<std::uint32_t>(value);
         },
         "Keep at most LEN octets of each packet (with -r: in what -w writes); 0: all.")
      ->type_name("LEN");
  app.add_flag("-l", options.line_buffered, "Write out each line as soon as it is complete.");
  app.add_flag("-U,--packet-buffered", options.packet_buffered,
               "Write out each packet of -w as soon as it is there.");
  app.add_flag("-j,--json", options.json, "One JSON object a packet and line.");
  app.add_flag("-m,--meta", options.meta,
               "Print worker, port, queue, direction and drop reason, where they are known.");
  app.add_flag("--tcp-info", options.tcp_info,
               "Below each segment its connection's variables, as they were right after it came or "
               "as it left, in the words of ss -ti; -w keeps them too.");
  app.add_option_function<std::string>(
         "--color,--colour",
         [&options](const std::string& text) {
           if (text != "auto" && text != "always" && text != "never") {
             throw CLI::ValidationError{"--color",
                                        fmt::format("auto, always or never, not '{}'", text)};
           }
           options.colour = text == "auto"     ? ColourMode::kAuto
                            : text == "always" ? ColourMode::kAlways
                                               : ColourMode::kNever;
         },
         "On a terminal unless NO_COLOR is set (auto, the default), always, or never.")
      ->type_name("auto|always|never");
}

void add_refused(CLI::App& app) {
  const auto refuse = [&app](const char* name, const char* why) {
    app.add_flag_callback(
           name,
           [name, why] {
             throw CLI::ValidationError{name, why};
           },
           "Not supported.")
        ->group("");
  };
  refuse("-p", "smold's ports have no promiscuous mode to leave: it shows what it receives");
  refuse("-I", "there is no monitor mode: smold's ports are Ethernet");
}

TimeForm time_form(int times) {
  static constexpr TimeForm kForms[] = {TimeForm::kTime,  TimeForm::kNone, TimeForm::kSeconds,
                                        TimeForm::kDelta, TimeForm::kDate, TimeForm::kSinceFirst};
  if (times >= static_cast<int>(std::size(kForms))) {
    throw CLI::ValidationError{"-t", "at most five times"};
  }
  return kForms[times];
}

void set_octets(PrintOptions& print, const HexFlags& hex) {
  if (hex.both > 0) {
    print.hex = HexForm::kHexAndText;
    print.hex_link_header = hex.both > 1;
  } else if (hex.hex > 0) {
    print.hex = HexForm::kHex;
    print.hex_link_header = hex.hex > 1;
  } else if (hex.text) {
    print.hex = HexForm::kText;
  }
}

void check(const CLI::App& app, const Options& options) {
  for (const char* live : {"-i", "-D", "--server", "--tap", "--reason", "--worker", "--socket",
                           "--duration", "--buffer", "--fail-on-loss"}) {
    if (!options.read_file.empty() && app.count(live) > 0) {
      throw CLI::ValidationError{live, "not together with -r: it is of live captures"};
    }
  }
  if (options.json && options.print.hex != HexForm::kNone) {
    throw CLI::ValidationError{"-j", "octets (-x, -X, -A) are not shown in JSON"};
  }
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

}  // namespace

std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv) {
  Options options;
  std::vector<std::string> words;
  std::optional<std::string> file_text;
  HexFlags hex;
  int times = 0;
  bool version = false;
  CLI::App app{kDescription, "smoldump"};
  app.footer(kFooter);
  app.set_help_flag("-h,--help", "Print this and exit.");
  app.add_flag("--version", version, "Print the version and exit.");
  add_live(app, options);
  add_input(app, options);
  add_filter(app, options, words, file_text);
  add_line_form(app, options.print, times);
  add_octets(app, hex);
  add_output(app, options);
  add_refused(app);
  try {
    app.parse(argc, argv);
    if (version) {
      return EarlyExit{ExitStatus::kDone,
                       fmt::format("smoldump {}\n{}\n", SMOL_VERSION, pcap_lib_version())};
    }
    options.print.time = time_form(times);
    options.dump_filter = std::min(options.dump_filter, 3);
    set_octets(options.print, hex);
    check(app, options);
  } catch (const CLI::CallForHelp&) {
    return EarlyExit{ExitStatus::kDone, app.help()};
  } catch (const CLI::ParseError& error) {
    return EarlyExit{ExitStatus::kFailed,
                     fmt::format("smoldump: {} (smoldump --help explains)\n", error.what())};
  }
  options.filter = file_text ? *file_text : joined(words);
  return options;
}

}  // namespace smol::dump
