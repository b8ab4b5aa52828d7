#include "protocols/base/check.hh"

#include <cstdlib>

namespace smol {
namespace {

CheckHandler installed_handler = nullptr;

}  // namespace

void set_check_handler(CheckHandler handler) noexcept {
  installed_handler = handler;
}

void check_failed(const char* what, const char* file, int line) noexcept {
  if (installed_handler != nullptr) installed_handler(what, file, line);
  std::abort();
}

}  // namespace smol
