#include "apps/apps.hh"

#include <string_view>

namespace smol::apps {
namespace {

template <class App, class AppConfig>
void add(std::vector<dataplane::ApplicationSpec>& specs, std::string_view name,
         const AppConfig& config) {
  if (!config.enabled) return;
  specs.push_back({std::string{name}, [config](unsigned, dataplane::Log& log) {
                     return std::make_unique<App>(config, log);
                   }});
}

}  // namespace

Config Config::all() noexcept {
  Config config;
  config.hello.enabled = true;
  config.reverse.enabled = true;
  config.sink.enabled = true;
  config.source.enabled = true;
  config.http.enabled = true;
  return config;
}

std::vector<dataplane::ApplicationSpec> applications(const Config& config) {
  std::vector<dataplane::ApplicationSpec> specs;
  add<Hello>(specs, "hello", config.hello);
  add<Reverse>(specs, "reverse", config.reverse);
  add<Sink>(specs, "sink", config.sink);
  add<Source>(specs, "source", config.source);
  add<Http>(specs, "http", config.http);
  return specs;
}

}  // namespace smol::apps
