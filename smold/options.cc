#include "smold/options.hh"

#include <CLI/CLI.hpp>

namespace smol::smold {
namespace {

constexpr const char* kDescription =
    "smold: a TCP/IP stack of its own on DPDK.\n"
    "Runs one from a file, or the demo: HTTP, echo and other small services on 192.168.69.1.\n"
    "Or it joins two ports by a link that can be made bad.";

constexpr const char* kFooter = R"(
Examples:
  Look around, as root, with no file, no hugepages and no network card:
    smold --demo
    ip addr add 192.168.69.100/24 dev smol0
    ping 192.168.69.1
    curl http://192.168.69.1/
    socat stdio tcp4-connect:192.168.69.1:6970

  The same over a bad link, with all of its packets in a file:
    smold --demo --drop-chance 15 --corrupt-chance 15 --pcap demo.pcapng

  Write a configuration, try it, run it:
    smold --print-demo-config > smold.yaml
    smold --check-config smold.yaml
    smold --config smold.yaml

  Join two interfaces by a bad link, without a stack:
    smold --bridge tap:left tap:right --link delay=25ms,loss=1 --a-to-b rate=50Mbit
    smolctl bridge

Stop it with Ctrl-C or SIGTERM: connections may finish; a second one does not wait for them.
Exit status: 0 stopped as asked, 1 wrong configuration or cannot start, 2 wrong usage.)";

/// Adds an option whose value `codec` reads into what `apply` does to the configuration.
template <class V, class Apply>
void add(CLI::App& app, Options& options, const std::string& name, const std::string& value_name,
         const control::Codec<V>& codec, Apply apply, const std::string& description) {
  app.add_option_function<std::string>(
         name,
         [&options, name, codec, apply](const std::string& text) {
           const Result<V, std::string> value = codec.parse(text);
           if (!value) throw CLI::ValidationError(name, value.error());
           options.overrides.push_back([apply, v = *value](Config& config) { apply(config, v); });
         },
         description)
      ->type_name(value_name);
}

/// The same for one field of the faults of every port.
template <class V, class Field>
void add_fault(CLI::App& app, Options& options, const std::string& name,
               const std::string& value_name, const control::Codec<V>& codec, Field field,
               const std::string& description) {
  add(
      app, options, name, value_name, codec,
      [field](Config& config, const V& value) {
        for (dataplane::PortConfig& port : config.ports) port.faults.*field = value;
      },
      description);
}

/// Whole milliseconds without a unit, as the names of the options say.
control::Codec<Duration> whole_milliseconds(std::uint32_t min) {
  const control::Codec<std::uint32_t> number = control::integer<std::uint32_t>(min, 60'000);
  return {number.form,
          [=](std::string_view text) -> Result<Duration, std::string> {
            const Result<std::uint32_t, std::string> value = number.parse(text);
            if (!value) return fail(value.error());
            return milliseconds(*value);
          },
          [](const Duration& value) { return std::to_string(value / milliseconds(1)); }};
}

using dataplane::BridgeConfig;

/// For the help, in lines.
std::string link_keys() {
  std::string keys;
  for (const auto& [key, value] : control::link_words(dataplane::LinkConfig{})) {
    keys += (keys.empty() ? "" : ", ") + key;
  }
  return keys;
}

/// What `text` of the option `name` changes. Throws what CLI11 reports.
std::function<void(Config&)> link_change(
    const std::string& name, const std::string& text,
    const std::vector<dataplane::LinkConfig BridgeConfig::*>& ways) {
  const auto words = control::link_words(text);
  if (!words) throw CLI::ValidationError(name, words.error());
  // Only what a key alone can be wrong about: what it goes with may come with the next option.
  dataplane::LinkConfig scratch;
  if (const auto read = control::read_link_words(*words, scratch); !read) {
    throw CLI::ValidationError(name, read.error());
  }
  return [ways, words = *words](Config& config) {
    for (const auto way : ways) {
      static_cast<void>(control::read_link_words(words, config.bridge.*way));
    }
  };
}

void add_actions(CLI::App& app, Options& options) {
  using Action = Options::Action;
  CLI::Option_group* what = app.add_option_group("Do one of");
  const auto flag = [&](const char* name, Action action, const char* description) {
    return what->add_flag_callback(
        name, [&options, action] { options.action = action; }, description);
  };
  flag("--demo", Action::kRun, "Run the demo: port smol0 over net_tap, all services.");
  what->add_option("--config", options.file, "Run what this file says.")->type_name("FILE");
  what->add_option("--bridge", options.bridge,
                   "Join two ports. Each is tap:NAME, af_packet:INTERFACE, or any device of DPDK.")
      ->expected(2)
      ->type_name("A B");
  what->add_option_function<std::string>(
          "--check-config",
          [&options](const std::string& file) {
            options.action = Action::kCheckConfig;
            options.file = file;
          },
          "Say whether smold would take this file, and why not.")
      ->type_name("FILE");
  flag("--print-demo-config", Action::kPrintDemoConfig, "Print the demo as a file.");
  flag("--print-default-config", Action::kPrintDefaultConfig,
       "Print every key with its default and what it means.");
  flag("--print-config-reference", Action::kPrintConfigReference,
       "Print the reference of the configuration as Markdown.");
  flag("--version", Action::kPrintVersion, "Print the version.");
  what->require_option(1);
}

void add_overrides(CLI::App& app, Options& options) {
  using dataplane::LogLevel;
  add(
      app, options, "--log-level", "LEVEL",
      control::enumeration<LogLevel>({{"trace", LogLevel::kTrace},
                                      {"debug", LogLevel::kDebug},
                                      {"info", LogLevel::kInfo},
                                      {"warning", LogLevel::kWarning},
                                      {"error", LogLevel::kError}}),
      [](Config& config, LogLevel level) { config.log.level = level; },
      "trace (every packet), debug, info, warning or error.");
  add(
      app, options, "--workers", "N", control::integer<std::uint32_t>(1, dataplane::kMostWorkers),
      [](Config& config, std::uint32_t count) { config.workers.count = count; },
      "How many threads, each with a stack of its own, share the flows out. Default: 1.");
  add(
      app, options, "--pcap", "FILE", control::text(1, 4096),
      [](Config& config, const std::string& file) { config.capture.file = file; },
      "Write every packet into FILE; *.pcapng with directions and drop reasons.");
  add(
      app, options, "--grpc", "ADDRESS|off", control::optional("off", control::unix_address()),
      [](Config& config, const std::optional<std::string>& listen) {
        config.grpc.enabled = listen.has_value();
        if (listen) config.grpc.listen = *listen;
      },
      "Where the API is offered. Default: unix:///run/smol/ctl.sock.");
}

void add_faults(CLI::App& app, Options& options) {
  using dataplane::FaultConfig;
  const auto count = control::integer<std::uint32_t>(0, 1'000'000'000);
  CLI::Option_group* faults =
      app.add_option_group("Faults", "On every port, in both directions, for tests");
  const auto chance = [&](const char* name, double FaultConfig::*field, const char* description) {
    add_fault(*faults, options, name, "PERCENT", control::percent(), field, description);
  };
  const auto number = [&](const char* name, const char* unit, std::uint32_t FaultConfig::*field,
                          const char* description) {
    add_fault(*faults, options, name, unit, count, field, description);
  };
  chance("--drop-chance", &FaultConfig::drop_chance, "Lose packets.");
  chance("--corrupt-chance", &FaultConfig::corrupt_chance, "Flip one bit of a packet.");
  number("--size-limit", "OCTETS", &FaultConfig::size_limit, "Lose longer frames.");
  number("--tx-rate-limit", "PACKETS", &FaultConfig::tx_rate_limit,
         "Lose what is sent beyond this in one shaping interval.");
  number("--rx-rate-limit", "PACKETS", &FaultConfig::rx_rate_limit,
         "Lose what is received beyond this in one shaping interval.");
  add_fault(*faults, options, "--shaping-interval", "MS", whole_milliseconds(1),
            &FaultConfig::shaping_interval, "What the rate limits count over. Default: 50.");
  chance("--duplicate-chance", &FaultConfig::duplicate_chance, "Deliver packets twice.");
  chance("--reorder-chance", &FaultConfig::reorder_chance,
         "Hold packets back behind up to three later ones.");
  add_fault(*faults, options, "--delay", "MS", whole_milliseconds(0), &FaultConfig::delay,
            "Deliver everything later.");
  add(
      *faults, options, "--fault-seed", "N", control::integer<std::uint64_t>(0),
      [](Config& config, std::uint64_t seed) { config.seed = seed; },
      "Make all chance follow from N, so that a run can be repeated.");
}

void add_link(CLI::App& app, Options& options) {
  using dataplane::LinkConfig;
  CLI::Option_group* group = app.add_option_group(
      "Link", "Of a bridge. Repeated, or with commas; KEY is one of " + link_keys());
  const auto add_way = [&](const char* name, std::vector<LinkConfig BridgeConfig::*> ways,
                           const char* description) {
    group
        ->add_option_function<std::vector<std::string>>(
            name,
            [&options, name, ways](const std::vector<std::string>& texts) {
              options.link_option = name;
              for (const std::string& text : texts) {
                options.overrides.push_back(link_change(name, text, ways));
              }
            },
            description)
        ->type_name("KEY=VALUE[,...]")
        ->allow_extra_args(false);
  };
  add_way("--link", {&BridgeConfig::link, &BridgeConfig::a_to_b, &BridgeConfig::b_to_a},
          "What happens to frames, in both directions.");
  add_way("--a-to-b", {&BridgeConfig::a_to_b}, "The same, from A to B.");
  add_way("--b-to-a", {&BridgeConfig::b_to_a}, "The same, from B to A.");
}

std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string message = error.what();
  // What nobody knows comes before what is missing: it may be a misspelt one of those.
  if (const std::vector<std::string> unknown = app.remaining(); !unknown.empty()) {
    message = "there is no option or argument '" + unknown.front() + "'";
  } else if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    message =
        "give exactly one of --demo, --config FILE, --bridge A B and the options that print "
        "something";
  }
  return "smold: " + message + " (smold --help explains)\n";
}

/// A bridge has no stack: its faults are the link's.
void check_bridge_options(const CLI::App& app, const Options& options) {
  if (options.bridge.empty()) {
    const bool other = options.file.empty();
    if (!options.link_option.empty() && other) {
      throw CLI::ValidationError(options.link_option, "is for a bridge: add --bridge A B");
    }
    return;
  }
  for (const char* name :
       {"--drop-chance", "--corrupt-chance", "--size-limit", "--tx-rate-limit", "--rx-rate-limit",
        "--shaping-interval", "--duplicate-chance", "--reorder-chance", "--delay"}) {
    if (app.get_option(name)->count() == 0) continue;
    throw CLI::ValidationError(name, "is for a stack; with --bridge write --link KEY=VALUE");
  }
}

}  // namespace

std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv) {
  Options options;
  CLI::App app{kDescription, "smold"};
  app.footer(kFooter);
  app.set_help_flag("-h,--help", "Print this and exit.");
  add_actions(app, options);
  add_overrides(app, options);
  add_faults(app, options);
  add_link(app, options);
  try {
    app.parse(argc, argv);
    check_bridge_options(app, options);
  } catch (const CLI::CallForHelp&) {
    return EarlyExit{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return EarlyExit{2, usage_error(app, error)};
  }
  return options;
}

}  // namespace smol::smold
