"""Where a contained server may connect to.

An entry is `name:port`, `*.name:port` (any name below it), `address:port` or `network/bits:port`; the port may be `*`.
A name that is listed stands for public addresses only. If it is meant to stand for one of a private network or of this
machine, that address or its network is listed as well: whoever answers for the name cannot choose what it reaches.
Metadata services of clouds are never reached.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from keepgate.transports.addresses import is_metadata, is_public

_TRIES: Final = 4
"""Addresses of one name that are tried."""


class RefusedError(Exception):
    """A destination that is not admitted; the text says which, and why."""


class Allowed:
    """The entries of one server."""

    def __init__(self, entries: tuple[str, ...]) -> None:
        """`entries` as the configuration's check lets them pass."""
        self._names: list[tuple[str, int]] = []
        self._networks: list[tuple[IPv4Network | IPv6Network, int]] = []
        for entry in entries:
            host, _, port = entry.rpartition(":")
            number = 0 if port == "*" else int(port)
            try:
                self._networks.append((ip_network(host.strip("[]")), number))
            except ValueError:
                self._names.append((host.lower().rstrip("."), number))

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses to try. Raises RefusedError, or OSError if nobody knows the name."""
        address = _address(host)
        if address is not None:
            if not self._listed(address, port):
                raise RefusedError(f"{_shown(host, port)} may not be reached from its sandbox")
            return [str(address)]
        if not self._named(host.lower().rstrip("."), port):
            raise RefusedError(f"{_shown(host, port)} may not be reached from its sandbox")
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise OSError("its name is not one") from error
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        for each in addresses:
            if not self._meant(each, port):
                raise RefusedError(
                    f"{_shown(host, port)} stands for {each}, which is not public and not listed"
                )
        return addresses[:_TRIES]

    def _named(self, host: str, port: int) -> bool:
        for name, only in self._names:
            below = name.startswith("*.") and host.endswith(name[1:]) and len(host) > len(name) - 1
            if (below or host == name) and only in (0, port):
                return True
        return False

    def _listed(self, address: IPv4Address | IPv6Address, port: int) -> bool:
        if is_metadata(str(address)):
            return False
        return any(address in network and only in (0, port) for network, only in self._networks)

    def _meant(self, text: str, port: int) -> bool:
        address = _address(text)
        if address is None or is_metadata(text):
            return False
        return is_public(text) or self._listed(address, port)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address written as one; IPv4 in the clothes of IPv6 is IPv4."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _shown(host: str, port: int) -> str:
    """For a log: what a server chose to write is shown only as far as a name goes."""
    kept = "".join(
        char if char.isascii() and (char.isalnum() or char in ".-_:") else "?" for char in host[:253]
    )
    return f"`{kept}:{port}`"
