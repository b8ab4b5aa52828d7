#pragma once

#include <cstdint>
#include <memory_resource>

#include "protocols/base/address.hh"
#include "protocols/base/hash.hh"
#include "protocols/base/time.hh"
#include "protocols/wire/tcp.hh"

namespace smol::tcp {

// TCP Fast Open (RFC 7413): text on a SYN, for clients that were here before.

/// A server's cookies are good in the period in which they were given out, and in the next.
inline constexpr Duration kFastOpenKeyLife = seconds(2 * 86'400);
/// How long a client does without fast open to a server whose SYN with text was lost (section
/// 4.1.3.1): what is on the way drops it, as a rule, and does so tomorrow.
inline constexpr Duration kFastOpenPause = seconds(3600);

/// What a server gives a client: 8 octets, bound to both addresses (section 4.1.2). One SipHash.
FastOpenCookie fast_open_cookie(const Secret& secret, const IpAddress& client,
                                const IpAddress& server, Instant now) noexcept;
/// Was it given to this client? At most two SipHashes.
bool is_fast_open_cookie(const Secret& secret, const IpAddress& client, const IpAddress& server,
                         const FastOpenCookie& cookie, Instant now) noexcept;

/// Requests that a listener has taken text of, and that have not completed the handshake (section
/// 5.1). One that ends by RST counts for a minute or two more, so that who sends from another's
/// address does not gain by the RSTs that it provokes there.
class FastOpenPending {
 public:
  std::uint32_t count(Instant now) noexcept;
  void begin() noexcept { ++pending_; }
  void complete() noexcept { --pending_; }
  void reset(Instant now) noexcept;

 private:
  void age(Instant now) noexcept;

  std::uint32_t pending_ = 0;
  std::uint32_t reset_ = 0;         ///< of this minute
  std::uint32_t reset_before_ = 0;  ///< and of the last
  Instant minute_ends_{};
};

/// What a client knows of the servers it was at (section 4.1.3): a table of fixed size in which the
/// newer of two that fall together stays. All is O(1).
class FastOpenCache {
 public:
  struct Entry {
    IpAddress server;
    FastOpenCookie cookie;  ///< without octets: none known
    std::uint16_t mss = 0;  ///< the server's; 0: not known
    Instant off_until{};    ///< till then, no fast open
    bool used = false;
  };

  /// Room for about `servers`, at least one.
  FastOpenCache(std::uint32_t servers, const Secret& secret, std::pmr::memory_resource& memory);
  ~FastOpenCache();
  FastOpenCache(const FastOpenCache&) = delete;
  FastOpenCache& operator=(const FastOpenCache&) = delete;

  /// What is known; null: nothing. Valid until the next change.
  const Entry* find(const IpAddress& server) const noexcept;
  /// True: for this another server was forgotten.
  bool learn(const IpAddress& server, const FastOpenCookie& cookie, std::uint16_t mss) noexcept;
  bool turn_off(const IpAddress& server, Instant until) noexcept;

 private:
  Entry& place_of(const IpAddress& server) const noexcept;
  bool take_place(const IpAddress& server) noexcept;

  std::pmr::memory_resource& memory_;
  Secret secret_;
  std::uint32_t mask_;
  Entry* entries_;
};

}  // namespace smol::tcp
