"""Another spelling of a listed name reaches no server: one that ignores case would do what policy denies."""

from __future__ import annotations

import pytest

from keepgate.policy.engine import Engine
from keepgate.policy.roles import Grant, Role
from tests.gateway.lab import ALICE, ask, gateway_of
from tests.gateway.test_review import alone, tool_server

TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("read", "delete")]
POLICY = Engine.compile({"all": Role(allow=("a/*",), deny=("a/delete",))}, [Grant("key:alice", "all")])


@pytest.mark.parametrize("name", ["a_Delete", "a_DELETE", "a_delete ", "a_\uff44elete", "a_de\u200blete"])
@alone
async def test_another_spelling_of_a_denied_tool_is_unknown(name):
    server = tool_server(*TOOLS)
    gateway, _ = gateway_of({"a": server}, {}, policy=POLICY)
    await ask(gateway, ALICE, "tools/list")
    hidden = await ask(gateway, ALICE, "tools/call", {"name": "a_delete", "arguments": {}})
    other = await ask(gateway, ALICE, "tools/call", {"name": name, "arguments": {}})
    assert other["error"]["code"] == hidden["error"]["code"]
    assert not server.asked("tools/call")


@alone
async def test_what_no_list_resembles_is_still_the_servers_to_answer():
    server = tool_server(*TOOLS)
    gateway, _ = gateway_of({"a": server}, {}, policy=POLICY)
    await ask(gateway, ALICE, "tools/list")
    await ask(gateway, ALICE, "tools/call", {"name": "a_unlisted", "arguments": {}})
    assert len(server.asked("tools/call")) == 1
