"""Servers with tasks that are plain functions, and callers that declare the extension."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from keepgate.gateway.gateway import Gateway
from keepgate.model.access import Principal
from keepgate.protocol import jsonrpc, tasks
from tests.gateway.lab import STATELESS, FakeServer, Heard, discovered, initialized

ALL = {"key:alice": ["*/*"], "key:bob": ["*/*"]}
META = "io.modelcontextprotocol/"
ON = {"extensions": {tasks.EXTENSION: {}}, "elicitation": {}}
OLD = {"tasks": {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}}
SAYS = {"content": [{"type": "text", "text": "done"}]}


def alone(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test on a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 90))

    return run


class Tasks:
    """A server that makes a task of every call of `job`, and numbers them from 1 as a naive one does."""

    def __init__(self, era: str = "stateless", **more: Any) -> None:
        self.era = era
        self.made: dict[str, dict[str, Any]] = {}
        self.number = 0
        self.more = more
        """More fields of each task."""
        self.instead: dict[str, Any] = {}
        """Method to what to answer instead."""
        self.server = FakeServer(era, self.reply)

    def reply(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method in self.instead:
            found = self.instead[method]
            return found(params) if callable(found) else found
        if method == "server/discover":
            return discovered({"tools": {}, "extensions": {tasks.EXTENSION: {}}})
        if method == "initialize":
            return initialized({"tools": {}, **OLD})
        if method == "tools/list":
            listed = [{"name": name, "inputSchema": {"type": "object"}} for name in ("job", "other")]
            return self.done(tools=listed)
        if method == "tools/call":
            return self.call(params)
        if method == "tasks/list":
            return {"tasks": list(self.made.values())}
        task = self.made.get(params["taskId"])
        if task is None:
            return {"code": jsonrpc.INVALID_PARAMS, "message": "the server knows no such task"}
        if method == "tasks/result":
            return {**SAYS, "_meta": {tasks.RELATED_KEY: {"taskId": params["taskId"]}}}
        if method == "tasks/get" or self.era == "handshake":
            return self.done(**task)
        return self.done()

    def done(self, **fields: Any) -> dict[str, Any]:
        return {"resultType": "complete", **fields} if self.era == "stateless" else fields

    def call(self, params: dict[str, Any]) -> dict[str, Any]:
        as_task = tasks.may_create("tools/call", params) if self.era == "stateless" else "task" in params
        if params["name"] != "job" or not as_task:
            return self.done(**SAYS)
        self.number += 1
        own = str(self.number)
        times = {"ttlMs": 60_000} if self.era == "stateless" else {"ttl": 60_000}
        self.made[own] = {"taskId": own, "status": "working", **times, **self.more}
        if self.era == "handshake":
            return {"task": self.made[own]}
        return {"resultType": "task", **self.made[own]}

    def turn(self, own: str, status: str, **fields: Any) -> None:
        self.made[own] = {**self.made[own], "status": status, **fields}

    def asked(self, method: str) -> list[dict[str, Any]]:
        return self.server.asked(method)


def request(method: str, params: dict[str, Any], capabilities: dict[str, Any], number: int = 1) -> Any:
    """A stateless request, parsed."""
    meta = {f"{META}protocolVersion": STATELESS, f"{META}clientCapabilities": capabilities}
    return jsonrpc.decode(jsonrpc.encode(jsonrpc.request(number, method, {**params, "_meta": meta})))


async def call(
    gateway: Gateway,
    who: Principal,
    method: str,
    params: dict[str, Any] | None = None,
    *,
    capabilities: dict[str, Any] | None = None,
    mount: str | None = None,
) -> dict[str, Any]:
    """The reply to a stateless request that declares the extension."""
    heard = Heard()
    message = request(method, params or {}, ON if capabilities is None else capabilities)
    await asyncio.wait_for(gateway.stateless.request(message, who, mount, None, heard), 5)
    (answer,) = heard.answers
    return answer


async def make(gateway: Gateway, who: Principal, name: str = "a_job", mount: str | None = None) -> str:
    """The id of a task that a call has just made."""
    result = (await call(gateway, who, "tools/call", {"name": name, "arguments": {}}, mount=mount))["result"]
    assert result["resultType"] == "task", result
    return str(result["taskId"])
