"""The decisions of a log, read back by who may: and what is recorded of the reading."""

import os
from getpass import getuser

import orjson
import pytest

from keepgate import config
from keepgate.cli.recorded import READ, Decisions
from keepgate.gateway.enforce import Enforcer, Rules
from keepgate.gateway.gather import Meters
from keepgate.gateway.settings import Limits
from keepgate.model.access import Action, Authentication, Principal, Resource, ResourceKind
from keepgate.model.errors import LocalError
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction
from keepgate.model.verdict import ALLOW, Effect
from keepgate.policy.declared import Declared
from keepgate.protocol import jsonrpc
from keepgate.stores.audit import load_kek, open_log
from keepgate.stores.audit.payloads import Payloads

AUDITOR = f"""
version: 1
state: state
access:
  roles: {{auditor: {{administer: [read_payloads]}}}}
  grants: [{{to: "local:{getuser()}", role: auditor}}]
"""
ALICE = Principal(
    "oauth:i/alice/c",
    "oauth",
    groups=("devs",),
    user="alice",
    auth=Authentication("i", frozenset({"a", "b"}), "mfa", 1.5, 2.5),
)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.delenv("KEEPGATE_KEY", raising=False)

    def load(text: str = AUDITOR):
        path = tmp_path / "keepgate.yaml"
        path.write_text(text)
        return config.load(path, env=os.environ)

    return load


def call(arguments: dict) -> bytes:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    return orjson.dumps(message | {"params": {"name": "files_read", "arguments": arguments}})


@pytest.fixture
def log(settings):
    """A log as the gateway writes it."""
    state = settings().state
    log = open_log(state, load_kek(state, os.environ))
    enforcer = Enforcer(Rules((), "hash"), log, Meters(Limits(), lambda: 0.0), lambda: 10**18)
    tool = Resource(ResourceKind.TOOL, "files", "read")
    for principal in (ALICE, ALICE, Principal("key:cursor", "key")):
        message = jsonrpc.decode(call({"path": principal.id}))
        exchange = Exchange(
            message, Direction.TO_SERVER, principal, "2026-07-28", "files", Action.CALL_TOOL, tool
        )
        enforcer.record(exchange, ALLOW, "trace")
    yield log
    log.close()


def events(settings) -> list[dict]:
    payloads = Payloads(settings.state, load_kek(settings.state, os.environ))
    return [found.record for found in payloads.opened(wanted=lambda record: record["method"] == READ)]


def test_decisions_come_back_as_they_were_made(settings, log):
    decisions = Decisions(settings())
    found = list(decisions.read("a test"))
    assert [each.request.context["arguments"]["path"] for each in found] == [
        "oauth:i/alice/c",
        "oauth:i/alice/c",
        "key:cursor",
    ]
    who = found[0].request.principal
    assert (who.groups, who.user, who.auth.acr, who.auth.scopes) == (("devs",), "alice", "mfa", {"a", "b"})
    assert found[2].request.principal == Principal("key:cursor", "key")
    assert {each.effect for each in found} == {Effect.ALLOW}
    assert decisions.unreadable == 0


def test_a_reading_is_recorded_before_it_begins(settings, log):
    reading = Decisions(settings()).read("policy simulate")
    next(reading)
    (event,) = events(settings())
    assert event["verdict"] == {"effect": "allow", "reason": "policy simulate"}
    assert event["rules"] == ["auditor:administer:read_payloads"]


def test_who_was_not_given_it_reads_nothing_and_that_is_recorded(settings, log):
    text = AUDITOR.replace("administer: [read_payloads]", 'allow: ["*/*"]')
    with pytest.raises(LocalError, match=r"may not read payloads: .*administer: \[read_payloads\]"):
        next(Decisions(settings(text)).read("policy simulate"))
    (event,) = events(settings())
    assert event["verdict"]["effect"] == "deny"


def test_what_does_not_say_enough_is_counted(settings, log):
    key = next((settings().state / "audit" / "keys").glob("*"))
    key.unlink()
    decisions = Decisions(settings())
    assert len(list(decisions.read("a test"))) + decisions.unreadable == 3
    assert decisions.unreadable > 0


def test_calls_have_the_schema_that_was_last_listed(settings, log):
    """Where it is asked for: lists are read in the order of the log, and only then."""
    enforcer = Enforcer(Rules((), "hash"), log, Meters(Limits(), lambda: 0.0), lambda: 2 * 10**18)
    who = Principal("key:cursor", "key")
    asked = jsonrpc.decode(b'{"jsonrpc": "2.0", "id": 2, "method": "tools/list"}')
    enforcer.record(Exchange(asked, Direction.TO_SERVER, who, "2026-07-28"), ALLOW, "list")
    tools = [{"name": "files_read", "inputSchema": {"type": "object", "title": "then"}}]
    answer = jsonrpc.decode(orjson.dumps(jsonrpc.result(2, {"tools": tools})))
    enforcer.record(
        Exchange(answer, Direction.TO_CLIENT, who, "2026-07-28"), ALLOW, "list", name="tools/list"
    )
    later = jsonrpc.decode(call({"path": "later"}))
    tool = Resource(ResourceKind.TOOL, "files", "read")
    exchange = Exchange(later, Direction.TO_SERVER, who, "2026-07-28", "files", Action.CALL_TOOL, tool)
    enforcer.record(exchange, ALLOW, "trace")
    decisions = Decisions(settings(), declared=Declared({"files": "files_"}))
    found = list(decisions.read("a test"))
    assert [each.request.context["schema"] for each in found] == [None, None, None, tools[0]["inputSchema"]]
    assert all("schema" not in each.request.context for each in Decisions(settings()).read("another"))
