#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/remote/tcp_socket.hh"

namespace smol::control {

/// Accepted connections that nobody has attached to yet, by their tokens. Thread: any.
class Tokens {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kLifetime{10};

  /// Keeps `socket` of `giver` until take(), expire() or withdraw(). The token cannot be guessed.
  std::string put(std::unique_ptr<TcpSocket> socket, const void* giver, Clock::time_point now);
  /// Null: there is none of that name (any more).
  std::unique_ptr<TcpSocket> take(const std::string& token);
  /// What `giver` put in and nobody took within kLifetime.
  std::vector<std::unique_ptr<TcpSocket>> expire(const void* giver, Clock::time_point now);
  /// All that `giver` put in and nobody took.
  std::vector<std::unique_ptr<TcpSocket>> withdraw(const void* giver);
  /// How many of `giver` nobody took yet.
  std::size_t held_by(const void* giver) const;

 private:
  struct Entry {
    std::unique_ptr<TcpSocket> socket;
    const void* giver;
    Clock::time_point until;
  };

  void forget(const void* giver);
  template <class Which>
  std::vector<std::unique_ptr<TcpSocket>> remove(Which which);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<const void*, std::size_t> counts_;  ///< by giver
};

}  // namespace smol::control
