#pragma once

#include <vector>

#include "apps/hello.hh"
#include "apps/http.hh"
#include "apps/reverse.hh"
#include "apps/sink.hh"
#include "apps/source.hh"
#include "dataplane/application.hh"

namespace smol::apps {

/// Which in-process services run, and how. None by default.
struct Config {
  HelloConfig hello;
  ReverseConfig reverse;
  SinkConfig sink;
  SourceConfig source;
  HttpConfig http;

  /// All of them, at their usual ports.
  static Config all() noexcept;
};

/// The enabled services, for the dataplane to make on each worker.
std::vector<dataplane::ApplicationSpec> applications(const Config& config);

}  // namespace smol::apps
