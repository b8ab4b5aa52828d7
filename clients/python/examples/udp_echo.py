#!/usr/bin/env python3
"""Sends datagrams back to who sent them: udp_echo.py --port 7"""

import argparse
import asyncio
import sys

import smolplane


async def serve(server: str, address: str, port: int) -> None:
    async with smolplane.connect(server) as plane:
        async with plane.udp((address, port)) as udp:
            print(f"listens on {udp.local}", flush=True)
            while True:
                try:
                    datagram = await udp.recv()
                except smolplane.DaemonUnavailableError:
                    raise
                except ConnectionRefusedError:
                    continue  # somebody left before the answer
                await udp.send(datagram.data, datagram.remote)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="0.0.0.0", help="of the daemon; :: is any of IPv6")
    parser.add_argument("--port", type=int, default=7)
    parser.add_argument("--server", default="unix:///run/smol/ctl.sock", help="where smold listens")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.server, options.address, options.port))
    except OSError as error:
        sys.exit(f"udp_echo.py: {error}")
    except KeyboardInterrupt:
        pass
