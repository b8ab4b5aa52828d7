#!/usr/bin/env python3
"""Sends back what TCP clients send, on a port of the daemon: echo_server.py --port 7"""

import argparse
import asyncio
import sys

import smolplane


async def echo(connection: smolplane.TcpConnection) -> None:
    while data := await connection.read(65_536):
        connection.write(data)
        await connection.drain()


async def serve(server: str, port: int) -> None:
    async with smolplane.connect(server) as plane:
        async with plane.tcp_listen(port, echo) as listener:
            print(f"listens on port {port}", flush=True)
            await listener.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=7)
    parser.add_argument("--server", default="unix:///run/smol/ctl.sock", help="where smold listens")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.server, options.port))
    except OSError as error:
        sys.exit(f"echo_server.py: {error}")
    except KeyboardInterrupt:
        pass
