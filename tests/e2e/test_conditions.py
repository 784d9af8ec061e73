"""Conditions on arguments, time and login: every example of docs/policy.md, over real connections and in the log."""

import asyncio
import contextlib
import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from keepgate import config
from keepgate.compose import policy_of
from keepgate.policy.recorded import recorded
from keepgate.stores.audit import load_kek
from keepgate.stores.audit.payloads import Payloads
from tests.e2e.client import FRONTS, conversation
from tests.e2e.faults import DONE, failed, texts, until
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.brain import Table
from tests.e2e.upstreams.start import over_http, over_stdio

eras = pytest.mark.parametrize("era", FRONTS)

TEXT, NUMBER = {"type": "string"}, {"type": "number"}
TOOLS = {
    "write": {"path": TEXT},
    "query": {"sql": TEXT},
    "send": {"to": {"type": "array", "items": TEXT}, "cc": {"type": "array", "items": TEXT}},
    "search": {"limit": {"type": "integer"}},
    "day": {},
    "night": {},
    "pay": {"payment": {"type": "object", "properties": {"amount": NUMBER}}},
    "typed": {"limit": {"type": "integer"}, "mode": TEXT},
    "mistyped": {"limit": TEXT},
}


def hours(first: int, last: int) -> str:
    """A span of the day in UTC, in hours from now."""
    now = datetime.now(UTC)
    return "-".join(f"{(now + timedelta(hours=each)):%H:%M}" for each in (first, last))


def allowed() -> list:
    def under(tool: str, **when) -> dict:
        return {"use": f"*/{tool}", "when": when}

    company = {"domains": ["example.com"]}
    return [
        under("write", arguments={"path": {"below": "/srv/data"}}),
        under("query", arguments={"sql": {"statements": ["select"]}}),
        under("send", arguments={"to": company, "cc": company | {"absent": True}}),
        under("search", arguments={"limit": {"at_most": 100}}),
        under("day", hours=hours(-2, 2)),
        under("night", hours=hours(2, 4)),
        "*/pay",
    ]


ACCESS = {
    "roles": {
        "user": {
            "allow": allowed(),
            "ask": [{"use": "*/pay", "when": {"arguments": {"payment.amount": {"above": 1000}}}}],
        }
    },
    "grants": [{"to": "anonymous", "role": "user"}],
    "policies": ["expert.cedar"],
}
EXPERT = """// limits of the typed tools
@id("typed-limit")
permit (principal, action == Action::"call_tool", resource in Server::"sl")
when { resource.name like "*typed" && context.input.limit <= 10 };
"""

CASES = [
    ("write", {"path": "/srv/data/a/b.txt"}, True),
    ("write", {"path": "/srv/data/a/../b.txt"}, True),
    ("write", {"path": "/srv/data/../etc/passwd"}, False),
    ("write", {"path": "/srv/data/%2e%2e/%2e%2e/etc/passwd"}, False),
    ("write", {"path": "/srv/database"}, False),
    ("write", {}, False),
    ("query", {"sql": "SELECT name FROM users WHERE id = 1"}, True),
    ("query", {"sql": "SELECT 1; DROP TABLE users"}, False),
    ("query", {"sql": "WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone"}, False),
    ("query", {"sql": "SELECT * INTO copy FROM users"}, False),
    ("send", {"to": ["a@example.com", "b@mail.example.com"]}, True),
    ("send", {"to": ["a@example.com"], "cc": ["c@example.com"]}, True),
    ("send", {"to": ["a@example.com", "b@evil.example"]}, False),
    ("send", {"to": ["a@example.com"], "cc": ["b@example.com.evil.example"]}, False),
    ("send", {"to": ["a@example.com\nBcc: b@evil.example"]}, False),
    ("search", {"limit": 100}, True),
    ("search", {"limit": 101}, False),
    ("search", {}, False),
    ("day", {}, True),
    ("night", {}, False),
    ("pay", {"payment": {"amount": 1000}}, True),
    ("pay", {"payment": {"amount": 1000.01}}, False),
    ("pay", {"payment": {}}, False),
    ("typed", {"limit": 10}, True),
    ("typed", {"limit": 11}, False),
    ("mistyped", {"limit": "1"}, False),
]


def offering(era: str) -> Table:
    tools = [
        {"name": name, "inputSchema": {"type": "object", "properties": properties}}
        for name, properties in TOOLS.items()
    ]
    for tool in tools[-2:]:
        tool["inputSchema"]["required"] = ["limit"]
    return Table(era=era, lists={"tools/list": tools}, results={"tools/call": dict.fromkeys(TOOLS, DONE)})


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    directory = tmp_path_factory.mktemp("conditions")
    (directory / "expert.cedar").write_text(EXPERT)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(over_http(directory, "sl", offering("stateless")))
        yield stack.enter_context(gate_before(directory, [server], access=ACCESS, content={"inspect": False}))


@eras
@conversation
async def test_what_meets_its_condition_is_done_and_nothing_else(office, era):
    client = await FRONTS[era](office.mount("sl")).initialize()
    listed = (await client.call("tools/list"))["result"]["tools"]
    assert {tool["name"] for tool in listed} == set(TOOLS), "what can be allowed is listed"
    for tool, arguments, allowed in CASES:
        since = office.record("sl").mark()
        reply = await client.tool(tool, arguments)
        assert failed(reply) is not allowed, (tool, arguments, reply)
        assert bool(office.record("sl").messages("tools/call", since)) is allowed
        if not allowed and tool not in ("pay", "mistyped"):
            assert "a condition on" in texts(reply), "one who may see the tool is told why"


@conversation
async def test_a_refusal_names_what_its_condition_is_about_and_no_value(office):
    client = await FRONTS["stateless"](office.mount("sl")).initialize()
    reply = texts(await client.tool("write", {"path": "/etc/passwd"}))
    assert "a condition on `path` is not met" in reply
    assert "/etc" not in reply
    assert "/srv" not in reply
    assert "a condition on the time" in texts(await client.tool("night"))
    assert "needs approval" in texts(await client.tool("pay", {"payment": {"amount": 5000}}))


def test_the_log_holds_what_policy_was_told_and_decides_the_same_again(office):
    settings = config.load(office.directory / "keepgate.yaml", env=os.environ)
    engine = policy_of(settings)
    declared = {tool["name"]: tool["inputSchema"] for tool in offering("stateless").lists["tools/list"]}
    found = {}
    for opened in Payloads(settings.state, load_kek(settings.state, {})).opened():
        each = recorded(opened.record, opened.envelope, opened.principal)
        if each is not None:
            each.request.context["schema"] = declared[each.request.resource.name]
            again = engine.decide(each.request)
            assert again.effect is each.effect
            # What was asked for has an approval beside the rules.
            assert (engine.hash, again.rules) == (each.policy, each.rules[: len(again.rules)])
            found[json.dumps([each.request.resource.name, each.request.context["arguments"]])] = each
    assert len(found) >= len(CASES)
    told = found['["write", {"path": "/srv/data/a/../b.txt"}]'].request.context["told"]
    assert told == {"facts": {"path": {"within": ["/", "/srv", "/srv/data", "/srv/data/b.txt"]}}}


@conversation
async def test_policy_files_are_followed_and_a_wrong_one_is_not_used(tmp_path):
    access = {
        "roles": {"user": {"allow": ["*/search"]}},
        "grants": [{"to": "anonymous", "role": "user"}],
        "policies": ["rules/limit.cedar"],
    }
    (tmp_path / "rules").mkdir()
    file = tmp_path / "rules" / "limit.cedar"
    file.write_text("")
    server = over_stdio(tmp_path, "db", offering("stateless"))
    with gate_before(tmp_path, [server], access=access) as gate:
        client = await FRONTS["stateless"](gate.mount("db")).initialize()
        assert not failed(await client.tool("search", {"limit": 7}))

        most = "forbid (principal, action, resource) when {{ context.facts has limit.most && {} }};"
        file.write_text(most.format('context.facts.limit.most.greaterThan(decimal("5.0"))'))
        await until(lambda: "configuration reloaded: policies" in gate.process.output(), "the file is used")
        assert failed(await client.tool("search", {"limit": 7}))
        assert not failed(await client.tool("search", {"limit": 5}))

        file.write_text("// first\n" + most.format("context.facts.limit.most > 5"))
        await until(lambda: "the last good one stays" in gate.process.output(), "it says that it is wrong")
        assert "rules/limit.cedar:2: `rules/limit.cedar:2`: unexpected type" in gate.process.output()
        assert failed(await client.tool("search", {"limit": 7})), "the last good one stays"
        await asyncio.to_thread(file.unlink)
        await until(lambda: gate.process.output().count("the last good one stays") == 2, "nor without it")
        assert failed(await client.tool("search", {"limit": 7}))
