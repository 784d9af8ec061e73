"""What a server is told again after it forgot a session: that it is initialized, the log level, the subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from keepgate.gateway.link import Link, LinkOwner
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc

PATIENCE = 10.0
"""Seconds for each answer: it is a courtesy to the client, who waits for something else."""
AT_ONCE = 8
"""Subscriptions renewed at the same time."""


async def greet(link: Link, patience: float) -> None:
    """Have `initialized` accepted before anything else is sent: over HTTP nothing keeps messages in order.

    Raises UpstreamError; the link is closed then.
    """
    try:
        async with asyncio.timeout(patience):
            await link.send(jsonrpc.notification("notifications/initialized"))
    except TimeoutError:
        failure = UpstreamError("timeout", f"server `{link.server}` did not take `initialized` in time")
        link.fail(failure)
        raise failure from None
    except UpstreamError as failure:
        link.fail(failure)
        raise


async def tell(link: Link, method: str, params: dict[str, Any]) -> bool:
    """Set a state anew; whether the server took it. What it refuses is recorded and no reason to fail."""
    try:
        reply = await link.request(method, params, timeout=PATIENCE)
    except UpstreamError as error:
        link.owner.dropped(link, None, f"`{method}` could not be renewed on a new session: {error.public}")
        return False
    if reply.kind is Kind.ERROR:
        link.owner.dropped(link, None, f"the server refused to renew `{method}` on a new session")
    return reply.kind is Kind.RESULT


async def resubscribe(link: Link, uris: Sequence[str], owner: LinkOwner) -> None:
    """Subscribe anew. What changed in between was not heard, so the client is told that it may have."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(uri: str) -> None:
        async with room:
            if await tell(link, "resources/subscribe", {"uri": uri}):
                body = jsonrpc.notification("notifications/resources/updated", {"uri": uri})
                owner.unsolicited(link, Message(Kind.NOTIFICATION, body))

    await asyncio.gather(*(one(uri) for uri in uris))
