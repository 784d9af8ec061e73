"""A gateway in one process: real objects of ours, an audit log in memory and servers that are plain functions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keepgate.audit.record import Entry
from keepgate.config import Document
from keepgate.config.inspection import guards_of
from keepgate.decide.chain import Guard
from keepgate.gateway.budgets import Budgets
from keepgate.gateway.flows import Flows
from keepgate.gateway.gateway import Gateway, Keys, Outside
from keepgate.gateway.settings import Identity, Limits, ServerSettings
from keepgate.model.access import Principal
from keepgate.model.errors import AuditError, UpstreamError
from keepgate.policy.engine import Engine
from keepgate.policy.observe import Observing
from keepgate.policy.roles import Grant, Role
from keepgate.ports import Approver, Sink
from keepgate.protocol import jsonrpc

INSPECTION = guards_of(Document(version=1))
"""As the product has it without any configuration."""
ALICE, BOB = Principal("key:alice", "key"), Principal("key:bob", "key")
STATELESS = "2026-07-28"


class MemoryLog:
    """ports.AuditLog that can be told to fail."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.broken = False

    def append(self, entry: Entry) -> int:
        if self.broken:
            raise AuditError("audit", "full")
        self.entries.append(entry)
        return len(self.entries)

    async def durable(self, seq: int) -> None:
        if self.broken:
            raise AuditError("audit", "full")

    def close(self) -> None: ...

    def methods(self) -> list[str]:
        return [entry.method for entry in self.entries]


class NoKeys:
    """ports.KeyRing in which a key is its own name."""

    def authenticate(self, presented: str) -> Principal | None:
        return Principal(f"key:{presented}", "key") if presented in ("alice", "bob") else None

    def live(self, principal: Principal) -> bool:
        return True


@dataclass
class FakeServer:
    """ports.Connector and the server behind it: `reply` makes the result of a request, or None for no answer yet."""

    era: str
    reply: Callable[[str, dict[str, Any]], dict[str, Any] | None]
    duplex: bool = True
    channels: list[FakeChannel] = field(default_factory=list)
    kind: str = "stdio"
    closed: bool = False
    rested: bool = False

    def channel(self, *, era: str) -> FakeChannel:
        self.channels.append(FakeChannel(self))
        return self.channels[-1]

    def fallback(self, failure: UpstreamError) -> None: ...

    def close(self) -> None:
        self.closed = True

    def rest(self) -> None:
        self.rested = True

    @property
    def alive(self) -> int:
        return sum(not channel.ended for channel in self.channels)

    def asked(self, method: str) -> list[dict[str, Any]]:
        return [sent for channel in self.channels for sent in channel.sent if sent.get("method") == method]


class FakeChannel:
    """ports.Channel and ports.Stream."""

    session_id = ""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.duplex = server.duplex
        self.sent: list[dict[str, Any]] = []
        self.calls: list[Sink] = []
        self.ended = False

    async def open(self, sink: Sink) -> None:
        self.sink = sink

    def request(self, payload: bytes, headers: Mapping[str, str], sink: Sink) -> FakeChannel:
        message = jsonrpc.decode(payload).body
        self.sent.append(message)
        self.calls.append(sink)
        result = self.server.reply(message["method"], message.get("params", {}))
        if result is not None:
            kind = "error" if "code" in result else "result"
            self.say({"jsonrpc": "2.0", "id": message["id"], kind: result}, sink)
        return self

    def say(self, body: dict[str, Any], sink: Sink | None = None) -> None:
        """The server sends something: on a pipe to whom the pipe belongs, else on the stream given."""
        to = self.sink if self.duplex or sink is None else sink
        asyncio.get_running_loop().call_soon(to.message, jsonrpc.encode(body))

    async def notify(self, payload: bytes, headers: Mapping[str, str]) -> None:
        self.sent.append(jsonrpc.decode(payload).body)

    def listen(self, headers: Mapping[str, str]) -> None: ...
    def cancel(self) -> None: ...
    def finished(self) -> None: ...

    async def close(self) -> None:
        self.ended = True


def discovered(capabilities: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"resultType": "complete", "capabilities": capabilities, "supportedVersions": [STATELESS], **more}


def initialized(capabilities: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "protocolVersion": "2025-11-25",
        "capabilities": capabilities,
        "serverInfo": {"name": "s", "version": "1"},
    }


def settings(name: str, server: FakeServer) -> ServerSettings:
    revision = STATELESS if server.era == "stateless" else "2025-11-25"
    return ServerSettings(name, server, f"{name}_", revision, source=server)


def gateway_of(
    servers: Mapping[str, FakeServer],
    grants: Mapping[str, Sequence[str]],
    *,
    limits: Limits | None = None,
    sync: bool = False,
    inspection: Sequence[Guard] = INSPECTION,
    policy: Engine | Observing | None = None,
    budgets: Budgets | None = None,
    flows: Flows | None = None,
    leading: Sequence[Guard] = (),
    approver: Approver | None = None,
) -> tuple[Gateway, MemoryLog]:
    """The gateway with one role for each principal, or with this policy."""
    log = MemoryLog()
    roles = {f"r{number}": Role(allow=tuple(allow)) for number, allow in enumerate(grants.values())}
    given = [Grant(to, f"r{number}") for number, to in enumerate(grants)]
    policy = policy or Engine.compile(roles, given)
    gateway = Gateway(
        [settings(name, server) for name, server in servers.items()],
        policy,
        Outside(log, NoKeys(), time.time_ns, time.monotonic, approver=approver),
        Keys(b"a" * 32, b"b" * 32),
        limits or Limits(),
        Identity(),
        anonymous="anonymous" in grants,
        sync=sync,
        inspection=inspection,
        budgets=budgets,
        flows=flows,
        leading=leading,
    )
    return gateway, log


class Heard:
    """gateway.caller.Outlet that keeps what it gets."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []

    def opened(self, *, streaming: bool) -> None: ...
    def interrupted(self, retry_ms: int) -> None: ...

    def message(self, body: dict[str, Any]) -> bool:
        self.messages.append(body)
        return True

    def reply(self, body: dict[str, Any], result: bytes | None = None) -> None:
        self.answers.append(body)

    def abandon(self) -> None: ...


def stateless(method: str, params: Mapping[str, Any] | None = None, *, number: int = 1) -> bytes:
    """A stateless request as bytes."""
    prefix = "io.modelcontextprotocol/"
    meta = {f"{prefix}protocolVersion": STATELESS, f"{prefix}clientCapabilities": {}}
    given = params or {}
    return jsonrpc.encode(
        jsonrpc.request(number, method, {**given, "_meta": {**given.get("_meta", {}), **meta}})
    )


async def ask(
    gateway: Gateway,
    principal: Principal,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    mount: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The reply to one stateless request."""
    heard = Heard()
    message = jsonrpc.decode(stateless(method, params))
    work = gateway.stateless.request(message, principal, mount, headers, heard)
    await asyncio.wait_for(work, 5)
    (answer,) = heard.answers
    return answer


class Pipe:
    """A client on a pipe."""

    def __init__(self, gateway: Gateway, principal: Principal) -> None:
        self.got: list[Any] = []
        self.front = gateway.pipe(principal, None, self._take)

    def _take(self, raw: bytes) -> bool:
        self.got.append(jsonrpc.parse(raw))
        return True

    def say(self, body: Any) -> None:
        self.front.receive(jsonrpc.encode(body))

    async def initialize(
        self, capabilities: Mapping[str, Any] | None = None, revision: str = "2025-11-25"
    ) -> None:
        params = {
            "protocolVersion": revision,
            "capabilities": capabilities or {},
            "clientInfo": {"name": "c", "version": "1"},
        }
        self.say(jsonrpc.request(0, "initialize", params))
        await self.until(lambda: self.answer(0))
        self.say(jsonrpc.notification("notifications/initialized"))
        await asyncio.sleep(0.01)

    def answer(self, number: int) -> Any:
        return next(
            (m for m in self.got if isinstance(m, dict) and m.get("id") == number and "method" not in m), None
        )

    def heard(self, method: str) -> list[dict[str, Any]]:
        return [m for m in self.got if isinstance(m, dict) and m.get("method") == method]

    async def until(self, true: Callable[[], Any], seconds: float = 5.0) -> Any:
        async with asyncio.timeout(seconds):
            while not (found := true()):
                await asyncio.sleep(0.005)
        return found
