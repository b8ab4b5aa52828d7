// The section of a bridge, and the words for its impairments wherever they are written: in a file,
// on the command line and in the API.
#include <array>

#include "control/config.hh"

namespace smol::control {
namespace {

using dataplane::BridgeConfig;
using dataplane::LinkConfig;

constexpr Duration kMinute = seconds(60);

/// The directions begin as `link` has it: they are read once more, over it.
void settle_directions(const Value& value, BridgeConfig& bridge) {
  Diagnostics known{""};
  Places places;
  ReadContext context{known, places};
  const std::array<std::pair<std::string_view, LinkConfig*>, 2> ways = {
      {{"a_to_b", &bridge.a_to_b}, {"b_to_a", &bridge.b_to_a}}};
  for (const auto& [key, way] : ways) {
    *way = bridge.link;
    for (std::size_t i = 0; i < value.keys.size(); ++i) {
      if (value.keys[i].name == key) link_schema().read(value.items[i], "", *way, context);
    }
  }
}

Schema<LinkConfig>& add_losses(Schema<LinkConfig>& schema) {
  const Codec<Duration> time = duration(microseconds(1), seconds(3600), Duration{0});
  return schema.scalar("loss", &LinkConfig::loss, percent(), "Percent of frames that are lost.")
      .scalar("burst_enter", &LinkConfig::burst_enter, percent(),
              "Percent of frames with which a burst of losses begins (Gilbert and Elliott).")
      .scalar("burst_leave", &LinkConfig::burst_leave, percent(),
              "Percent of the frames in a burst with which it ends: 25 are four frames on average.")
      .scalar("burst_loss", &LinkConfig::burst_loss, percent(),
              "Percent of the frames in a burst that are lost; outside it is `loss`.")
      .scalar("blackout", &LinkConfig::blackout, time, "For this long nothing passes.")
      .scalar("blackout_every", &LinkConfig::blackout_every, time,
              "From the beginning of one black-out to the next. `off`: there is only one.")
      .scalar("blackout_after", &LinkConfig::blackout_after, time,
              "The first one begins so long after the start, or after a change of the link.")
      .scalar("mtu", &LinkConfig::mtu, zero_is("off", integer<std::uint16_t>(68, 9216)),
              "Octets of the longest IP packet; longer ones are lost without a word.");
}

Schema<LinkConfig>& add_damage(Schema<LinkConfig>& schema) {
  return schema
      .scalar("truncate", &LinkConfig::truncate, percent(),
              "Percent of frames that are cut to a random length.")
      .scalar("corrupt", &LinkConfig::corrupt, percent(),
              "Percent of frames of which one bit is flipped.")
      .scalar("duplicate", &LinkConfig::duplicate, percent(), "Percent of frames that come twice.");
}

Schema<LinkConfig>& add_rate(Schema<LinkConfig>& schema) {
  using Aqm = LinkConfig::Aqm;
  const Codec<Duration> law = duration(microseconds(1), kMinute);
  const Codec<std::uint32_t> octets = zero_is("off", size<std::uint32_t>(64, 1 << 30));
  return schema
      .scalar("rate", &LinkConfig::rate, zero_is("off", bit_rate()),
              "Bits of frames a second, as on a wire: a frame leaves with its last bit.")
      .scalar("burst", &LinkConfig::burst, octets,
              "Octets that may leave at once after a rest: a token bucket of this depth.")
      .scalar("queue_packets", &LinkConfig::queue_packets, integer<std::uint32_t>(1, 1'000'000),
              "Frames that wait for the rate; more are dropped.")
      .scalar("queue_octets", &LinkConfig::queue_octets, octets, "Octets of them.")
      .scalar("aqm", &LinkConfig::aqm,
              enumeration<Aqm>({{"none", Aqm::kNone}, {"codel", Aqm::kCodel}}),
              "`codel` keeps the queue short by dropping (RFC 8289).")
      .scalar("codel_target", &LinkConfig::codel_target, law, "The wait that is put up with.")
      .scalar("codel_interval", &LinkConfig::codel_interval, law,
              "For so long, before it drops; about the longest round trip.")
      .scalar("ecn", &LinkConfig::ecn, boolean(),
              "CoDel marks frames that are ECN-capable instead of dropping them.")
      .scalar("ce_threshold", &LinkConfig::ce_threshold,
              duration(microseconds(1), kMinute, Duration{0}),
              "ECN-capable frames that waited longer are marked (CE).");
}

Schema<LinkConfig>& add_delay(Schema<LinkConfig>& schema) {
  const Codec<Duration> time = duration(microseconds(1), kMinute, Duration{0});
  return schema
      .scalar("delay", &LinkConfig::delay, time,
              "Every frame is so much later; half of a round "
              "trip that both directions share.")
      .scalar("jitter", &LinkConfig::jitter, time, "And up to so much more, drawn for each frame.")
      .scalar("jitter_reorders", &LinkConfig::jitter_reorders, boolean(),
              "Frames with less of it overtake others. Off: they wait behind them.")
      .scalar("reorder", &LinkConfig::reorder, percent(),
              "Percent of frames that are later than others by `reorder_by`, which overtake them.")
      .scalar("reorder_by", &LinkConfig::reorder_by, duration(microseconds(1), kMinute),
              "How much later.");
}

}  // namespace

Schema<LinkConfig> link_schema() {
  Schema<LinkConfig> schema;
  add_losses(schema);
  add_damage(schema);
  add_rate(schema);
  add_delay(schema);
  return schema;
}

Schema<BridgeConfig> bridge_schema() {
  Schema<BridgeConfig> schema;
  schema
      .list("ports", &BridgeConfig::ports, text(1, 15),
            "Names of two ports, and there are no others. None: no bridge.")
      .scalar("store", &BridgeConfig::store, zero_is("auto", integer<std::uint32_t>(16, 8'000'000)),
              "Frames of one direction that wait or are on their way; more are dropped. `auto` is "
              "half of `pool.packets`, less 1024 for the ports.")
      .section("link", &BridgeConfig::link, link_schema(),
               "What happens to frames, in both directions and in the order of these keys.")
      .alike("a_to_b", &BridgeConfig::a_to_b, &BridgeConfig::link, link_schema(),
             "What is different from the first port to the second, with the keys of `link`.")
      .alike("b_to_a", &BridgeConfig::b_to_a, &BridgeConfig::link, link_schema(),
             "What is different from the second port to the first, with the keys of `link`.")
      .after(settle_directions);
  return schema;
}

Result<void, std::string> read_link_words(const LinkWords& words, LinkConfig& link) {
  Value section;
  section.kind = Value::Kind::kMap;
  for (const auto& [key, value] : words) {
    section.keys.push_back({key, {}});
    Value& item = section.items.emplace_back();
    item.kind = value.empty() ? Value::Kind::kNull : Value::Kind::kText;
    item.text = value;
  }
  Diagnostics diagnostics{""};
  Places places;
  ReadContext context{diagnostics, places};
  LinkConfig changed = link;
  link_schema().read(section, "", changed, context);
  if (!diagnostics.empty()) return fail(diagnostics.first());
  link = changed;
  return {};
}

Result<void, std::string> change_link(const LinkWords& words, LinkConfig& link) {
  LinkConfig changed = link;
  if (auto read = read_link_words(words, changed); !read) return read;
  if (std::string wrong = dataplane::objection(changed); !wrong.empty()) {
    return fail(std::move(wrong));
  }
  link = changed;
  return {};
}

Result<LinkWords, std::string> link_words(std::string_view text) {
  LinkWords words;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return fail(in_quotes(word) + " is no KEY=VALUE, such as delay=25ms,loss=1");
    }
    words.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return words;
}

LinkWords link_words(const dataplane::LinkConfig& link) {
  LinkWords words;
  link_schema().for_each_text(link, [&](const std::string& key, std::string value) {
    words.emplace_back(key, std::move(value));
  });
  return words;
}

}  // namespace smol::control
