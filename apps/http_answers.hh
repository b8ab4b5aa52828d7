#pragma once

#include <cstdint>
#include <string_view>

#include "apps/http_parser.hh"

namespace smol::apps {

/// What the answer says about the connection (RFC 9112 section 9.3).
enum class HttpPersistence : std::uint8_t {
  kImplied,    ///< HTTP/1.1 stays open: nothing to say
  kKeepAlive,  ///< HTTP/1.0, which asked for it
  kClose,
};

/// The whole answer to a request, built once for the process: status line, fields and content; the
/// head alone for HEAD. Never freed, so a connection may hold on to a part of it. There is no Date:
/// a machine that runs in virtual time has none to give (RFC 9110 section 6.6.1).
std::string_view http_answer(const HttpRequest& request, std::string_view path,
                             HttpPersistence persistence) noexcept;

/// The answer to what could not be understood or taken; always with "Connection: close".
std::string_view http_refusal(HttpStatus status) noexcept;

/// Builds the answers now rather than at the first request.
void prepare_http_answers();

}  // namespace smol::apps
