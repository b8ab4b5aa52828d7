#include <cstdio>
#include <memory>

#include <gtest/gtest.h>

#include "tests/dataplane/environment.hh"

namespace smol::dataplane::testing {
namespace {

CollectingLog the_log;
std::shared_ptr<Eal> the_eal;

}  // namespace

Eal& eal() {
  return *the_eal;
}
CollectingLog& log() {
  return the_log;
}

}  // namespace smol::dataplane::testing

int main(int argc, char** argv) {
  using namespace smol::dataplane;
  ::testing::InitGoogleTest(&argc, argv);
  EalConfig config;
  config.hugepages = EalConfig::Hugepages::kOff;
  auto started = Eal::start(config, {}, std::size_t{512} << 20, smol::dataplane::testing::log());
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  smol::dataplane::testing::the_eal = std::move(*started);
  int status = 0;
  {
    const Eal::LogScope scope{smol::dataplane::testing::the_eal, smol::dataplane::testing::log()};
    status = RUN_ALL_TESTS();
  }
  smol::dataplane::testing::the_eal.reset();
  return status;
}
