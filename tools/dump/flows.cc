#include "tools/dump/flows.hh"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "protocols/base/check.hh"

namespace smol::dump {

std::size_t Flows::Hash::operator()(const Key& key) const noexcept {
  std::array<char, sizeof key.octets> text{};
  std::memcpy(text.data(), key.octets.data(), text.size());
  return std::hash<std::string_view>{}({text.data(), text.size()});
}

Flows::Key Flows::key_of(const Segment& segment, bool reversed) {
  const Bytes first = reversed ? segment.destination : segment.source;
  const Bytes second = reversed ? segment.source : segment.destination;
  SMOL_CHECK(first.size() == second.size() && first.size() <= 16);
  Key key;
  key.v6 = first.size() == 16;
  const MutBytes out{key.octets};
  copy_bytes(out, first);
  copy_bytes(out.subspan(16), second);
  put_be16(out, 32, reversed ? segment.destination_port : segment.source_port);
  put_be16(out, 34, reversed ? segment.source_port : segment.destination_port);
  return key;
}

Flows::Relative Flows::relative(const Segment& segment) {
  const bool reversed =
      segment.source_port > segment.destination_port ||
      (segment.source_port == segment.destination_port &&
       std::lexicographical_compare(segment.destination.begin(), segment.destination.end(),
                                    segment.source.begin(), segment.source.end()));
  const Key key = key_of(segment, reversed);
  const auto found = by_key_.find(key);
  const bool begins = found == by_key_.end() || segment.syn;
  if (found != by_key_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, found->second);
  } else {
    if (by_use_.size() >= limit_) {
      by_key_.erase(by_use_.back().key);
      by_use_.pop_back();
    }
    by_use_.push_front({key, 0, 0});
    by_key_.emplace(key, by_use_.begin());
  }
  Flow& flow = by_use_.front();
  std::uint32_t& own = reversed ? flow.second : flow.first;
  std::uint32_t& other = reversed ? flow.first : flow.second;
  if (begins) {
    own = segment.seq;
    other = segment.ack - 1;
    return {segment.seq, segment.ack, other};
  }
  return {segment.seq - own, segment.ack - other, other};
}

}  // namespace smol::dump
