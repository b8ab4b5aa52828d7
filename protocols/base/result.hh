#pragma once

#include <utility>

#include <tl/expected.hpp>

#include "protocols/base/drop.hh"

namespace smol {

/// A value or the reason there is none. For packets the reason is a Drop; calls of the socket API
/// use Error (base/error.hh).
template <class T, class E = Drop>
using Result = tl::expected<T, E>;

/// `return fail(Drop::kTcpTruncated);`
template <class E>
constexpr tl::unexpected<E> fail(E reason) {
  return tl::unexpected<E>{std::move(reason)};
}

}  // namespace smol
