"""Addresses between Python and the API."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple, Union

from smolplane.v1 import types_pb2

Host = Union[str, IPv4Address, IPv6Address]
"""An IP address. A link-local one may name its interface: "fe80::1%smol0"."""


class Address(NamedTuple):
    """Host and port, as the socket module has them: the host is text."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_host(host: Host) -> tuple[types_pb2.IpAddress, str]:
    """The address, and the interface it names or "". ValueError: it is a name, or nothing at all."""
    try:
        address = ip_address(host)
    except ValueError:
        raise ValueError(f"{host!r} is no IP address: look names up first, such as with loop.getaddrinfo()") from None
    if isinstance(address, IPv4Address):
        return types_pb2.IpAddress(v4=int(address)), ""
    return types_pb2.IpAddress(v6=address.packed), address.scope_id or ""


def parse_endpoint(host: Host | None, port: int) -> tuple[types_pb2.Endpoint, str]:
    """As parse_host(). No host: any address."""
    if not 0 <= port <= 65_535:
        raise ValueError(f"port {port} is not 0 to 65535")
    if host is None:
        return types_pb2.Endpoint(port=port), ""
    address, interface = parse_host(host)
    return types_pb2.Endpoint(address=address, port=port), interface


def host_of(address: types_pb2.IpAddress) -> str:
    """As text."""
    if address.WhichOneof("address") == "v6":
        return str(IPv6Address(address.v6))
    return str(IPv4Address(address.v4))


def address_of(endpoint: types_pb2.Endpoint) -> Address:
    """As text and a number."""
    return Address(host_of(endpoint.address), endpoint.port)
