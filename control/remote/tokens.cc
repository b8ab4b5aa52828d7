#include "control/remote/tokens.hh"

#include <sys/random.h>
#include <utility>

#include "protocols/base/check.hh"

namespace smol::control {

std::string Tokens::put(std::unique_ptr<TcpSocket> socket, const void* giver,
                        Clock::time_point now) {
  std::string token(16, '\0');
  SMOL_CHECK(getrandom(token.data(), token.size(), 0) == static_cast<ssize_t>(token.size()));
  const std::lock_guard lock{mutex_};
  ++counts_[giver];
  entries_.emplace(token, Entry{std::move(socket), giver, now + kLifetime});
  return token;
}

std::unique_ptr<TcpSocket> Tokens::take(const std::string& token) {
  const std::lock_guard lock{mutex_};
  const auto found = entries_.find(token);
  if (found == entries_.end()) return nullptr;
  auto socket = std::move(found->second.socket);
  forget(found->second.giver);
  entries_.erase(found);
  return socket;
}

template <class Which>
std::vector<std::unique_ptr<TcpSocket>> Tokens::remove(Which which) {
  std::vector<std::unique_ptr<TcpSocket>> out;
  const std::lock_guard lock{mutex_};
  for (auto at = entries_.begin(); at != entries_.end();) {
    if (!which(at->second)) {
      ++at;
      continue;
    }
    out.push_back(std::move(at->second.socket));
    forget(at->second.giver);
    at = entries_.erase(at);
  }
  return out;
}

std::vector<std::unique_ptr<TcpSocket>> Tokens::expire(const void* giver, Clock::time_point now) {
  return remove([&](const Entry& entry) { return entry.giver == giver && entry.until <= now; });
}

std::vector<std::unique_ptr<TcpSocket>> Tokens::withdraw(const void* giver) {
  return remove([&](const Entry& entry) { return entry.giver == giver; });
}

std::size_t Tokens::held_by(const void* giver) const {
  const std::lock_guard lock{mutex_};
  const auto found = counts_.find(giver);
  return found == counts_.end() ? 0 : found->second;
}

void Tokens::forget(const void* giver) {
  if (--counts_[giver] == 0) counts_.erase(giver);
}

}  // namespace smol::control
