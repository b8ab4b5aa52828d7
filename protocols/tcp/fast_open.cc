#include "protocols/tcp/fast_open.hh"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>

#include "protocols/base/bytes.hh"
#include "protocols/tcp/connection.hh"

namespace smol::tcp {
namespace {

constexpr Duration kMinute = seconds(60);

std::uint64_t period_of(Instant now) noexcept {
  return static_cast<std::uint64_t>(now.time_since_epoch() / kFastOpenKeyLife);
}

FastOpenCookie cookie_of(const Secret& secret, const IpAddress& client, const IpAddress& server,
                         std::uint64_t period) noexcept {
  std::array<std::uint8_t, 41> message;
  Writer w{message};
  w.bytes(client.octets()).bytes(server.octets());
  w.be32(static_cast<std::uint32_t>(period >> 32)).be32(static_cast<std::uint32_t>(period));
  w.u8(3);  // sets this use of the secret apart from SYN cookies
  const std::uint64_t hash = siphash24(secret, message);
  FastOpenCookie out;
  out.len = 8;
  put_be32(out.octets, 0, static_cast<std::uint32_t>(hash >> 32));
  put_be32(out.octets, 4, static_cast<std::uint32_t>(hash));
  return out;
}

}  // namespace

FastOpenCookie fast_open_cookie(const Secret& secret, const IpAddress& client,
                                const IpAddress& server, Instant now) noexcept {
  return cookie_of(secret, client, server, period_of(now));
}

bool is_fast_open_cookie(const Secret& secret, const IpAddress& client, const IpAddress& server,
                         const FastOpenCookie& cookie, Instant now) noexcept {
  const std::uint64_t period = period_of(now);
  return cookie == cookie_of(secret, client, server, period) ||
         (period > 0 && cookie == cookie_of(secret, client, server, period - 1));
}

// --- a listener's requests -----------------------------------------------------------------------

void FastOpenPending::age(Instant now) noexcept {
  if (now < minute_ends_) return;
  reset_before_ = now < minute_ends_ + kMinute ? reset_ : 0;
  reset_ = 0;
  minute_ends_ = now + kMinute;
}

std::uint32_t FastOpenPending::count(Instant now) noexcept {
  age(now);
  return pending_ + reset_ + reset_before_;
}

void FastOpenPending::reset(Instant now) noexcept {
  age(now);
  --pending_;
  ++reset_;
}

// --- what a client knows -------------------------------------------------------------------------

FastOpenCache::FastOpenCache(std::uint32_t servers, const Secret& secret,
                             std::pmr::memory_resource& memory)
    : memory_{memory},
      secret_{secret},
      mask_{std::bit_ceil(std::max(servers, 1u)) - 1},
      entries_{static_cast<Entry*>(
          memory.allocate(sizeof(Entry) * (std::size_t{mask_} + 1), alignof(Entry)))} {
  std::uninitialized_default_construct_n(entries_, std::size_t{mask_} + 1);
}

FastOpenCache::~FastOpenCache() {
  memory_.deallocate(entries_, sizeof(Entry) * (std::size_t{mask_} + 1), alignof(Entry));
}

FastOpenCache::Entry& FastOpenCache::place_of(const IpAddress& server) const noexcept {
  const std::uint64_t hash = mix(server.low() ^ secret_.k0, server.high() ^ secret_.k1);
  return entries_[hash & mask_];
}

bool FastOpenCache::take_place(const IpAddress& server) noexcept {
  Entry& entry = place_of(server);
  if (entry.used && entry.server == server) return false;
  const bool another = entry.used;
  entry = Entry{};
  entry.server = server;
  entry.used = true;
  return another;
}

const FastOpenCache::Entry* FastOpenCache::find(const IpAddress& server) const noexcept {
  const Entry& entry = place_of(server);
  return entry.used && entry.server == server ? &entry : nullptr;
}

bool FastOpenCache::learn(const IpAddress& server, const FastOpenCookie& cookie,
                          std::uint16_t mss) noexcept {
  const bool another = take_place(server);
  Entry& entry = place_of(server);
  entry.cookie = cookie;
  entry.mss = mss;
  return another;
}

bool FastOpenCache::turn_off(const IpAddress& server, Instant until) noexcept {
  const bool another = take_place(server);
  place_of(server).off_until = until;
  return another;
}

// --- the machine ---------------------------------------------------------------------------------

void Connection::offer_fast_open(std::uint16_t room) noexcept {
  fast_open_ = true;
  syn_room_ = room;
}

/// The first SYN alone carries the option, and text: one that is lost may have been dropped for
/// them (RFC 7413 section 4.1.3.1).
void Connection::put_text_on_syn(SegmentOut& out) noexcept {
  if (!fast_open_ || syn_lost_ || snd_nxt_ != iss_) return;
  out.fast_open = true;
  syn_text_ = static_cast<std::uint16_t>(std::min<std::uint32_t>(syn_room_, send_queue()));
  out.len = syn_text_;
}

/// A SYN-ACK may leave text of the SYN unacknowledged: it goes again as if it had never gone (RFC
/// 7413 section 4.2.2).
void Connection::settle_text_of_syn(Actions& out) noexcept {
  if (syn_text_ == 0) return;
  out.acked = (iss_ + 1).until(snd_una_);
  bytes_acked_ += out.acked;
  bytes_retrans_ += syn_text_ - out.acked;
  snd_nxt_ = snd_una_;
  syn_text_ = 0;
  out.note(Note::kWritable);
  if (snd_una_ == send_limit()) out.note(Note::kSent);
}

Actions Connection::open_fast(const Context& context, Instant now, const SegmentIn& syn) noexcept {
  open_passive(context, now, syn);
  fast_open_ = true;
  begin_sending(context, now, syn.window);
  Actions out;
  out.text_len = std::min(syn.len, receive_window());
  rcv_nxt_ += out.text_len;
  bytes_received_ += out.text_len;
  out.note(Note::kReadable);
  out.send = true;
  return out;
}

/// The answer need not wait for the client's ACK (RFC 7413 section 3): an initial window of it goes
/// behind the SYN-ACK. If that was lost, so was this, as a rule, and what more there is waits.
bool Connection::send_early(const Context& context, Instant now, SegmentOut& out) noexcept {
  const bool may = state_ == State::kSynReceived && passive_ && fast_open_ && !syn_lost_ &&
                   snd_nxt_ != iss_ && snd_nxt_.before(snd_end_);
  return may && send_new(context, now, out);
}

/// The handshake is complete; part of the answer is in flight, or has arrived.
void Connection::settle_early(const Context& context, Instant now, const SegmentIn& segment,
                              Actions& out) noexcept {
  snd_una_ = iss_ + 1;
  unacked_since_ = now;
  if (segment.ack.after(snd_una_)) on_ack(context, now, segment, out);
  if (syn_lost_) delivery_.lost += board_.lose_all(context.sent);
  set_pace(context);
  if (snd_una_ == snd_nxt_) return;
  arm_retransmit(context, now);
  schedule_probe(context, now);
}

}  // namespace smol::tcp
