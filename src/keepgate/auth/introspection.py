"""Opaque access tokens, and signed ones that may have been revoked: ask the issuer (RFC 7662)."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from keepgate.auth.access_token import TokenError
from keepgate.auth.issuer import Authority, Introspection, unavailable
from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits

MAX_ASKED: Final = 64
"""Questions to one issuer at a time; what waits beyond eight times that is refused."""
_LIMITS: Final = JsonLimits(size=64 << 10, depth=16, members=4000)
INACTIVE: Final = "the token is unknown, expired or revoked"


class Introspector:
    """Asks one issuer."""

    def __init__(self, authority: Authority, settings: Introspection) -> None:
        self._authority = authority
        self._settings = settings
        self._places = asyncio.Semaphore(MAX_ASKED)
        self._waiting = 0

    async def claims(self, token: str) -> Mapping[str, Any]:
        """What the issuer says of an active token. Raises TokenError, or RemoteError (503)."""
        name = self._authority.issuer.name
        if self._waiting >= MAX_ASKED * 8:
            raise unavailable(name, "too many questions wait")
        self._waiting += 1
        try:
            async with self._places:
                return await self._ask(token)
        except UpstreamError as error:
            raise unavailable(name, str(error)) from error
        finally:
            self._waiting -= 1

    async def _ask(self, token: str) -> Mapping[str, Any]:
        settings = self._settings
        url = settings.url or await self._authority.endpoint("introspection_endpoint")
        form = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        headers = {"Authorization": _basic(settings.client_id, settings.client_secret())}
        raw = await self._authority.fetch(url, form, headers)
        try:
            answer = jsonrpc.parse(raw, _LIMITS)
        except RemoteError as error:
            raise unavailable(self._authority.issuer.name, "its answer is not valid JSON") from error
        if not isinstance(answer, dict) or type(answer.get("active")) is not bool:
            raise unavailable(self._authority.issuer.name, "its answer says nothing of `active`")
        if not answer["active"]:
            raise TokenError(INACTIVE)
        # `iss` is optional here: whoever answers is the issuer that was asked.
        return {"iss": self._authority.issuer.url, **answer}


def _basic(client_id: str, secret: str) -> str:
    """RFC 6749 section 2.3.1: both parts form-encoded first."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + b64encode(pair.encode()).decode()
