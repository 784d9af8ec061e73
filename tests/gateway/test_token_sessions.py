"""What is open while a token runs out, and what a session makes of the next one."""

import asyncio
import time
from dataclasses import replace

import pytest

from keepgate.model.access import Authentication, Principal
from keepgate.model.errors import RemoteError
from keepgate.protocol import jsonrpc
from tests.gateway.lab import FakeServer, Heard, discovered, gateway_of, initialized, stateless

ALICE = Principal(
    "oauth:corp/alice/cursor",
    "oauth",
    groups=("staff",),
    user="alice",
    client="cursor",
    auth=Authentication("corp", until=time.time() + 86_400),
)


def expired(principal):
    return replace(principal, auth=replace(principal.auth, until=time.time() - 1))


class Live:
    """ports.EventStream."""

    def __init__(self):
        self.sent, self.closed = [], False

    def send(self, data, event_id=None, event=None, retry=None):
        self.sent.append(data)
        return True

    def close(self):
        self.closed = True


TOOLS = {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}


def handshake_server(method, params):
    return {"initialize": initialized({"tools": {}}), "tools/list": TOOLS}.get(method, {"content": []})


def stateless_server(method, params):
    if method == "subscriptions/listen":
        return None
    return discovered({"tools": {"listChanged": True}}) if method == "server/discover" else TOOLS


def test_an_expired_token_ends_its_stream_and_not_its_session():
    async def work():
        gateway, log = gateway_of({"s": FakeServer("handshake", handshake_server)}, {"user:alice": ["*/*"]})
        session = gateway.sessions.new(ALICE, None)
        first, second = Live(), Live()
        session.standing.attach(first)
        gateway._end_dead_keys()
        assert not first.closed
        gateway.sessions.find(session.id, expired(ALICE), None)
        gateway._end_dead_keys()
        assert first.closed
        session.push(jsonrpc.notification("notifications/tools/list_changed"))
        fresh = gateway.sessions.find(session.id, ALICE, None)
        fresh.standing.attach(second)
        assert len(second.sent) == 1  # what came in between is not lost
        gateway._end_dead_keys()
        assert not second.closed
        assert "auth.ended" not in log.methods()
        await gateway.close(0)

    asyncio.run(work())


def test_an_expired_token_ends_its_listen():
    async def work():
        gateway, _ = gateway_of({"s": FakeServer("stateless", stateless_server)}, {"user:alice": ["*/*"]})
        heard = Heard()
        params = {"notifications": {"toolsListChanged": True}}
        message = jsonrpc.decode(stateless("subscriptions/listen", params))
        listening = asyncio.create_task(gateway.stateless.request(message, expired(ALICE), None, None, heard))
        async with asyncio.timeout(5):
            while not heard.messages:
                await asyncio.sleep(0.005)
            assert not heard.answers
            gateway._end_dead_keys()
            await listening
        assert len(heard.answers) == 1
        await gateway.close(0)

    asyncio.run(work())


def test_a_session_takes_what_the_newest_token_says_of_its_principal():
    async def work():
        server = FakeServer("handshake", handshake_server)
        gateway, _ = gateway_of({"s": server}, {"group:staff": ["*/*"]})
        session = gateway.sessions.new(ALICE, None)
        request = jsonrpc.decode(
            jsonrpc.encode(
                jsonrpc.request(
                    0,
                    "initialize",
                    {
                        "protocolVersion": "2025-11-25",
                        "capabilities": {},
                        "clientInfo": {"name": "c", "version": "1"},
                    },
                )
            )
        )
        await session.initialize(request)
        session.notification(
            jsonrpc.decode(jsonrpc.encode(jsonrpc.notification("notifications/initialized")))
        )

        async def call(principal):
            heard = Heard()
            found = gateway.sessions.find(session.id, principal, None)
            caller = found.caller
            gateway.sessions.find(session.id, ALICE, None)  # another request comes before this one runs
            body = jsonrpc.request(1, "tools/call", {"name": "s_t", "arguments": {}})
            await found.request(jsonrpc.decode(jsonrpc.encode(body)), heard, caller)
            return heard.answers[0]

        assert "result" in await call(ALICE)
        assert "Unknown tool" in (await call(replace(ALICE, groups=())))["error"]["message"]
        assert "result" in await call(ALICE)
        await gateway.close(0)

    asyncio.run(work())


@pytest.mark.parametrize(
    "other",
    [
        replace(ALICE, id="oauth:partner/alice/cursor"),
        replace(ALICE, id="oauth:corp/alice/other"),
        replace(ALICE, id="oauth:corp/alice/cursor/agent"),
        Principal("key:cursor", "key"),
    ],
    ids=lambda principal: principal.id,
)
def test_a_session_is_nobody_elses(other):
    async def work():
        gateway, _ = gateway_of({}, {})
        session = gateway.sessions.new(ALICE, None)
        with pytest.raises(RemoteError) as caught:
            gateway.sessions.find(session.id, other, None)
        assert caught.value.status == 404
        assert session.principal is ALICE
        await gateway.close(0)

    asyncio.run(work())
