"""Observe mode in a running gateway: calls pass, the record and the list say what policy says."""

from keepgate.gateway.listing import OBSERVED_KEY
from keepgate.policy.engine import Engine
from keepgate.policy.observe import Observing
from keepgate.policy.roles import Grant, Role
from keepgate.protocol import jsonrpc
from tests.gateway.lab import ALICE, BOB, Pipe, ask, gateway_of
from tests.gateway.test_review import alone, handshake_server, tool_server

ROLES = {"r": Role(allow=("tool:a/seen",), ask=("tool:a/asked",))}
GRANTS = [Grant("key:alice", "r")]
TOOLS = [{"name": name, "inputSchema": {"type": "object", "required": ["x"]} if name == "strict" else {}} for name in
         ("seen", "asked", "unseen", "strict")]  # fmt: skip


def watched(*servers: str) -> Observing:
    return Observing(Engine.compile(ROLES, GRANTS), ROLES, GRANTS, servers)


def lab(policy=None):
    server = tool_server(*TOOLS)
    gateway, log = gateway_of({"a": server}, {}, policy=policy or watched("a"))
    return server, gateway, log


@alone
async def test_what_policy_refuses_passes_and_is_recorded():
    server, gateway, log = lab()
    for name, said in (("unseen", "deny"), ("asked", "ask"), ("seen", "")):
        answer = await ask(gateway, ALICE, "tools/call", {"name": f"a_{name}", "arguments": {}})
        assert "result" in answer, answer
        entry = next(e for e in log.entries if e.kind == "request" and e.name == name)
        assert (entry.effect, entry.observed) == ("allow", said)
        assert ("observe mode, policy says" in entry.reason) is bool(said)
    assert len(server.asked("tools/call")) == 3


@alone
async def test_the_list_marks_what_only_observe_mode_shows_and_its_record_counts_it():
    _, gateway, log = lab()
    answer = await ask(gateway, ALICE, "tools/list")
    shown = {tool["name"]: tool.get("_meta", {}) for tool in answer["result"]["tools"]}
    assert {name for name, meta in shown.items() if meta.get(OBSERVED_KEY)} == {"a_unseen", "a_strict"}
    assert set(shown) == {"a_seen", "a_asked", "a_unseen", "a_strict"}
    (entry,) = [e for e in log.entries if e.kind == "result" and e.name == "tools/list"]
    assert "2 items are shown by observe mode only" in entry.reason
    assert entry.observed == "deny"


@alone
async def test_nothing_is_marked_where_nothing_is_observed():
    _, gateway, log = lab(Engine.compile(ROLES, GRANTS))
    answer = await ask(gateway, ALICE, "tools/list")
    assert [tool["name"] for tool in answer["result"]["tools"]] == ["a_seen", "a_asked"]
    assert not any(tool.get("_meta") for tool in answer["result"]["tools"])
    assert not any(entry.observed for entry in log.entries)
    assert "error" in await ask(gateway, BOB, "tools/call", {"name": "a_seen", "arguments": {}})


@alone
async def test_schemas_and_limits_are_enforced_all_the_same():
    server, gateway, log = lab()
    answer = await ask(gateway, BOB, "tools/call", {"name": "a_strict", "arguments": {}})
    assert answer["result"]["isError"] is True
    entry = next(e for e in log.entries if e.kind == "request" and e.name == "strict")
    assert (entry.effect, entry.observed) == ("deny", "deny")
    assert not server.asked("tools/call")


@alone
async def test_an_end_of_observing_is_felt_at_the_next_message():
    _, gateway, log = lab()
    assert "result" in await ask(gateway, ALICE, "tools/call", {"name": "a_unseen", "arguments": {}})
    gateway.use_policy(Engine.compile(ROLES, GRANTS))
    assert "error" in await ask(gateway, ALICE, "tools/call", {"name": "a_unseen", "arguments": {}})
    gateway.use_policy(watched("a"))
    assert log.entries[-1].reason.endswith("observe mode: server `a`")


@alone
async def test_the_start_says_what_is_observed():
    _, gateway, log = lab()
    gateway.started("keepgate")
    assert [(e.method, e.reason) for e in log.entries[-2:]] == [
        ("start", "keepgate"),
        ("policy.observed", "observe mode: server `a`"),
    ]


@alone
async def test_the_handshake_era_is_observed_as_well():
    server = handshake_server(lambda method, params: {"content": []} if method == "tools/call" else None)
    gateway, log = gateway_of({"a": server}, {}, policy=watched("a"))
    pipe = Pipe(gateway, BOB)
    await pipe.initialize()
    pipe.say(jsonrpc.request(1, "tools/call", {"name": "a_x", "arguments": {}}))
    await pipe.until(lambda: pipe.answer(1))
    assert [e.observed for e in log.entries if e.kind == "request" and e.method == "tools/call"] == ["deny"]
