// Addresses and times of the API as people write and read them.
#pragma once

#include <string>
#include <string_view>

#include <google/protobuf/duration.pb.h>

#include "protocols/base/address.hh"
#include "smol/v1/types.pb.h"

namespace smol::ctl {

IpAddress address_of(const v1::IpAddress& in);
/// Empty for an address that is not there.
std::string text(const v1::IpAddress& in);
std::string text(const v1::IpPrefix& in);
/// "192.168.69.1:80"; "*" for what is not there, or not said.
std::string text(const v1::Endpoint& in);
std::string mac_text(const std::string& octets);
/// "global", "link" or "host", as ip(8) has it.
std::string_view scope(const IpAddress& address);
/// Milliseconds, with up to three decimals: "0.31".
std::string milliseconds_text(const google::protobuf::Duration& in);

// From the command line: a Problem quotes what is wrong.

void parse(std::string_view text, v1::IpAddress& out);
void parse(std::string_view text, v1::IpPrefix& out);
/// "default" is 0.0.0.0/0, or ::/0 if `gateway` is an IPv6 address or `six` says so.
void parse_destination(std::string_view text, bool six, v1::IpPrefix& out);
/// "192.0.2.1:80" or "[fdaa::1]:80"; ":80" and "*:80" have no address, which `remote` ones need.
void parse(std::string_view text, bool remote, v1::Endpoint& out);
void parse_mac(std::string_view text, std::string& out);

}  // namespace smol::ctl
