#include "control/interfaces.hh"

#include <array>

#include "control/remote/requests.hh"

namespace smol::control {

std::optional<InterfaceList> list_interfaces(Workers& workers) {
  InterfaceList out;
  std::array<InterfaceInfo, 16> part;
  Cursor from;
  while (!from.done()) {
    Slice slice;
    if (!workers.ask(0, [&](StackControl& stack) { slice = stack.interfaces_from(from, part); })) {
      return std::nullopt;
    }
    out.insert(out.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(slice.count));
    from = slice.next;
  }
  return out;
}

Parsed<InterfaceId> find_interface(const dataplane::Daemon& daemon, std::string_view name,
                                   std::string_view field) {
  if (name.empty()) return invalid(field, "the name of an interface is missing");
  const auto found = parse_interface(daemon, name, field);
  if (!found) return fail(found.error());
  return **found;
}

}  // namespace smol::control
