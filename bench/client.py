"""A real client, the official SDK's, makes sure that a contender works before it is measured."""

import asyncio
import ssl
from contextlib import AsyncExitStack
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from bench.contender import Running
from bench.processes import UnfitError
from bench.scenarios import HANDSHAKE, Scenario

WORDS = 'grüße, "quoted"\nand 世界'


async def call(running: Running, scenario: Scenario) -> None:
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    steps = 0

    async def progress(*_: Any) -> None:
        nonlocal steps
        steps += 1

    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(
            httpx2.AsyncClient(headers=running.headers, verify=unverified, timeout=30, trust_env=False)
        )
        mode = "legacy" if scenario.handshake else scenario.revision
        transport = streamable_http_client(running.url, http_client=web)
        client = await stack.enter_async_context(Client(transport, mode=mode))
        tool = running.tool or scenario.tool
        try:
            done = await client.call_tool(tool, {"text": WORDS}, progress_callback=progress)
        except MCPError as e:
            if scenario.denied:
                return
            raise UnfitError(f"answers a call with an error: {e}") from None
        if scenario.denied:
            raise UnfitError("answers a call that it was to deny")
        if not done.content or getattr(done.content[0], "text", "") != WORDS:
            raise UnfitError(f"answers with another text: {str(done.content)[:200]}")
        for _ in range(50):  # the callbacks run beside the answer
            if steps >= scenario.events - 1:
                return
            await asyncio.sleep(0.1)
        raise UnfitError(f"passes {steps} of {scenario.events - 1} progress notifications on")


def check(running: Running, scenario: Scenario, patience: float = 60.0) -> None:
    """One call must come back with its own text, or be denied where it is to be. Raises `UnfitError`."""
    try:
        asyncio.run(asyncio.wait_for(call(running, scenario), patience))
    except (Exception, BaseExceptionGroup) as e:
        cause = first(e)
        if isinstance(cause, UnfitError):
            raise cause from None
        raise UnfitError(f"does not work with a real client: {cause!r}"[:300]) from None


def first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def sessions(running: Running, scenario: Scenario) -> list[str]:
    """Open as many sessions as there are connections; a server without sessions gives none."""
    if not scenario.handshake:
        return []
    about = {
        "protocolVersion": HANDSHAKE,
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    }
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": HANDSHAKE}
    found = []
    with httpx2.Client(headers=headers | running.headers, timeout=60, trust_env=False, verify=False) as web:
        for _ in range(scenario.connections):
            hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}
            reply = web.post(running.url, json=hello)
            name = reply.headers.get("mcp-session-id")
            done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            web.post(running.url, json=done, headers={"Mcp-Session-Id": name} if name else {})
            if name:
                found.append(name)
    return found
