#!/usr/bin/env python3
"""Fetches a page from the daemon's network: http_get.py 192.168.69.100 --port 8000 --path /"""

import argparse
import asyncio
import sys

import smolplane


async def get(server: str, host: str, port: int, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    async with smolplane.connect(server) as plane:
        async with plane.tcp_connect(host, port, timeout=10) as connection:
            connection.write(request.encode())
            head = await connection.readuntil(b"\r\n\r\n")
            status = head.split(b"\r\n", 1)[0].decode()
            if " 200" not in status:
                sys.exit(status)
            while piece := await connection.read(65_536):
                sys.stdout.buffer.write(piece)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host", help="an IP address")
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--path", default="/")
    parser.add_argument("--server", default="unix:///run/smol/ctl.sock", help="where smold listens")
    options = parser.parse_args()
    try:
        asyncio.run(get(options.server, options.host, options.port, options.path))
    except OSError as error:
        sys.exit(f"http_get.py: {error}")
