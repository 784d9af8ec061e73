"""Client and server of one era as `Backend`s: they pass through. upbridge.py and downbridge.py translate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from keepgate.gateway.backend import Backend
from keepgate.gateway.caller import Caller
from keepgate.gateway.link import Link
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.settings import ServerSettings
from keepgate.gateway.shelf import Meta, Shelf
from keepgate.gateway.upstream import Upstream
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc, tasks
from keepgate.protocol.envelope import SERVER_INFO_KEY

RESULT_TYPES = ("complete", "input_required")
_RESULT = Kind.RESULT

Successor = Callable[[], Awaitable[Backend]]
"""The server turned out to be of the other era: what stands for it from now on. Raises UpstreamError."""


class MovedError(UpstreamError):
    """The server did not carry the request out, because it speaks the other era now. Nothing ran."""

    def __init__(self, error: UpstreamError) -> None:
        super().__init__(
            error.kind, error.public, error.private, status=error.http_status, body=error.body, retryable=True
        )


async def twice(ask: Callable[[], Awaitable[Message]], successor: Successor | None) -> Message:
    """Ask for a list, and once more if the connection died over it: asking has no side effects.

    So it is with lists only. A call may have run, and what servers say of its effects is only their word; reading a
    resource or getting a prompt may cost or count; the client can repeat them, and knows. Raises UpstreamError.
    """
    try:
        return await ask()
    except MovedError:
        if successor is not None:
            _ = await successor()  # the next list is its own
        raise
    except UpstreamError as error:
        if error.kind != "closed":
            raise
        return await ask()


OTHER_ERA = (jsonrpc.INVALID_REQUEST, jsonrpc.METHOD_NOT_FOUND, -32000)
"""Error codes that servers of the handshake era give to a request without a session."""
REOPENED = 2
"""Sessions that a server may forget over one request."""
REFUSED = (400, 404, 405)
"""HTTP status likewise."""


def page_of(reply: Message, server: str, method: str) -> dict[str, Any]:
    """The result object of a list reply. Raises UpstreamError for an error reply."""
    if reply.kind is Kind.RESULT:
        return reply.body["result"]  # type: ignore[no-any-return]
    error = reply.body["error"]
    # What it says is a server's text: no guard has looked at it, so it is for the log only.
    raise UpstreamError(
        "status", f"server `{server}` answered `{method}` with an error", f"it said: {error['message'][:200]}"
    )


def approved_capabilities(upstream: Upstream, hello: dict[str, Any]) -> dict[str, Any]:
    """What a server declares in its hello, but for what the lock does not have."""
    found = hello.get("capabilities")
    declared: dict[str, Any] = found if isinstance(found, dict) else {}
    return declared if upstream.pins is None else upstream.pins.capabilities(declared)


def approved_instructions(upstream: Upstream, hello: dict[str, Any]) -> str:
    """What a server tells the model in its hello, "" if the lock has another text or it is refused."""
    found = hello.get("instructions")
    text = found if isinstance(found, str) else ""
    if upstream.pins is not None and not upstream.pins.instructions(text):
        return ""
    return text if not text or upstream.vetting is None or upstream.vetting.instructions(text) else ""


def list_params(cursor: str | None, meta: Meta) -> dict[str, Any]:
    """Params of a list request."""
    params: dict[str, Any] = {} if cursor is None else {"cursor": cursor}
    if meta:
        params["_meta"] = {key: value for key, value in meta.items() if key != "progressToken"}
    return params


class StatelessBackend:
    """Stateless client, stateless server: one link shared by all, every request carries its own envelope."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.settings: ServerSettings = upstream.settings
        self.shelf = Shelf(
            upstream.id,
            self._page,
            upstream.limits.list_items,
            lasting=True,
            pinned=upstream.pinned,
            vetting=upstream.vetting,
            assess=upstream.assess,
        )
        self.successor: Successor | None = None

    @property
    def hello(self) -> dict[str, Any]:
        """The result of `server/discover`."""
        return self.upstream.discovered

    @property
    def capabilities(self) -> dict[str, Any]:
        """From `server/discover`."""
        return approved_capabilities(self.upstream, self.upstream.discovered)

    @property
    def server_info(self) -> dict[str, Any]:
        """From the `_meta` of `server/discover`."""
        meta = self.upstream.discovered.get("_meta")
        info = meta.get(SERVER_INFO_KEY) if isinstance(meta, dict) else None
        return info if isinstance(info, dict) else {}

    @property
    def instructions(self) -> str:
        """From `server/discover`."""
        return approved_instructions(self.upstream, self.upstream.discovered)

    @property
    def receiver(self) -> int:
        """Tasks of a process on a pipe end with it."""
        return self.upstream.receiver(self.upstream.shared)

    async def link(self) -> Link:
        """The shared link. Raises UpstreamError."""
        found = await self.upstream.stateless_link()
        if found is None:
            text = f"server `{self.upstream.id}` no longer speaks the stateless era"
            raise MovedError(UpstreamError("protocol", text))
        return found

    async def listed(self, method: str, params: dict[str, Any]) -> Message:
        """The reply to a list request. Raises UpstreamError."""

        async def ask() -> Message:
            return await self.upstream.call(await self.link(), method, params)

        return await twice(ask, self.successor)

    async def _page(self, method: str, cursor: str | None, meta: Meta) -> dict[str, Any]:
        # The list is everybody's: whoever happened to ask must not have left a mark in it.
        params = list_params(cursor, self.upstream.envelope_meta())
        return page_of(await self.listed(method, params), self.upstream.id, method)

    async def listen(
        self, filters: dict[str, Any], params: dict[str, Any], caller: Caller, observer: CallObserver
    ) -> Message:
        """Let the observer hear what it asked for; the reply that ends it. Raises UpstreamError."""
        sent = {**params, "notifications": filters}
        return await (await self.link()).request(
            "subscriptions/listen", sent, observer=observer, endless=True
        )

    async def request(
        self,
        method: str,
        params: dict[str, Any],
        caller: Caller,
        observer: CallObserver | None,
        headers: dict[str, str],
    ) -> Message:
        """The server's reply, in the caller's era; from its successor if it has moved to the other era."""
        try:
            return await self.exchange(method, params, caller, observer, headers)
        except MovedError:
            if self.successor is None:
                raise
            return await (await self.successor()).request(method, params, caller, observer, headers)

    async def exchange(
        self,
        method: str,
        params: dict[str, Any],
        caller: Caller,
        observer: CallObserver | None,
        headers: dict[str, str],
    ) -> Message:
        """Pass the request on as it is; a result without `resultType` is complete, one of another type invalid."""
        link = await self.link()
        try:
            reply = await self.upstream.call(link, method, params, observer=observer, headers=headers)
        except UpstreamError as error:
            if error.http_status in REFUSED and not await self.upstream.still_stateless():
                raise MovedError(error) from error
            raise
        doubtful = reply.kind is Kind.ERROR and reply.body["error"]["code"] in OTHER_ERA
        if doubtful and not await self.upstream.still_stateless():
            raise MovedError(UpstreamError("protocol", "it speaks the handshake era now"))
        check_result(reply, method, params)
        return reply

    def direct(self) -> Link | None:
        """The shared link if a request can be sent at once, without asking whether the server is still there."""
        return self.upstream.ready_link()


def check_result(reply: Message, method: str, params: dict[str, Any]) -> None:
    """Stateless era: a result without `resultType` is complete, one of another type invalid. Raises UpstreamError.

    `method` and `params` are the request's: only a tool call that declares the extension may be answered with a task.
    """
    if reply.kind is not _RESULT:
        return
    result = reply.body["result"]
    found = result.setdefault("resultType", "complete")
    if found not in RESULT_TYPES and not (found == "task" and tasks.may_create(method, params)):
        raise UpstreamError("protocol", "the server answered with an unknown result type")
    if "cacheScope" in result:  # who may see it is decided for each principal
        result["cacheScope"] = "private"


class HandshakeBackend:
    """Handshake client, handshake server: a link of the session's own, re-initialized when the server loses it."""

    def __init__(self, upstream: Upstream, reconnect: Callable[[HandshakeBackend], Awaitable[Link]]) -> None:
        self.upstream = upstream
        self.settings: ServerSettings = upstream.settings
        self.shelf = Shelf(
            upstream.id,
            self._page,
            upstream.limits.list_items,
            pinned=lambda: upstream.pinned(self.initialized),
            vetting=upstream.vetting,
            assess=upstream.assess,
        )
        self.link: Link | None = None
        self.initialized: dict[str, Any] = {}
        """The server's initialize result."""
        self.successor: Successor | None = None
        self._reconnect = reconnect
        self._connecting = asyncio.Lock()

    @property
    def hello(self) -> dict[str, Any]:
        """The server's initialize result."""
        return self.initialized

    @property
    def capabilities(self) -> dict[str, Any]:
        """From the initialize result."""
        return approved_capabilities(self.upstream, self.initialized)

    @property
    def server_info(self) -> dict[str, Any]:
        """From the initialize result."""
        found = self.initialized.get("serverInfo")
        return found if isinstance(found, dict) else {}

    @property
    def instructions(self) -> str:
        """From the initialize result."""
        return approved_instructions(self.upstream, self.initialized)

    @property
    def receiver(self) -> int:
        """Tasks of a process on a pipe end with it."""
        return self.upstream.receiver(self.link)

    async def live(self) -> Link:
        """The link, connected anew if it died. Raises UpstreamError."""
        if self.link is not None and self.link.dead is None:
            return self.link
        async with self._connecting:
            if self.link is None or self.link.dead is not None:
                try:
                    self.link = await self._reconnect(self)
                except UpstreamError as error:
                    if self.settings.revision == "auto" and error.kind in ("status", "protocol"):
                        raise MovedError(
                            error
                        ) from error  # if it is not so, its successor says what is wrong
                    raise
            return self.link

    def direct(self) -> Link | None:
        """The session's link if a request can be sent at once, without asking whether the server is still there."""
        link = self.link
        if link is None or link.dead is not None:
            return None
        return link if link.channel.duplex or self.upstream.circuit.closed else None

    async def send(self, send: Callable[[Link], Awaitable[Message]]) -> Message:
        """Do something on the live link; if the server has forgotten the session, again on a new one, a few times.

        A 404 for the session means that the request was not processed, so repeating it is safe for any method.
        """
        for _ in range(REOPENED):
            link = await self.live()
            try:
                return await send(link)
            except UpstreamError as error:
                if error.kind != "session-lost" or not error.retryable:
                    raise
                link.fail(error)
        return await send(await self.live())

    async def listed(self, method: str, params: dict[str, Any]) -> Message:
        """The reply to a list request. Raises UpstreamError."""
        return await twice(
            lambda: self.send(lambda link: self.upstream.call(link, method, params)), self.successor
        )

    async def _page(self, method: str, cursor: str | None, meta: Meta) -> dict[str, Any]:
        return page_of(await self.listed(method, list_params(cursor, meta)), self.upstream.id, method)

    async def request(
        self,
        method: str,
        params: dict[str, Any],
        caller: Caller,
        observer: CallObserver | None,
        headers: dict[str, str],
    ) -> Message:
        """Pass the request on as it is."""
        try:
            return await self.send(lambda link: self.upstream.call(link, method, params, observer=observer))
        except MovedError:
            if self.successor is None:
                raise
            return await (await self.successor()).request(method, params, caller, observer, headers)


def refuse_callback(link: Link, message: Message, why: str) -> None:
    """Answer a server-initiated request that must not reach anybody."""
    if message.kind is Kind.REQUEST:
        link.post(jsonrpc.error(message.id, jsonrpc.METHOD_NOT_FOUND, why))
