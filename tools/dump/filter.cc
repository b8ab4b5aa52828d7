#include "tools/dump/filter.hh"

#include <algorithm>

namespace smol::dump {
namespace {

/// A load from where Linux has what it knows of a packet besides its octets. It fails elsewhere, so
/// that no packet would match.
bool asks_the_kernel(const bpf_insn& instruction) {
  constexpr bpf_u_int32 kAncillary = 0xffff'f000;
  return BPF_CLASS(instruction.code) == BPF_LD && BPF_MODE(instruction.code) == BPF_ABS &&
         instruction.k >= kAncillary;
}

}  // namespace

Result<Filter, std::string> Filter::compile(const std::string& expression, int datalink,
                                            std::uint32_t snap_length) {
  struct Close {
    void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
  };
  const std::unique_ptr<pcap_t, Close> handle{
      pcap_open_dead(datalink, static_cast<int>(snap_length))};
  if (!handle) return fail(std::string{"no memory for a filter"});
  bpf_program compiled{};
  constexpr int kOptimize = 1;
  if (pcap_compile(handle.get(), &compiled, expression.c_str(), kOptimize, PCAP_NETMASK_UNKNOWN) !=
      0) {
    return fail(std::string{pcap_geterr(handle.get())});
  }
  Filter out{{compiled.bf_insns, compiled.bf_insns + compiled.bf_len}};
  pcap_freecode(&compiled);
  if (std::any_of(out.program_.begin(), out.program_.end(), asks_the_kernel)) {
    return fail(std::string{"inbound and outbound are of Linux's own captures: -Q in, -Q out"});
  }
  return out;
}

bool Filter::matches(const Captured& packet) const {
  return bpf_filter(program_.data(), packet.octets.data(), packet.length,
                    static_cast<u_int>(packet.octets.size())) != 0;
}

void Filter::dump(int form) const {
  // bpf_dump() changes nothing, though it does not say so.
  const bpf_program program{static_cast<u_int>(program_.size()),
                            const_cast<bpf_insn*>(program_.data())};
  bpf_dump(&program, form);
}

}  // namespace smol::dump
