#!/usr/bin/env python3
"""Pings from the daemon: ping.py 192.168.69.100 --count 3"""

import argparse
import asyncio
import sys

import smolplane


async def ping(server: str, host: str, count: int, interval: float) -> None:
    async with smolplane.connect(server) as plane, plane.ping(host, count, interval) as pings:
        async for reply in pings:
            if reply.round_trip is None:
                print(f"from {reply.remote or host}: seq={reply.sequence} {reply.error}")
            else:
                print(f"{reply.octets + 8} octets from {reply.remote}: seq={reply.sequence} "
                      f"hop_limit={reply.hop_limit} time={reply.round_trip * 1e3:.3f} ms")
        if pings.summary is not None:
            print(f"{pings.summary.sent} sent, {pings.summary.received} received")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host", help="an IP address")
    parser.add_argument("--count", type=int, default=0, help="0: until Ctrl-C")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds")
    parser.add_argument("--server", default="unix:///run/smol/ctl.sock", help="where smold listens")
    options = parser.parse_args()
    try:
        asyncio.run(ping(options.server, options.host, options.count, options.interval))
    except OSError as error:
        sys.exit(f"ping.py: {error}")
    except KeyboardInterrupt:
        pass
