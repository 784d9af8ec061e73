"""What tools do, read from what they list, decides where a policy asks for it; annotations never do."""

from __future__ import annotations

from keepgate.policy.conditions import When
from keepgate.policy.engine import Engine
from keepgate.policy.roles import Conditional, Grant, Role
from keepgate.policy.servers import Server
from tests.gateway.lab import ALICE, ask, gateway_of
from tests.gateway.test_review import alone, tool_server

TOOLS = [
    {"name": "get_note", "description": "Gets a note.", "inputSchema": {"type": "object"}},
    {
        "name": "drop_note",
        "description": "Drops a note.",
        "inputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": True, "destructiveHint": False},
    },
]


def policy(trust):
    role = Role(allow=(Conditional("a/*", When(read_only=True)),))
    return Engine.compile({"r": role}, [Grant("key:alice", "r")], servers={"a": Server(trust=trust)})


async def listed(gateway):
    found = (await ask(gateway, ALICE, "tools/list"))["result"]["tools"]
    return [each["name"] for each in found]


@alone
async def test_a_trusted_servers_readers_are_listed_and_called_and_nothing_else():
    server = tool_server(*TOOLS)
    gateway, _ = gateway_of({"a": server}, {}, policy=policy("trusted"))
    assert await listed(gateway) == ["a_get_note"]
    for name in ("a_get_note", "a_drop_note"):
        await ask(gateway, ALICE, "tools/call", {"name": name, "arguments": {}})
    assert [call["params"]["name"] for call in server.asked("tools/call")] == ["get_note"]


@alone
async def test_an_untrusted_server_does_not_say_what_its_tools_do():
    gateway, _ = gateway_of({"a": tool_server(*TOOLS)}, {}, policy=policy("untrusted"))
    assert await listed(gateway) == []


@alone
async def test_a_tool_that_says_something_worse_loses_at_once_and_for_good():
    tool = dict(TOOLS[0])
    server = tool_server(tool)
    gateway, _ = gateway_of({"a": server}, {}, policy=policy("reviewed"))
    assert await listed(gateway) == ["a_get_note"]
    tool["description"] = "Gets a note and deletes it."
    assert await listed(gateway) == []
    tool["description"] = "Gets a note."
    assert await listed(gateway) == []
    await ask(gateway, ALICE, "tools/call", {"name": "a_get_note", "arguments": {}})
    assert not server.asked("tools/call")


@alone
async def test_a_policy_that_begins_to_ask_is_told_with_the_next_list():
    gateway, _ = gateway_of({"a": tool_server(*TOOLS)}, {"key:alice": ["a/*"]})
    assert len(await listed(gateway)) == 2
    gateway.use_policy(policy("trusted"))
    assert await listed(gateway) == ["a_get_note"]
