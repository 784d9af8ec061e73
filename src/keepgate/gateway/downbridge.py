"""Stateless client, handshake server: sessions are held here, per principal and capability set.

A handshake server fixes capabilities at `initialize` and may keep state per session, so calls of different principals
never share a session, and a session never declares what a caller in it has not. Lists come from a session of keepgate's
own that declares nothing. What a server asks in a call becomes `input_required` (backcall.py, parking.py).
"""

from __future__ import annotations

import asyncio
from typing import Any

from keepgate.gateway import bridge
from keepgate.gateway.backcall import BackCall
from keepgate.gateway.backends import MovedError, Successor, list_params, page_of
from keepgate.gateway.background import Background
from keepgate.gateway.caller import Caller
from keepgate.gateway.down_tasks import DownTasks
from keepgate.gateway.held import Ear, Held
from keepgate.gateway.parking import Parking
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.relay import SESSION_WIDE
from keepgate.gateway.services import Services
from keepgate.gateway.settings import ServerSettings
from keepgate.gateway.shelf import CAPABILITY, CHANGED, Meta, Shelf
from keepgate.gateway.upstream import Upstream
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc, tasks
from keepgate.protocol.envelope import LOG_LEVEL_KEY, SERVER_INFO_KEY, with_meta
from keepgate.protocol.eras import ACKNOWLEDGED, INPUT_REQUIRED_METHODS, LISTEN_FLAGS, R2025_11

MAX_LINKS = 64
"""Handshake sessions held per server for stateless callers; the longest unused one is closed beyond it."""
MAX_OWN = 8
"""Of these, per principal: capabilities and clientInfo are the client's to vary, and each set is a session."""
CLOSING = 5.0
"""Seconds that sessions already given up get at shutdown."""
PARTING = 0.1
"""Seconds for telling servers that parked calls have ended."""


class _Quiet:
    """Observes a request in which the server may ask nothing."""

    def __init__(self, observer: CallObserver, held: Held, params: dict[str, Any]) -> None:
        self._observer = observer
        self._held = held
        self._params = params

    @property
    def principal(self) -> str:
        return self._observer.principal

    def message(self, message: Message) -> None:
        if message.kind is Kind.REQUEST or message.method in SESSION_WIDE:
            self._held.aside(self._held.backend.link, None, message)
        elif message.method != "notifications/message" or bridge.log_wanted(self._params, message.params):
            self._observer.message(message)

    def opened(self, *, streaming: bool) -> None:
        self._observer.opened(streaming=streaming)

    def interrupted(self, retry_ms: int) -> None:
        """The held session resumes by itself."""


class DownBridge:
    """A handshake server towards stateless callers."""

    def __init__(self, upstream: Upstream, services: Services, parking: Parking) -> None:
        self.upstream = upstream
        self.services = services
        self.parking = parking
        self.settings: ServerSettings = upstream.settings
        self.shelf = Shelf(
            upstream.id,
            self._page,
            upstream.limits.list_items,
            pinned=lambda: upstream.pinned(self._own.backend.initialized),
            vetting=upstream.vetting,
            assess=upstream.assess,
        )
        self._own = self._session({}, services.identity.info, "", b"")
        self._held: dict[str, list[Held]] = {}
        self.tasks = DownTasks(services, upstream.id, self.shelf, self._for)
        self._closing = Background()
        self.successor: Successor | None = None

    def _session(
        self, capabilities: dict[str, Any], info: dict[str, Any], principal: str, wanted: bytes
    ) -> Held:
        params = {"protocolVersion": R2025_11, "capabilities": capabilities, "clientInfo": info}
        held = Held(self.upstream, self.services, params, principal, wanted)
        held.backend.shelf = self.shelf  # what changes for one has changed for all
        return held

    async def start(self) -> None:
        """Reach the server once. Raises UpstreamError."""
        await self._own.backend.live()

    @property
    def capabilities(self) -> dict[str, Any]:
        """From the initialize result of keepgate's own session, as far as the bridge carries it."""
        return self.tasks.promised(self._own.backend.capabilities)

    @property
    def receiver(self) -> int:
        """Tasks are numbered here."""
        return 0

    @property
    def server_info(self) -> dict[str, Any]:
        """From the initialize result."""
        return self._own.backend.server_info

    @property
    def instructions(self) -> str:
        """From the initialize result."""
        return self._own.backend.instructions

    async def _page(self, method: str, cursor: str | None, meta: Meta) -> dict[str, Any]:
        reply = await self._own.backend.listed(method, list_params(cursor, None))
        return page_of(reply, self.upstream.id, method)

    # Sessions

    def _for(self, caller: Caller) -> Held:
        """The session for this caller. Raises UpstreamError if there can be none."""
        principal = caller.principal.id
        capabilities = bridge.declared_to_handshake(tasks.without(caller.capabilities))
        info = caller.info or self.services.identity.info
        wanted = jsonrpc.canonical([capabilities, info])
        own = self._held.get(principal, [])
        same = [held for held in own if held.wanted == wanted]
        found = next((held for held in same if not held.occupied), None)
        if found is None and self._room(principal):
            found = self._session(capabilities, info, principal, wanted)
            self._held.setdefault(principal, []).append(found)
        if found is None:  # who never comes back must not shut itself out
            self.parking.give_way({call for held in same for call in held.calls})
            found = next((held for held in same if not held.occupied), None)
        if found is None:  # one that must be shared: what is asked there may have to be refused
            fitting = [h for h in own if bridge.within(h.params["capabilities"], capabilities)]
            found = next(iter(same or fitting), None)
        if found is None:
            raise UpstreamError(
                "overloaded", f"too many sessions at server `{self.upstream.id}`", retryable=True
            )
        found.used = self.services.monotonic()
        return found

    def _room(self, principal: str) -> bool:
        """Whether one more session may be opened; idle ones make room, and nobody waits for the end of another."""
        own = self._held.get(principal, [])
        if len(own) >= MAX_OWN and not self._drop_idle(own):
            return False
        every = [held for holding in self._held.values() for held in holding]
        return len(every) < MAX_LINKS or self._drop_idle(every)

    def _drop_idle(self, among: list[Held]) -> bool:
        idle = [held for held in among if not held.busy]
        if not idle:
            return False
        self._let_go(min(idle, key=lambda held: held.used))
        return True

    def _let_go(self, held: Held) -> None:
        own = self._held[held.principal]
        own.remove(held)
        if not own:
            del self._held[held.principal]
        _ = self._closing.spawn(held.close())

    # Requests

    async def request(
        self,
        method: str,
        params: dict[str, Any],
        caller: Caller,
        observer: CallObserver | None,
        headers: dict[str, str],
    ) -> Message:
        """Translate there and back; a call that asks its client is answered `input_required`. Raises UpstreamError."""
        ask = self.tasks.way(method, params, self._own.backend.capabilities)
        if ask is None:
            ask = self._call if method in INPUT_REQUIRED_METHODS else self._plain
        try:
            reply = await ask(method, params, caller, observer)
        except MovedError:
            if self.successor is None or "requestState" in params:  # what was asked there is not known here
                raise
            return await (await self.successor()).request(method, params, caller, observer, headers)
        if reply.kind is Kind.ERROR:
            reply.body["error"] = bridge.error_to_stateless(reply.body["error"], caller.capabilities)
        elif reply.body["result"].get("resultType") != "input_required":
            reply.body["result"] = bridge.result_to_stateless(method, reply.body["result"], self.server_info)
        return reply

    async def _plain(
        self, method: str, params: dict[str, Any], caller: Caller, observer: CallObserver | None
    ) -> Message:
        held = self._for(caller)
        held.busy += 1
        held.others += 1
        watching = _Quiet(observer, held, params) if observer is not None else None
        try:
            await held.ready(_level(params))
            return await held.backend.request(
                method, bridge.params_to_handshake(params), caller, watching, {}
            )
        finally:
            held.busy -= 1
            held.others -= 1

    async def _call(
        self, method: str, params: dict[str, Any], caller: Caller, observer: CallObserver | None
    ) -> Message:
        if "requestState" in params:
            responses = params.get("inputResponses", {})
            call = self.parking.take(params["requestState"], self, caller.principal.id, responses)
            await call.answer(caller, responses)
        else:
            call = self._begin(method, bridge.params_to_handshake(params), caller, _level(params))
        outcome = await call.attend(caller, params, observer)
        if isinstance(outcome, Message):
            return outcome
        result = {
            "resultType": "input_required",
            "inputRequests": outcome,
            "requestState": self.parking.park(call, self),
        }
        info = self.server_info
        return Message(
            Kind.RESULT,
            jsonrpc.result(0, with_meta(result, **{SERVER_INFO_KEY: info}) if info else result),
        )

    def _begin(self, method: str, params: dict[str, Any], caller: Caller, level: Any) -> BackCall:
        async def work(call: BackCall) -> Message:
            held = self._for(call.caller)
            call.on_side = lambda message: held.aside(held.backend.link, call, message)
            held.calls.add(call)
            held.busy += 1
            try:
                await held.ready(level)
                return await self.tasks.run(held, method, params, call)
            finally:
                held.busy -= 1
                held.calls.discard(call)

        call = BackCall(self.services, self.upstream.id, caller, work)
        call.name = str(params.get("name", params.get("uri", "")))
        return call

    # Listening

    async def listen(
        self, filters: dict[str, Any], params: dict[str, Any], caller: Caller, observer: CallObserver
    ) -> Message:
        """Let the observer hear what it asked for, first what was honoured; until the session breaks.

        Raises UpstreamError. List changes come from keepgate's own session, whose lists these are, and from the
        principal's; resource updates from the principal's.
        """
        declared = self.capabilities
        flags = {
            flag: True
            for flag, method in LISTEN_FLAGS.items()
            if filters.get(flag) is True and _promises(declared, CAPABILITY[CHANGED[method][0]])
        }
        uris = (
            filters.get("resourceSubscriptions", []) if _promises(declared, "resources", "subscribe") else []
        )
        ear = Ear(observer, (LISTEN_FLAGS[flag] for flag in flags), uris)
        held = self._for(caller) if flags or uris else self._own
        held.busy += 1
        taken: list[str] = []
        try:
            await self._own.backend.live()
            await held.backend.live()
            with self._own.heard_by(ear), held.heard_by(ear):
                taken = await held.subscribe(uris) if uris else []
                honoured = {**flags, **({"resourceSubscriptions": taken} if taken else {})}
                observer.message(
                    Message(
                        Kind.NOTIFICATION, jsonrpc.notification(ACKNOWLEDGED, {"notifications": honoured})
                    )
                )
                await ear.broken
        finally:
            held.busy -= 1
            if ear.whole:
                held.unsubscribe(taken)
        raise AssertionError  # a session ends by breaking

    # Ends

    async def sweep(self, older_than: float) -> None:
        """Close sessions unused since `older_than` (monotonic seconds)."""
        for held in [held for own in self._held.values() for held in own]:
            if held.used < older_than and not held.busy:
                self._let_go(held)

    async def retire(self) -> None:
        """The server is not configured any more: calls that run may end, what is parked and tasks have no way back."""
        self.parking.close(self)
        await self.tasks.close()
        every = [self._own, *(held for own in self._held.values() for held in own)]
        self._held = {}
        for held in every:
            held.deafen(UpstreamError("closed", f"server `{self.upstream.id}` is no longer configured"))
        await asyncio.gather(*(held.close() for held in every if not held.busy))

    async def close(self) -> None:
        """Close every session. Never raises."""
        await self.tasks.close()
        if self.parking.close(self):
            await asyncio.sleep(PARTING)
        every = [self._own, *(held for own in self._held.values() for held in own)]
        self._held = {}
        await asyncio.gather(*(held.close() for held in every), self._closing.drain(CLOSING))


def _level(params: dict[str, Any]) -> Any:
    meta = params.get("_meta")
    return meta.get(LOG_LEVEL_KEY) if isinstance(meta, dict) else None


def _promises(capabilities: dict[str, Any], name: str, flag: str = "listChanged") -> bool:
    declared = capabilities.get(name)
    return isinstance(declared, dict) and declared.get(flag) is True
