#!/usr/bin/env python3
"""Prints a line for each packet that a filter of tcpdump's language matches: capture.py 'tcp port 80' --count 10"""

import argparse
import asyncio
import sys
from datetime import datetime

import smolplane


async def capture(server: str, filter: str, count: int) -> None:
    async with smolplane.connect(server) as plane:
        async with plane.capture(filter, taps=["rx", "tx", "drop"], count=count, low_latency=True) as packets:
            print(f"captures {filter or 'everything'}", flush=True)
            async for packet in packets:
                time = datetime.fromtimestamp(packet.time_ns / 1e9).time()
                why = f" dropped: {packet.reason}" if packet.dropped else ""
                print(f"{time} {packet.direction} {packet.interface} {packet.length} octets{why}", flush=True)
            lost = packets.stats.lost_ring + packets.stats.lost_stream
            if lost:
                print(f"{lost} packets were lost", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("filter", nargs="?", default="", help="as in pcap-filter(7)")
    parser.add_argument("--count", type=int, default=0, help="0: until Ctrl-C")
    parser.add_argument("--server", default="unix:///run/smol/ctl.sock", help="where smold listens")
    options = parser.parse_args()
    try:
        asyncio.run(capture(options.server, options.filter, options.count))
    except (OSError, ValueError) as error:
        sys.exit(f"capture.py: {error}")
    except KeyboardInterrupt:
        pass
