#include "tools/bench/result_json.hh"

#include <nlohmann/json.hpp>

namespace smol::bench {
namespace {

using Json = nlohmann::ordered_json;

/// Of the document's form: one that a reader of an older form would misread gets another number.
constexpr int kSchema = 1;

Json write(const Calibration& calibration) {
  return {{"chain_ns", calibration.chain_ns}, {"copy_ns", calibration.copy_ns}};
}

Calibration read_calibration(const Json& json) {
  return {json.at("chain_ns").get<double>(), json.at("copy_ns").get<double>()};
}

Json write(const Machine& machine) {
  return {{"cpu", machine.cpu},           {"cores", machine.cores},
          {"governor", machine.governor}, {"kernel", machine.kernel},
          {"compiler", machine.compiler}, {"build", machine.build},
          {"commit", machine.commit}};
}

Machine read_machine(const Json& json) {
  Machine out;
  json.at("cpu").get_to(out.cpu);
  json.at("cores").get_to(out.cores);
  json.at("governor").get_to(out.governor);
  json.at("kernel").get_to(out.kernel);
  json.at("compiler").get_to(out.compiler);
  json.at("build").get_to(out.build);
  json.at("commit").get_to(out.commit);
  return out;
}

Json write(const Sample& sample) {
  Json out{{"value", sample.figure.value}};
  for (const auto& [name, value] : sample.figure.notes) out["notes"][name] = value;
  out["calibration_before"] = write(sample.before);
  out["calibration_after"] = write(sample.after);
  out["others_before"] = sample.others_before;
  out["others_during"] = sample.others_during;
  out["quiet"] = sample.quiet;
  return out;
}

Sample read_sample(const Json& json) {
  Sample out;
  json.at("value").get_to(out.figure.value);
  if (json.contains("notes")) {
    for (const auto& [name, value] : json["notes"].items()) {
      out.figure.notes.emplace_back(name, value.get<double>());
    }
  }
  out.before = read_calibration(json.at("calibration_before"));
  out.after = read_calibration(json.at("calibration_after"));
  json.at("others_before").get_to(out.others_before);
  json.at("others_during").get_to(out.others_during);
  json.at("quiet").get_to(out.quiet);
  return out;
}

Json write(const SeriesResult& series, const RowResult& row) {
  Json out{{"name", row.name},
           {"group", row.group},
           {"unit", row.unit},
           {"better", row.better == Better::kLower ? "lower" : "higher"}};
  if (row.goal) out["goal"] = *row.goal;
  if (row.yardstick) {
    out["yardstick"] = {{"name", row.yardstick->name}, {"value", row.yardstick->value}};
  }
  if (!row.reference.empty()) out["reference"] = row.reference;
  if (const std::optional<double> ratio = ratio_to_reference(series, row)) out["ratio"] = *ratio;
  if (!row.failure.empty()) out["failure"] = row.failure;
  if (!row.samples.empty()) {
    const Summary summary = summarize(row.values());
    out["median"] = summary.median;
    out["mad"] = summary.mad;
    out["min"] = summary.min;
    out["max"] = summary.max;
  }
  out["samples"] = Json::array();
  for (const Sample& sample : row.samples) out["samples"].push_back(write(sample));
  return out;
}

RowResult read_row(const Json& json) {
  RowResult out;
  json.at("name").get_to(out.name);
  json.at("group").get_to(out.group);
  json.at("unit").get_to(out.unit);
  out.better = json.at("better").get<std::string>() == "lower" ? Better::kLower : Better::kHigher;
  if (json.contains("goal")) out.goal = json["goal"].get<double>();
  if (json.contains("yardstick")) {
    const Json& yardstick = json["yardstick"];
    out.yardstick =
        Yardstick{yardstick.at("name").get<std::string>(), yardstick.at("value").get<double>()};
  }
  out.reference = json.value("reference", "");
  out.failure = json.value("failure", "");
  for (const Json& sample : json.at("samples")) out.samples.push_back(read_sample(sample));
  return out;
}

}  // namespace

std::string to_json(const SeriesResult& result) {
  Json out{{"schema", kSchema},         {"series", result.name},
           {"title", result.title},     {"conditions", result.conditions},
           {"started", result.started}, {"machine", write(result.machine)},
           {"runs", result.runs},       {"quick", result.quick},
           {"waited_s", result.waited}};
  out["rows"] = Json::array();
  for (const RowResult& row : result.rows) out["rows"].push_back(write(result, row));
  return out.dump(2) + "\n";
}

Result<SeriesResult, std::string> from_json(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (const int schema = json.at("schema").get<int>(); schema != kSchema) {
      return fail("schema " + std::to_string(schema) + ", and this smolbench reads schema " +
                  std::to_string(kSchema));
    }
    SeriesResult out;
    json.at("series").get_to(out.name);
    json.at("title").get_to(out.title);
    json.at("conditions").get_to(out.conditions);
    json.at("started").get_to(out.started);
    out.machine = read_machine(json.at("machine"));
    json.at("runs").get_to(out.runs);
    json.at("quick").get_to(out.quick);
    json.at("waited_s").get_to(out.waited);
    for (const Json& row : json.at("rows")) out.rows.push_back(read_row(row));
    return out;
  } catch (const nlohmann::json::exception& error) {
    return fail(std::string{error.what()});
  }
}

}  // namespace smol::bench
