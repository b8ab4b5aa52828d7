#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "protocols/base/bytes.hh"
#include "protocols/base/checksum.hh"
#include "tools/dump/line_printer.hh"

/// Frames that the tests print, between 192.0.2.1 (02:00:00:00:00:01) and 192.0.2.2.
namespace smol::dump {

using Frame = std::vector<std::uint8_t>;

inline Frame octets(std::initializer_list<unsigned> values) {
  Frame out;
  for (const unsigned value : values) out.push_back(static_cast<std::uint8_t>(value));
  return out;
}

inline Frame operator+(Frame a, const Frame& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Frame text(std::string_view from) {
  return {from.begin(), from.end()};
}

inline Frame ethernet(unsigned type, const Frame& payload) {
  return octets({2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, type >> 8, type & 0xff}) + payload;
}

/// `away`: from 192.0.2.1 to 192.0.2.2, else back.
inline Frame ip4(std::uint8_t protocol, const Frame& payload, bool away = true) {
  const unsigned length = static_cast<unsigned>(20 + payload.size());
  Frame header = octets({0x45, 0,        length >> 8, length & 0xff,
                         0,    1,        0,           0,
                         64,   protocol, 0,           0,
                         192,  0,        2,           away ? 1u : 2u,
                         192,  0,        2,           away ? 2u : 1u});
  put_be16(header, 10, internet_sum(header).checksum());
  return ethernet(0x0800, header + payload);
}

inline Frame udp(std::uint16_t source, std::uint16_t destination, const Frame& payload) {
  Frame header(8);
  put_be16(header, 0, source);
  put_be16(header, 2, destination);
  put_be16(header, 4, static_cast<std::uint16_t>(8 + payload.size()));
  return ip4(17, header + payload);
}

struct Tcp {
  std::uint16_t source = 50000;
  std::uint16_t destination = 80;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint8_t flags = 0x10;
  Frame payload = {};
  bool away = true;
};

inline Frame tcp(const Tcp& segment) {
  Frame header(20);
  put_be16(header, 0, segment.source);
  put_be16(header, 2, segment.destination);
  put_be32(header, 4, segment.seq);
  put_be32(header, 8, segment.ack);
  header[12] = 0x50;
  header[13] = segment.flags;
  put_be16(header, 14, 502);
  return ip4(6, header + segment.payload, segment.away);
}

inline Captured captured(const Frame& frame, UnixNs when = 0) {
  return {when, static_cast<std::uint32_t>(frame.size()), frame, Link::kEthernet};
}

}  // namespace smol::dump
