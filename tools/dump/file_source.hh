#pragma once

#include <memory>
#include <string>

#include "protocols/base/result.hh"
#include "tools/dump/packet_source.hh"

namespace smol::dump {

/// A capture file, or standard input as "-": pcap or pcapng, whatever libpcap reads. Of pcapng also
/// what libpcap leaves: interface names, directions, queues, comments. Thread: one.
///
/// Failure: a sentence that names the file.
Result<std::unique_ptr<PacketSource>, Failure> open_file(const std::string& path);

}  // namespace smol::dump
