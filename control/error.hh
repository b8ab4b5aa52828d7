#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <grpcpp/support/status.h>

#include "protocols/base/error.hh"
#include "protocols/base/result.hh"

namespace smol::control {

/// Why a request is not done. Becomes a grpc::Status with a smol.v1.ErrorInfo as its detail.
struct Refusal {
  Error error = Error::kInvalid;
  std::string field;    ///< of the request, as a path: "route.gateway"; empty: none is wrong
  std::string message;  ///< a sentence without a full stop; empty: what `error` means
  std::uint64_t socket_id = 0;  ///< the socket concerned; 0: none
};

/// A value from a request, or why it is none.
template <class T>
using Parsed = Result<T, Refusal>;

/// A field that is wrong: `return invalid("route.gateway", "is no address of a host");`
inline auto invalid(std::string_view field, std::string_view sentence) {
  return fail(Refusal{Error::kInvalid, std::string{field}, std::string{sentence}});
}

/// The table of docs/reference/api.md. UNAVAILABLE is not in it: it says that the daemon cannot be
/// reached, so that a client may try again whenever it sees it.
grpc::StatusCode status_code(Error error) noexcept;

/// The message reads "FIELD: SENTENCE", or just the sentence.
grpc::Status to_status(const Refusal& refusal);
grpc::Status to_status(Error error);

/// The daemon ends, and its workers do nothing any more: UNAVAILABLE (ESHUTDOWN).
grpc::Status stopping();

}  // namespace smol::control
