"""One configured server: which era it speaks, its shared stateless link, new handshake links, its circuit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from keepgate.gateway.background import Background
from keepgate.gateway.circuit import THRESHOLD, Circuit
from keepgate.gateway.link import HARMLESS, Link, LinkOwner
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.pins import ServerPins, own_name
from keepgate.gateway.settings import Identity, Limits, ServerSettings
from keepgate.gateway.vetting import ServerVetting
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import CAPABILITIES_KEY, CLIENT_INFO_KEY, VERSION_KEY
from keepgate.protocol.eras import HANDSHAKE_REVISIONS, R2026_07, STATELESS_REVISIONS, Era

CLOSING = 5.0  # seconds that links already given up get at shutdown
PROBE_TIMEOUT = 10.0
"""Seconds a server may take to answer `server/discover` before it counts as a handshake server."""
DOUBT_PAUSE = 10.0
"""Seconds between two questions whether a server still speaks the stateless era."""

_UNAVAILABLE = (502, 503, 504)
"""HTTP status: something before the server says that it cannot be reached."""

_STATELESS_SIGNS = (jsonrpc.HEADER_MISMATCH, jsonrpc.MISSING_CAPABILITY, jsonrpc.UNSUPPORTED_VERSION)


class Upstream:
    """A server and what is known of it. Shared by all callers."""

    def __init__(
        self,
        settings: ServerSettings,
        identity: Identity,
        limits: Limits,
        owner: LinkOwner,
        monotonic: Callable[[], float],
    ) -> None:
        self.settings, self.id = settings, settings.id
        self.key = settings.id  # that of one of a principal's own says whose it is
        self.identity = identity
        self.limits = limits
        self.owner = owner
        self.connector = settings.connector
        """Changes once if the server turns out to know only an older transport."""
        self.circuit = Circuit(settings.id, monotonic)
        self.slow = False
        """It was not reached within the patience of the last client that waited: the next does not wait for it."""
        self.discovered: dict[str, Any] = {}
        """The result of the last `server/discover`."""
        self._stateless: bool | None = (
            None if settings.revision == "auto" else settings.revision in STATELESS_REVISIONS
        )
        self._shared: Link | None = None
        self._opening = asyncio.Lock()
        self._closing = Background()
        self._closed, self.barred = False, ""  # `barred`: why nothing new may be started
        self._monotonic = monotonic
        self._doubted_at = -DOUBT_PAUSE
        self.events = 0
        """Answers and failures so far. A call that fails says something of the server if nothing happened meanwhile."""
        self.links: set[Link] = set()
        self.pins: ServerPins | None = None  # None while no lock is in force
        self.vetting: ServerVetting | None = None  # None where what servers say is not looked at
        self.assess: Callable[[Iterable[dict[str, Any]]], None] = lambda _: None  # told what tools are listed

    @property
    def shared(self) -> Link | None:
        """The shared link of the stateless era, if one is open."""
        return self._shared

    def pinned(self, hello: dict[str, Any] | None = None) -> tuple[ServerPins, str] | None:
        """What the lock says of it, and how it calls itself."""
        return (self.pins, own_name(hello or self.discovered)) if self.pins is not None else None

    def receiver(self, link: Link | None) -> int:
        """Whose ids the tasks on a link have: a process numbers its own (-1 if it is gone), 0 is the server itself."""
        if link is None:
            return -1 if self.connector.kind == "stdio" else 0
        if not link.channel.duplex:
            return 0
        return link.number if link.dead is None else -1

    @property
    def call_timeout(self) -> float:
        """Seconds without a sign of life before a call fails."""
        return self.settings.call_timeout or self.limits.call_timeout

    def speaks(self, era: Era) -> bool | None:
        """Whether the server speaks an era; None while unknown. Forced by `protocol:` in the configuration."""
        if self.settings.revision != "auto":
            return (self.settings.revision in STATELESS_REVISIONS) == (era is Era.STATELESS)
        return self._stateless if era is Era.STATELESS else None

    def envelope_meta(self) -> dict[str, Any]:
        """The envelope of keepgate's own stateless requests: no capabilities, for nobody stands behind them."""
        return {VERSION_KEY: R2026_07, CLIENT_INFO_KEY: self.identity.info, CAPABILITIES_KEY: {}}

    async def stateless_link(self) -> Link | None:
        """The shared link of the stateless era, or None if the server does not speak it. Raises UpstreamError."""
        link = self._shared
        if link is not None and link.dead is None:
            return link
        async with self._opening:
            if self._shared is not None and self._shared.dead is None:
                return self._shared
            self._check_open()
            if self._stateless is False:
                return None
            probe = self.circuit.check()
            try:
                return await self._probe()
            except asyncio.CancelledError:
                self.circuit.undecided(probe=probe)
                raise

    def ready_link(self) -> Link | None:
        """The shared link if it lives and nothing speaks against using it at once."""
        link = self._shared
        return link if link is not None and link.dead is None and self.circuit.closed else None

    async def _probe(self) -> Link | None:
        """Open a channel and ask `server/discover`; an answer that only the stateless era gives decides."""
        link = Link(self.id, self.connector.channel(era="stateless"), R2026_07, self.owner, self.limits)
        try:
            async with asyncio.timeout(self.limits.connect_timeout):
                await link.open()
            stateless = await self._discover(link)
        except UpstreamError as error:
            self._give_up(link)
            self.circuit.refused(error)
            raise
        except TimeoutError:
            self._give_up(link)
            self.circuit.failure("no connection in time")
            raise UpstreamError(
                "timeout",
                f"server `{self.id}` did not start within {self.limits.connect_timeout:g} s",
                retryable=True,
            ) from None
        except asyncio.CancelledError:
            self._give_up(link)
            raise
        self._stateless = stateless
        if not stateless:
            self._give_up(link)
            self.circuit.reached()
            return None
        await self._admit(link)
        self._shared = link
        return link

    async def _discover(self, link: Link) -> bool:
        """True if the server speaks the stateless era. Network failures raise: they are no verdict."""
        for _attempt in range(2):
            try:
                reply = await link.request(
                    "server/discover",
                    {"_meta": self.envelope_meta()},
                    timeout=min(PROBE_TIMEOUT, self.limits.connect_timeout),
                    cancellable=False,
                )
            except UpstreamError as error:
                if self.settings.revision == "auto" and error.kind in ("status", "timeout", "protocol"):
                    return False
                if self.settings.revision == "auto" and error.kind == "closed" and link.channel.duplex:
                    return False  # some handshake servers exit on an unknown first message
                raise
            if reply.kind is Kind.RESULT:
                self.discovered = reply.body["result"]
                return True
            code = reply.body["error"]["code"]
            if code not in _STATELESS_SIGNS:
                return False
        return True

    async def still_stateless(self) -> bool:
        """Ask again, now and then, after an answer that a server of the other era would give. Never raises."""
        link, now = self._shared, self._monotonic()
        if self.settings.revision != "auto" or link is None or now - self._doubted_at < DOUBT_PAUSE:
            return self._stateless is not False
        self._doubted_at = now
        try:
            if await self._discover(link):
                return True
        except UpstreamError:
            return True  # no verdict
        self._stateless = False
        if link is self._shared:
            self._shared = None
            _ = self._closing.spawn(self._end_later(link))
        return False

    async def _end_later(self, link: Link) -> None:
        """End a link that gets no new calls once those on it have ended; a call has a longest time."""
        await link.quiet.wait()
        self.links.discard(link)
        await link.close()

    async def handshake_link(self, params: dict[str, Any], owner: LinkOwner) -> tuple[Link, dict[str, Any]]:
        """A new link with its own session or process, initialized with `params`, and the initialize result.

        The caller sends `notifications/initialized` when its client has. Raises UpstreamError; a server that speaks
        only the stateless era gives kind `status` or `protocol`.
        """
        try:
            return await self._initialize(params, owner)
        except UpstreamError as error:
            older = self.connector.fallback(error)
            if older is None:
                raise
            self.connector = older
            return await self._initialize(params, owner)

    async def _initialize(self, params: dict[str, Any], owner: LinkOwner) -> tuple[Link, dict[str, Any]]:
        self._check_open()
        probe = self.circuit.check()
        revision = params["protocolVersion"]
        if self.settings.revision != "auto":
            revision = self.settings.revision
            params = {**params, "protocolVersion": revision}
        link = Link(self.id, self.connector.channel(era="handshake"), revision, owner, self.limits)
        try:
            async with asyncio.timeout(self.limits.connect_timeout):
                await link.open()
                reply = await link.request(
                    "initialize", params, timeout=self.limits.connect_timeout, cancellable=False
                )
            result = self._initialized(link, reply)
        except TimeoutError:
            self._give_up(link)
            self.circuit.failure("no answer to `initialize` in time")
            raise UpstreamError(
                "timeout",
                f"server `{self.id}` did not answer `initialize` within {self.limits.connect_timeout:g} s",
                retryable=True,
            ) from None
        except UpstreamError as error:
            self._give_up(link)
            if error.kind in ("unreachable", "closed", "timeout"):
                self.circuit.failure(error.public)
                raise
            self.circuit.undecided(probe=probe)
            if self.settings.revision == "auto" and self._stateless is False:
                self._stateless = None  # it speaks neither era now: the verdict may come from a bad moment
            raise
        except asyncio.CancelledError:
            self._give_up(link)
            self.circuit.undecided(probe=probe)
            raise
        await self._admit(link)
        return link, result

    def _check_open(self) -> None:
        if self._closed or self.barred:
            raise UpstreamError("closed", self.barred or f"server `{self.id}` is no longer configured")

    async def _admit(self, link: Link) -> None:
        """A link that works; it may have become one too late. Raises UpstreamError."""
        if self._closed:
            await link.close()
            self._check_open()
        self.circuit.reached()
        self.slow = False
        self.links.add(link)

    def _initialized(self, link: Link, reply: Message) -> dict[str, Any]:
        if reply.kind is not Kind.RESULT:
            error = reply.body["error"]
            raise UpstreamError(
                "status", f"server `{self.id}` refused `initialize`", f"it said: {error['message'][:200]}"
            )
        result: dict[str, Any] = reply.body["result"]
        version = result.get("protocolVersion")
        if version not in HANDSHAKE_REVISIONS:
            raise UpstreamError("protocol", f"server `{self.id}` answered with an unknown protocol version")
        link.revision = version
        return result

    async def call(
        self,
        link: Link,
        method: str,
        params: dict[str, Any],
        *,
        observer: CallObserver | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Message:
        """A request on a link. Raises UpstreamError. Over HTTP a link outlives its server, which shows only here.

        `tasks/result` blocks until the task has ended: it has the longest time that any call has.
        """
        probe = not link.channel.duplex and self.circuit.check()
        mark = self.events
        try:
            reply = await link.request(
                method,
                params,
                observer=observer,
                headers=headers,
                timeout=self.limits.call_maximum if method == "tasks/result" else self.call_timeout,
            )
        except UpstreamError as error:
            self.failed(link, error, mark, probe=probe)
            raise
        except asyncio.CancelledError:
            self.circuit.undecided(probe=probe)
            raise
        self.answered(link, method)
        return reply

    def answered(self, link: Link, method: str) -> None:
        """A request was answered."""
        self.events += 1
        link.silence = 0
        if method in HARMLESS:
            self.circuit.reached()
        else:
            self.circuit.success()

    def failed(self, link: Link, error: UpstreamError, mark: int, *, probe: bool = False) -> None:
        """A request failed; `mark` is what `events` was when it was sent."""
        if self.events == mark:
            self.events += 1
            self._silent(link, error)
        answers = ("status", "auth", "session-lost", "protocol", "too-large")
        if error.kind in answers and error.http_status not in _UNAVAILABLE:
            self.circuit.reached()
        else:
            self.circuit.undecided(probe=probe)

    def _silent(self, link: Link, error: UpstreamError) -> None:
        """A call failed, while the server answered nobody: is it there, does it hang?

        What fails at the same time is one failure. On a pipe the end of the link counts instead.
        """
        gone = error.kind in ("unreachable", "closed") or error.http_status in _UNAVAILABLE
        if link.channel.duplex:
            link.silence += error.kind == "timeout"
            if link.silence >= THRESHOLD:
                link.silence = 0
                _ = self._closing.spawn(self._prod(link))
        elif gone or error.kind == "timeout":
            self.circuit.failure(error.public)

    async def _prod(self, link: Link) -> None:
        """End a process that answers neither calls nor this: the next call starts it anew."""
        stateless = link.era is Era.STATELESS
        method = "server/discover" if stateless else "ping"
        params = {"_meta": self.envelope_meta()} if stateless else None
        try:
            await link.request(method, params, timeout=PROBE_TIMEOUT, cancellable=False)
        except UpstreamError as error:
            if error.kind == "timeout":
                text = f"server `{self.id}` hangs: it answered neither {THRESHOLD} calls nor `{method}`"
                link.fail(UpstreamError("closed", text))

    def forget(self, link: Link, failure: UpstreamError) -> None:
        """A link died. One that never answered a call is a failure to reach the server, like a shared one."""
        admitted = link in self.links
        self.links.discard(link)
        shared = link is self._shared
        if shared:
            self._shared = None
        if shared or (admitted and not link.answered and failure.kind != "session-lost"):
            self.circuit.failure(failure.public)

    def _give_up(self, link: Link) -> None:
        """Close a link that is not used; a process may take its time to end, and nobody waits for that."""
        _ = self._closing.spawn(link.close())

    @property
    def quiet(self) -> bool:
        """Whether no call runs on any link."""
        return all(link.quiet.is_set() for link in self.links)

    async def retire(self, seconds: float) -> None:
        """Start nothing new, let running calls end for a while, then close. Never raises."""
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(link.quiet.wait() for link in self.links))
        await self.close()

    async def close(self) -> None:
        """Close every link, for good. Never raises."""
        self._closed = True
        links, self.links, self._shared = list(self.links), set(), None
        if links:
            await asyncio.gather(*(link.close() for link in links), return_exceptions=True)
        await self._closing.drain(CLOSING)
        self.connector.close()
