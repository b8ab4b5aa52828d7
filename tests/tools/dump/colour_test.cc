#include "tools/dump/colour.hh"

#include <gtest/gtest.h>

namespace smol::dump {
namespace {

TEST(Colour, DimsAddressesAndShowsWhereConnectionsBeginAndEnd) {
  EXPECT_EQ(coloured("1.0 IP a.1 > b.2: Flags [S], seq 1\n", false),
            "1.0 IP \033[2ma.1 > b.2:\033[0m Flags [\033[32mS\033[0m], seq 1\n");
  EXPECT_EQ(coloured("IP a > b: Flags [F.], x\n", false),
            "IP \033[2ma > b:\033[0m Flags [\033[33mF.\033[0m], x\n");
  EXPECT_EQ(coloured("IP a > b: Flags [R.], x\n", false),
            "IP \033[2ma > b:\033[0m Flags [\033[31mR.\033[0m], x\n");
}

TEST(Colour, LeavesAlonePlainLines) {
  EXPECT_EQ(coloured("ARP, Request who-has a tell b, length 28\n", false),
            "ARP, Request who-has a tell b, length 28\n");
  EXPECT_EQ(coloured("", false), "");
}

TEST(Colour, ADroppedPacketIsRedLineByLine) {
  EXPECT_EQ(coloured("IP a > b\n    more\n", true),
            "\033[31mIP a > b\033[0m\n\033[31m    more\033[0m\n");
}

}  // namespace
}  // namespace smol::dump
