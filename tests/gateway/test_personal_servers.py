"""A server that knows each user, in a gateway: lists, calls and ends of one principal are not another's."""

import asyncio
from dataclasses import replace
from functools import partial

from keepgate.model.quarantine import Held, Hold
from keepgate.protocol import jsonrpc
from tests.gateway.lab import (
    ALICE,
    BOB,
    FakeServer,
    Pipe,
    ask,
    discovered,
    gateway_of,
    initialized,
    settings,
)

GRANTS = {"key:alice": ["*/*"], "key:bob": ["*/*"]}


def account(name, era):
    """What one user sees at the server."""

    def reply(method, params):
        tools = {"tools": [{"name": f"of_{name}", "inputSchema": {"type": "object"}}]}
        answers = {
            "server/discover": discovered({"tools": {}}),
            "initialize": initialized({"tools": {}}),
            "tools/list": tools | ({"resultType": "complete"} if era == "stateless" else {}),
            "tools/call": {
                "content": [{"type": "text", "text": f"private to {name}"}],
                "resultType": "complete",
            },
        }
        return answers.get(method, {})

    return FakeServer(era, reply, duplex=False, kind="http")


class Crm:
    """One configured server with an account for each principal."""

    def __init__(self, era="stateless"):
        self.accounts = {
            principal.id: account(principal.id.removeprefix("key:"), era) for principal in (ALICE, BOB)
        }
        self.pattern = account("nobody", era)

    def settings(self, version=1):
        made = settings("crm", self.pattern)
        return replace(made, personal=lambda principal: self.accounts[principal.id], source=version)


def in_gateway(test, era="stateless"):
    async def work():
        crm = Crm(era)
        gateway, log = gateway_of({}, GRANTS)
        await gateway.use_servers([crm.settings()])
        try:
            await test(gateway, crm, log)
        finally:
            await gateway.close(0)

    asyncio.run(work())


def names(answer):
    return [tool["name"] for tool in answer["result"]["tools"]]


def test_each_lists_and_calls_what_is_its_own():
    async def test(gateway, crm, log):
        lists = await asyncio.gather(*(ask(gateway, who, "tools/list") for who in (ALICE, BOB, ALICE)))
        assert [names(each) for each in lists] == [["crm_of_alice"], ["crm_of_bob"], ["crm_of_alice"]]
        call = {"name": "crm_of_alice", "arguments": {}}
        assert "private to alice" in str(await ask(gateway, ALICE, "tools/call", call))
        other = await ask(gateway, BOB, "tools/call", call)
        assert "private to alice" not in str(other)
        mine = await ask(gateway, BOB, "tools/call", {"name": "crm_of_bob", "arguments": {}})
        assert "private to bob" in str(mine)
        assert not crm.pattern.channels

    in_gateway(test)


def test_sessions_of_the_handshake_era_as_well():
    async def test(gateway, crm, log):
        pipes = [Pipe(gateway, who) for who in (ALICE, BOB)]
        shown = []
        for pipe in pipes:
            await pipe.initialize()
            pipe.say(jsonrpc.request(5, "tools/list", {}))
            shown.append(str(await pipe.until(partial(pipe.answer, 5))))
        assert ["of_alice" in each for each in shown] == [True, False]
        assert ["of_bob" in each for each in shown] == [False, True]
        assert not crm.pattern.channels

    in_gateway(test, "handshake")


def test_a_changed_server_ends_the_connections_of_all_principals():
    async def test(gateway, crm, log):
        for who in (ALICE, BOB):
            await ask(gateway, who, "tools/list")
        assert all(each.alive for each in crm.accounts.values())
        await gateway.use_servers([crm.settings(version=2)])
        assert all(each.closed and not each.alive for each in crm.accounts.values())
        await gateway.use_servers([])
        assert names(await ask(gateway, ALICE, "tools/list")) == []

    in_gateway(test)


def test_who_is_away_for_long_is_forgotten_and_comes_back():
    async def test(gateway, crm, log):
        await ask(gateway, ALICE, "tools/list")
        upstream = gateway.services.own.every()[0]
        idle = gateway.services.own.idle(float("inf"))
        assert idle in ([], [upstream])
        assert names(await ask(gateway, ALICE, "tools/list")) == ["crm_of_alice"]

    in_gateway(test)


def test_quarantine_stops_the_connections_of_all_principals():
    async def test(gateway, crm, log):
        for who in (ALICE, BOB):
            await ask(gateway, who, "tools/list")
        gateway.use_quarantine(Held((Hold("server:crm", "admin", 0.0),)))
        for who in (ALICE, BOB):
            assert "private to" not in str(
                await ask(gateway, who, "tools/call", {"name": f"crm_of_{who.id[4:]}"})
            )
        assert not any(each.asked("tools/call") for each in crm.accounts.values())
        assert all(upstream.barred for upstream in gateway.services.own.every())

    in_gateway(test)
