#include "tools/dump/options.hh"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <pcap/pcap.h>

namespace smol::dump {
namespace {

constexpr std::uint32_t kLongest = 262144;

constexpr const char* kDescription =
    "smoldump: shows packets as tcpdump does, and what only smold knows of them.";

constexpr const char* kFooter = R"(
The expression is pcap-filter(7)'s; without one, every packet matches. Put it in quotes when it has
brackets or parentheses, or the shell takes them.

Examples:
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

Exit status: 0 done, 1 wrong usage, filter or file, 6 the output cannot be written.)";

void add_input(CLI::App& app, Options& options) {
  app.add_option("-r", options.read_file,
                 "Read packets from FILE (pcap, pcapng); -: standard input.")
      ->type_name("FILE");
  app.add_option("-i,--interface", options.interface, "Show what a port of smold sees, live.")
      ->type_name("IF");
  app.add_flag("-D,--list-interfaces", options.list_interfaces, "List the ports of smold.");
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
           if (error != std::errc{} || *end != '\0' || value < 0 || value > kLongest) {
             throw CLI::ValidationError{
                 "-s", fmt::format("invalid snaplen {} (must be >= 0 and <= {})", text, kLongest)};
           }
           options.snap_length = static_cast<std::uint32_t>(value);
         },
         "Keep at most LEN octets of a packet in what -w writes; 0: all.")
      ->type_name("LEN");
  app.add_flag("-l", options.line_buffered, "Write out each line as soon as it is complete.");
  app.add_flag("-U,--packet-buffered", options.packet_buffered,
               "Write out each packet of -w as soon as it is there.");
  app.add_flag("-j,--json", options.json, "One JSON object a packet and line.");
  app.add_flag("-m,--meta", options.meta,
               "Print worker, port, queue, direction and drop reason, where they are known.");
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

void check(const Options& options) {
  if (!options.interface.empty() && !options.read_file.empty()) {
    throw CLI::ValidationError{"-i", "not together with -r: packets come from one place"};
  }
  if (!options.interface.empty() || options.list_interfaces) {
    throw CLI::ValidationError{options.list_interfaces ? "-D" : "-i",
                               "this smoldump reads files alone: name one with -r"};
  }
  if (options.json && options.print.hex != HexForm::kNone) {
    throw CLI::ValidationError{"-j", "octets (-x, -X, -A) are not shown in JSON"};
  }
  if (options.read_file.empty() && options.dump_filter == 0) {
    throw CLI::ValidationError{"-r", "nothing to read: name a file, or - for standard input"};
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
  add_input(app, options);
  add_filter(app, options, words, file_text);
  add_line_form(app, options.print, times);
  add_octets(app, hex);
  add_output(app, options);
  add_refused(app);
  try {
    app.parse(argc, argv);
    if (version) {
      return EarlyExit{kDone, fmt::format("smoldump {}\n{}\n", SMOL_VERSION, pcap_lib_version())};
    }
    options.print.time = time_form(times);
    options.dump_filter = std::min(options.dump_filter, 3);
    set_octets(options.print, hex);
    check(options);
  } catch (const CLI::CallForHelp&) {
    return EarlyExit{kDone, app.help()};
  } catch (const CLI::ParseError& error) {
    return EarlyExit{kMisused,
                     fmt::format("smoldump: {} (smoldump --help explains)\n", error.what())};
  }
  options.filter = file_text ? *file_text : joined(words);
  return options;
}

}  // namespace smol::dump
