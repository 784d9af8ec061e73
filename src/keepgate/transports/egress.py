"""Where connections to the outside may go: a name is resolved once, every address it stands for is judged, and the
connection goes to one of the judged addresses. What the name stands for a moment later does not matter.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final, TypeVar

from keepgate.model.errors import UpstreamError
from keepgate.transports.addresses import is_metadata, is_private, is_public
from keepgate.transports.http_request import Origin
from keepgate.transports.http_rules import is_loopback

P = TypeVar("P", bound=asyncio.BaseProtocol)

_TRIES: Final = 4
"""Addresses of one name that are tried."""

NOT_PUBLIC: Final = "its name stands for an address that is not public"


class Egress:
    """Which addresses may be connected to: public ones always, metadata services never.

    `private` admits those of private networks as well, `local` this machine's. `literal` admits the address that a URL
    names itself, for who wrote the URL meant it: then nothing is looked up. `hint` ends the text of a refusal.
    """

    def __init__(
        self, *, private: bool = False, local: bool = False, literal: bool = False, hint: str = ""
    ) -> None:
        self._private = private
        self._local = local
        self._literal = literal
        self._hint = hint

    @classmethod
    def configured(cls, host: str, *, private: bool) -> Egress:
        """To a server of the configuration: its address if the administrator wrote one, this machine as `localhost`.

        `private`: the name may stand for something inside, this machine included.
        """
        hint = "" if private else ": where that is meant, set `allow_private: true` for this server"
        return cls(private=private, local=private or is_loopback(host), literal=True, hint=hint)

    async def connect(self, make: Callable[[], P], origin: Origin, tls: ssl.SSLContext | None) -> P:
        """A connection to an admitted address. Raises UpstreamError if none is, OSError if none answers."""
        loop = asyncio.get_running_loop()
        failure: OSError | None = None
        for address in await self._resolve(origin):
            try:
                _, protocol = await loop.create_connection(
                    make, address, origin.port, ssl=tls, server_hostname=origin.host if tls else None
                )
            except OSError as error:
                failure = failure or error
                continue
            return protocol
        raise failure or OSError("no address")

    async def _resolve(self, origin: Origin) -> list[str]:
        """The addresses to try. Raises UpstreamError if any that the name stands for is not admitted, OSError."""
        if _is_address(origin.host):
            if is_metadata(origin.host) or not (self._literal or self._may(origin.host)):
                raise self._refusal(origin, [origin.host])
            return [origin.host]
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        if not addresses or not all(self._may(address) for address in addresses):
            raise self._refusal(origin, addresses)
        return addresses[:_TRIES]

    def _may(self, address: str) -> bool:
        return not is_metadata(address) and (
            is_public(address)
            or (self._private and is_private(address))
            or (self._local and is_loopback(address))
        )

    def _refusal(self, origin: Origin, addresses: list[str]) -> UpstreamError:
        return UpstreamError("unreachable", NOT_PUBLIC + self._hint, f"{origin}: {addresses}")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
