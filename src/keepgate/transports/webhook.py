"""Messages to an address of the administrator's: signed, in the form of Standard Webhooks (standardwebhooks.com), or as
their receiver wants them.

Sent in the background, a few times if need be, in bounded number: a receiver that is away costs nobody anything.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import os
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final, Protocol

import orjson

from keepgate.model.errors import ConfigError, KeepgateError
from keepgate.ports import Document

PAUSES: Final = (1.0, 5.0, 25.0)
"""Seconds before each further attempt."""
MOST: Final = 64
"""On their way at a time; beyond it they are dropped, and that is said."""
_FAILED: Final = 300
_SHORTEST: Final = 16


class Post(Protocol):
    """transports.fetch.Fetcher.ask."""

    async def __call__(
        self, url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Document: ...


class Webhook:
    """One receiver."""

    def __init__(
        self,
        url: Callable[[], str],
        secret: Callable[[], bytes] | None,
        post: Post,
        clock: Callable[[], float],
        failed: Callable[[str], None],
    ) -> None:
        """Address and `secret` are asked for each message; without a secret nothing is signed.

        `failed` hears of what could not be delivered, and why.
        """
        self._url = url
        self._secret = secret
        self._post = post
        self._clock = clock
        self._failed = failed
        self._running: set[asyncio.Task[None]] = set()

    def send(self, kind: str, data: Mapping[str, Any]) -> None:
        """Put it on its way as a Standard Webhook. Called on the event loop; never raises."""
        self.post(orjson.dumps({"type": kind, "timestamp": int(self._clock()), "data": data}))

    def post(self, body: bytes) -> None:
        """Put this JSON text on its way. Called on the event loop; never raises."""
        if len(self._running) >= MOST:
            self._failed(f"{MOST} are on their way already: one was dropped")
            return
        task = asyncio.get_running_loop().create_task(self._deliver(f"msg_{os.urandom(12).hex()}", body))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _deliver(self, name: str, body: bytes) -> None:
        why = ""
        for pause in (0.0, *PAUSES):
            await asyncio.sleep(pause)
            try:
                answer = await self._post(self._url(), body, self._signed(name, body))
            except KeepgateError as error:
                why = error.public
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody else would hear of it
                why = type(error).__name__
                continue
            if answer.status < _FAILED:
                return
            why = f"it answered with status {answer.status}"
        self._failed(why)

    def _signed(self, name: str, body: bytes) -> dict[str, str]:
        """The time is that of the attempt: a receiver refuses what is old. Raises KeepgateError without a key."""
        if self._secret is None:
            return {"Content-Type": "application/json"}
        return signed(self._secret(), name, body, self._clock())


def signed(secret: bytes, name: str, body: bytes, now: float) -> dict[str, str]:
    """The headers of a message: its id, the time of this attempt, and the signature over both and the body."""
    second = str(int(now))
    told = b".".join((name.encode(), second.encode(), body))
    mark = base64.b64encode(hmac.digest(secret, told, sha256)).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": second,
        "webhook-signature": f"v1,{mark}",
    }


def key_of(text: str, where: str) -> bytes:
    """The key of the signature: what follows `whsec_` is base64, anything else counts as it is written.

    Raises ConfigError, naming the key `where` of the configuration.
    """
    if text.startswith("whsec_"):
        try:
            key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except ValueError:
            raise ConfigError(f"the secret of `{where}` is not base64 after `whsec_`") from None
        if len(key) < _SHORTEST:
            raise ConfigError(f"the secret of `{where}` must have at least {_SHORTEST} bytes after `whsec_`")
        return key
    if len(text) < _SHORTEST:
        raise ConfigError(f"the secret of `{where}` must have at least {_SHORTEST} characters")
    return text.encode()
