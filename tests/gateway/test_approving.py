"""ASK in a whole gateway: told that it waits, let through once when a person said so, and for nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from keepgate.config import Document
from keepgate.config.inspection import guards_of
from keepgate.config.sections.inspection import Content, Families
from keepgate.gateway.gateway import Gateway, Keys, Outside
from keepgate.gateway.settings import Identity, Limits
from keepgate.model.access import Principal
from keepgate.policy.engine import Engine
from keepgate.policy.roles import Grant, Role
from keepgate.protocol import jsonrpc
from keepgate.stores.approvals import Approvals
from tests.detect.corpus import SECRETS
from tests.gateway.lab import ALICE, BOB, INSPECTION, MemoryLog, NoKeys, Pipe, ask, settings
from tests.gateway.test_review import alone, handshake_server, tool_server

PAY = {"name": "pay", "inputSchema": {"type": "object"}}
MASTER = os.urandom(32)
CLERK = Role(ask=("a/*",))
FIVE = {"name": "a_pay", "arguments": {"amount": 5}}


def gate(
    tmp_path: Path,
    server: Any,
    role: Role = CLERK,
    inspection: Any = INSPECTION,
) -> tuple[Gateway, MemoryLog, Approvals]:
    log = MemoryLog()
    policy = Engine.compile({"clerk": role}, [Grant("key:alice", "clerk"), Grant("key:bob", "clerk")])
    store = Approvals(tmp_path, MASTER, time.time, seconds=100)
    gateway = Gateway(
        [settings("a", server)],
        policy,
        Outside(log, NoKeys(), time.time_ns, time.monotonic, approver=store),
        Keys(b"a" * 32, b"b" * 32),
        Limits(),
        Identity(),
        inspection=inspection,
    )
    return gateway, log, store


async def call(gateway: Gateway, who: Principal = ALICE, params: Any = None) -> dict[str, Any]:
    return (await ask(gateway, who, "tools/call", params or FIVE))["result"]


def said(result: dict[str, Any]) -> str:
    assert result["isError"] is True
    return result["content"][0]["text"]


@alone
async def test_it_waits_is_approved_and_passes_once(tmp_path):
    server = tool_server(PAY)
    gateway, log, store = gate(tmp_path, server)
    text = said(await call(gateway))
    (waiting,) = store.every()
    assert f"waits for a person to decide (approval {waiting.id})" in text
    assert (
        waiting.wanted.params == {"name": "pay", "arguments": {"amount": 5}} or waiting.wanted.params == FIVE
    )
    assert not server.asked("tools/call")
    store.decide(waiting.id, approve=True, by="carol")
    assert "isError" not in await call(gateway)
    assert len(server.asked("tools/call")) == 1
    assert "waits" in said(await call(gateway))
    assert len(server.asked("tools/call")) == 1
    calls = [entry for entry in log.entries if entry.method == "tools/call" and entry.kind == "request"]
    assert [entry.effect for entry in calls] == ["ask", "allow", "ask"]
    assert calls[1].reason == "approved by carol"
    assert f"approval:{waiting.id}" in calls[1].findings + calls[1].rules


@pytest.mark.parametrize(
    ("who", "params"),
    [
        (BOB, FIVE),
        (ALICE, {"name": "a_pay", "arguments": {"amount": 500}}),
        (ALICE, {"name": "a_pay", "arguments": {}}),
    ],
)
@alone
async def test_it_is_not_to_be_had_by_another_or_for_other_arguments(tmp_path, who, params):
    server = tool_server(PAY)
    gateway, _, store = gate(tmp_path, server)
    await call(gateway)
    store.decide(store.every()[0].id, approve=True, by="carol")
    assert "waits" in said(await call(gateway, who, params))
    assert not server.asked("tools/call")


@alone
async def test_a_tool_that_changed_after_it_was_approved_is_asked_for_anew(tmp_path):
    tool = dict(PAY)
    server = tool_server(tool)
    gateway, _, store = gate(tmp_path, server)
    await call(gateway)
    store.decide(store.every()[0].id, approve=True, by="carol")
    tool["description"] = "Pays twice."
    await ask(gateway, ALICE, "tools/list")
    assert "waits" in said(await call(gateway))
    assert not server.asked("tools/call")


@alone
async def test_a_refusal_is_told(tmp_path):
    gateway, _, store = gate(tmp_path, tool_server(PAY))
    await call(gateway)
    store.decide(store.every()[0].id, approve=False, by="carol")
    assert "a person refused it" in said(await call(gateway))


@alone
async def test_a_store_that_fails_approves_nothing(tmp_path):
    server = tool_server(PAY)
    gateway, _, _ = gate(tmp_path, server)
    (tmp_path / "approvals.db").write_bytes(b"broken" * 1000)
    assert "cannot be used" in said(await call(gateway))
    assert not server.asked("tools/call")


@alone
async def test_both_eras_and_a_new_gateway_know_of_it(tmp_path):
    gateway, _, store = gate(tmp_path, handshake_server(lambda method, params: {"content": []}))
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    slow = {"name": "a_slow", "arguments": {"n": 1}}
    pipe.say(jsonrpc.request(1, "tools/call", slow))
    assert "waits" in said((await pipe.until(lambda: pipe.answer(1)))["result"])
    store.decide(store.every()[0].id, approve=True, by="carol")
    gateway, _, _ = gate(tmp_path, handshake_server(lambda method, params: {"content": []}))
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(2, "tools/call", slow))
    answer = await pipe.until(lambda: pipe.answer(2))
    assert "isError" not in answer["result"]


@pytest.mark.parametrize(
    "more",
    [
        {"_meta": {"vendor.example/force": True}},
        {"inputResponses": {"sure": {"action": "accept", "content": {"amount": 5000}}}},
        {"unknown": 1},
    ],
)
@alone
async def test_what_the_person_did_not_see_does_not_pass(tmp_path, more):
    server = tool_server(PAY)
    gateway, _, store = gate(tmp_path, server)
    await call(gateway)
    store.decide(store.every()[0].id, approve=True, by="carol")
    answer = await ask(gateway, ALICE, "tools/call", FIVE | more)
    assert "error" in answer or "waits" in said(answer["result"])
    assert not server.asked("tools/call")
    shown = store.every()[0].wanted.params
    assert "error" in answer or all(shown[key] == value for key, value in more.items())


@alone
async def test_what_is_another_each_time_needs_no_approval_of_its_own(tmp_path):
    server = tool_server(PAY)
    gateway, _, store = gate(tmp_path, server)
    await call(gateway, params=FIVE | {"_meta": {"progressToken": 1, "traceparent": "00-a"}})
    store.decide(store.every()[0].id, approve=True, by="carol")
    assert "isError" not in await call(gateway, params=FIVE | {"_meta": {"progressToken": 2}})


@alone
async def test_what_a_call_carries_can_be_asked_for(tmp_path):
    """`content.arguments: {secrets: ask}`: by what it carries, whatever policy says of the tool."""
    server = tool_server(PAY)
    section = Content(arguments=Families(secrets="ask", personal="redact"))
    inspection = guards_of(Document(version=1, content=section))
    gateway, log, store = gate(tmp_path, server, Role(allow=("a/*",)), inspection)
    assert "isError" not in await call(gateway)
    carries = {
        "name": "a_pay",
        "arguments": {"note": f"{SECRETS['secret.aws-access-key'][0]} 4111 1111 1111 1111"},
    }
    text = said(await call(gateway, params=carries))
    (waiting,) = store.every()
    assert "it carries what needs approval" in text
    assert waiting.id in text
    assert len(server.asked("tools/call")) == 1
    store.decide(waiting.id, approve=True, by="carol")
    assert "isError" not in await call(gateway, params=carries)
    sent = server.asked("tools/call")[-1]["params"]["arguments"]["note"]
    assert sent == f"{SECRETS['secret.aws-access-key'][0]} [redacted:personal.card]"
    assert log.entries[-2].effect == "redact"


ONLY_CAROL = """
@id("big") @reason("carol has to approve this") forbid (principal, action == Action::"call_tool", resource)
when { context.facts has amount && context.facts.amount has most
  && context.facts.amount.most.greaterThan(decimal("4.0"))
  && !context.approvals.isEmpty() && !context.approvals.contains("carol") };
"""


@pytest.mark.parametrize(("by", "passes"), [("carol", True), ("mallory", False)])
@alone
async def test_a_policy_may_ask_who_approved(tmp_path, by, passes):
    server = tool_server(PAY)
    gateway, log, store = gate(tmp_path, server)
    roles, grants = {"clerk": Role(ask=("a/*",))}, [Grant("key:alice", "clerk")]
    gateway.use_policy(Engine.compile(roles, grants, ONLY_CAROL))
    assert "waits" in said(await call(gateway))
    store.decide(store.every()[0].id, approve=True, by=by)
    answer = await call(gateway)
    assert bool(server.asked("tools/call")) is passes
    if not passes:
        assert f"approved by {by}, and then: carol has to approve this" in said(answer)
    told = [
        entry.request for entry in log.entries if entry.method == "tools/call" and entry.kind == "request"
    ]
    assert b'"approvals":[]' in told[0]
    assert f'"approvals":["{by}"]'.encode() in told[1]


@alone
async def test_what_no_policy_reads_of_approvals_is_decided_once(tmp_path):
    gateway, _, _ = gate(tmp_path, tool_server(PAY))
    assert not gateway.enforcer.rules.approvals
