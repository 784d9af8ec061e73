"""Two tenants share nothing, even where one person is known to both under the same name (S-isolation).

The principals here are what one issuer's tokens say of the same subject and client in two organisations. Every flow
that remembers something of a caller is tried with the other's credential.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keepgate.auth.access_token import Issuer, accept
from keepgate.decide.facts import Fact
from keepgate.gateway.budgets import Budget
from keepgate.gateway.settings import Limits
from keepgate.model.access import Principal, Resource, ResourceKind
from keepgate.model.errors import RemoteError
from keepgate.policy.engine import Engine
from keepgate.policy.roles import Grant, Role
from keepgate.protocol import jsonrpc
from tests.gateway import task_lab
from tests.gateway import test_approving as approving
from tests.gateway.lab import FakeServer, Heard, Pipe, ask, discovered, gateway_of
from tests.gateway.test_budgets import World
from tests.gateway.test_budgets import call as using
from tests.gateway.test_parking import Asking, parked
from tests.gateway.test_parking import call as asking
from tests.gateway.test_review import alone, handshake_server, tool_server

ISSUER = Issuer("corp", "https://corp", claims={"tenant": ("org",)})
NOW = 1_000_000.0


def member(org: str, **claims: Any) -> Principal:
    """Alice, by the client `cursor`, as a member of an organisation."""
    said = {"iss": "https://corp", "aud": "us", "sub": "alice", "client_id": "cursor", "org": org}
    times = {"iat": NOW, "exp": NOW + 10_000_000_000}
    return accept({**said, **times, **claims}, ISSUER, frozenset({"us"}), NOW).principal


ACME, OTHER = member("acme"), member("other")
BOTH = {"tenant:acme": ["*/*"], "tenant:other": ["*/*"]}


def test_the_control_they_are_one_person_with_one_client():
    assert (ACME.user, ACME.client, ACME.tenant) == ("alice", "cursor", "acme")
    assert (OTHER.user, OTHER.client, OTHER.tenant) == ("alice", "cursor", "other")


def test_they_are_two_principals_and_no_tenant_can_be_named_so_that_they_are_one():
    names = ["acme", "other", "acme/alice", "acme@x", "a%2Fb", "a/b", "@", "corp"]
    people = [member(org, sub=sub) for org in names for sub in ("alice", "x/alice", "acme/alice")]
    # Without a tenant, as an issuer says it that has no such claim.
    plain = Issuer("corp", "https://corp")
    for sub in ("alice", "acme/alice", "@acme/alice"):
        said = {
            "iss": "https://corp",
            "aud": "us",
            "sub": sub,
            "client_id": "cursor",
            "iat": NOW,
            "exp": NOW + 1,
        }
        people.append(accept(said, plain, frozenset({"us"}), NOW).principal)
    assert len({each.id for each in people}) == len(people)


@alone
async def test_a_session_is_one_tenants():
    gateway, _ = gateway_of({"a": handshake_server()}, BOTH)
    session = gateway.sessions.new(ACME, None)
    assert gateway.sessions.find(session.id, ACME, None) is session
    with pytest.raises(RemoteError, match="no such session"):
        gateway.sessions.find(session.id, OTHER, None)
    gateway.sessions.new(OTHER, None)
    assert gateway.sessions.lookup(session.id, OTHER) is None


@alone
async def test_one_tenant_cannot_use_up_the_others_sessions_rates_or_calls():
    gateway, _ = gateway_of(
        {}, BOTH, limits=Limits(sessions=1, concurrent_calls=1, requests_per_second=1, burst=2)
    )
    mine = gateway.sessions.new(ACME, None)
    gateway.sessions.new(OTHER, None)
    assert gateway.sessions.lookup(mine.id, ACME) is mine
    meters = gateway.enforcer.meters
    meters.enter(ACME.id)
    while meters.spend(ACME.id).remaining >= 0:
        pass
    assert meters.facts(OTHER.id)[Fact.CONCURRENCY].remaining >= 0
    assert meters.spend(OTHER.id).remaining >= 0


@pytest.mark.parametrize("each", [("principal",), ("user",), ("client",), ("tenant",), ("principal", "tool")])
def test_a_budget_counts_each_tenant_by_itself(each):
    world = World(Budget("b", each=each, per_day=1, rate=1, burst=1))
    assert world.use(using(ACME))
    assert world.use(using(OTHER))
    assert not world.use(using(ACME))


@alone
async def test_a_list_and_its_pages_are_one_tenants():
    tools = [{"name": f"t{number}", "inputSchema": {}} for number in range(600)]
    gateway, _ = gateway_of({"a": tool_server(*tools)}, {"tenant:acme": ["*/*"], "tenant:other": ["a/t1"]})
    first = (await ask(gateway, ACME, "tools/list"))["result"]
    assert len(first["tools"]) == 500
    theirs = (await ask(gateway, OTHER, "tools/list"))["result"]
    assert [tool["name"] for tool in theirs["tools"]] == ["a_t1"]
    assert first["cacheScope"] == theirs["cacheScope"] == "private"
    assert "error" in await ask(gateway, OTHER, "tools/list", {"cursor": first["nextCursor"]})
    rest = (await ask(gateway, ACME, "tools/list", {"cursor": first["nextCursor"]}))["result"]
    assert len(rest["tools"]) == 100


def test_a_decision_that_is_remembered_is_one_tenants():
    policy = Engine.compile({"r": Role(allow=("a/*",))}, [Grant("tenant:acme", "r")])
    thing = Resource(ResourceKind.TOOL, "a", "t")
    for _ in range(2):
        assert policy.visible(ACME, thing)
        assert not policy.visible(OTHER, thing)
        assert not policy.may_use(OTHER, "a")


@alone
async def test_a_resource_is_heard_of_by_the_tenant_that_subscribed():
    def reply(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        return {} if method == "resources/subscribe" else None

    server = handshake_server(reply, resources={"subscribe": True})
    gateway, _ = gateway_of({"a": server}, BOTH)
    pipes = [Pipe(gateway, who) for who in (ACME, OTHER)]
    for pipe in pipes:
        await pipe.initialize()
    pipes[0].say(jsonrpc.request(1, "resources/subscribe", {"uri": "x://1"}))
    await pipes[0].until(lambda: pipes[0].answer(1))
    updated = "notifications/resources/updated"
    for channel in server.channels:
        channel.say(jsonrpc.notification(updated, {"uri": "x://1"}))
    await pipes[0].until(lambda: pipes[0].heard(updated))
    await asyncio.sleep(0.02)
    assert len(pipes[0].heard(updated)) == 1
    assert not pipes[1].heard(updated)


@alone
async def test_an_open_listen_counts_and_ends_for_its_tenant_only():
    def reply(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "server/discover":
            return discovered({"tools": {"listChanged": True}})
        return None if method == "subscriptions/listen" else {"tools": []}

    gateway, _ = gateway_of({"a": FakeServer("stateless", reply)}, BOTH, limits=Limits(subscriptions=1))
    tasks = []
    for who in (ACME, OTHER):
        message = task_lab.request("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, {})
        heard = Heard()
        tasks.append(asyncio.create_task(gateway.stateless.request(message, who, None, None, heard)))
        async with asyncio.timeout(5):
            while not heard.messages and not heard.answers:
                await asyncio.sleep(0.005)
        assert heard.messages, heard.answers
    gateway.stateless.listens.end_unless(lambda principal: principal.id != ACME.id)
    await asyncio.wait(tasks, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert [task.done() for task in tasks] == [True, False]
    tasks[1].cancel()


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
@alone
async def test_a_task_is_one_tenants(method):
    server = task_lab.Tasks()
    gateway, _ = gateway_of({"a": server.server}, BOTH)
    task_id = await task_lab.make(gateway, ACME)
    more = {"inputResponses": {}} if method == "tasks/update" else {}
    reply = await task_lab.call(gateway, OTHER, method, {"taskId": task_id, **more})
    assert reply["error"]["message"] == "Task not found"
    assert not server.asked(method)
    assert "result" in await task_lab.call(gateway, ACME, method, {"taskId": task_id, **more})


@alone
async def test_a_list_of_tasks_is_one_tenants():
    server = task_lab.Tasks("handshake")
    gateway, _ = gateway_of({"a": server.server}, BOTH)
    pipes = [Pipe(gateway, who) for who in (ACME, OTHER)]
    for pipe in pipes:
        await pipe.initialize()
    pipes[0].say(jsonrpc.request(1, "tools/call", {"name": "a_job", "arguments": {}, "task": {}}))
    await pipes[0].until(lambda: pipes[0].answer(1))
    for pipe in pipes:
        pipe.say(jsonrpc.request(2, "tasks/list", {}))
        await pipe.until(lambda pipe=pipe: pipe.answer(2))
    assert [len(pipe.answer(2)["result"]["tasks"]) for pipe in pipes] == [1, 0]


@alone
async def test_a_parked_call_goes_on_for_the_tenant_that_made_it_only():
    gateway, _ = gateway_of({"a": Asking()}, BOTH)
    retry = await parked(gateway, ACME)
    assert "error" in await asking(gateway, OTHER, **retry)
    assert len(gateway.stateless.parking) == 1
    assert (await asking(gateway, ACME, **retry))["result"]["content"][0]["text"] == "on"


@alone
async def test_a_handshake_servers_session_is_held_for_one_tenant():
    """What a server remembers of a session must not reach the other tenant."""
    server = handshake_server(lambda method, params: {"content": []} if method == "tools/call" else None)
    server.duplex = False
    gateway, _ = gateway_of({"a": server}, BOTH)
    for who in (ACME, OTHER, ACME):
        assert "result" in await ask(gateway, who, "tools/call", {"name": "a_slow", "arguments": {}})
    calling = [
        channel for channel in server.channels if any(m.get("method") == "tools/call" for m in channel.sent)
    ]
    assert len(calling) == 2


@alone
async def test_the_state_of_a_server_comes_back_from_the_tenant_it_was_given_to_only():
    def reply(params: dict[str, Any]) -> dict[str, Any]:
        if "requestState" in params:
            return {"resultType": "complete", "content": [{"type": "text", "text": params["requestState"]}]}
        return {"resultType": "input_required", "inputRequests": {}, "requestState": "acme's"}

    server = tool_server({"name": "t", "inputSchema": {}}, tools_call=reply)
    gateway, _ = gateway_of({"a": server}, BOTH)
    call = {"name": "a_t", "arguments": {}}
    state = (await ask(gateway, ACME, "tools/call", call))["result"]["requestState"]
    retry = {**call, "requestState": state, "inputResponses": {}}
    assert "error" in await ask(gateway, OTHER, "tools/call", retry)
    assert (await ask(gateway, ACME, "tools/call", retry))["result"]["content"][0]["text"] == "acme's"


@alone
async def test_a_uri_that_one_tenant_was_told_leads_the_other_nowhere():
    """Which server a URI is of is remembered by who was told it."""
    gateway, _ = gateway_of({"a": handshake_server(), "b": handshake_server()}, BOTH)
    view = await gateway.stateless.view(ACME, None)
    view.note_issued(ACME.id, "a", ["x://told"])
    mine, theirs = await view.located("x://told", ACME.id), await view.located("x://told", OTHER.id)
    assert mine is not None
    assert mine.backend.settings.id == "a"
    assert theirs is None or theirs.backend.settings.id != "a"


@alone
async def test_an_approval_lets_through_the_tenant_that_asked_for_it_only(tmp_path):
    server = tool_server({"name": "pay", "inputSchema": {"type": "object"}})
    gateway, _, store = approving.gate(tmp_path, server)
    grants = [Grant("tenant:acme", "clerk"), Grant("tenant:other", "clerk")]
    gateway.use_policy(Engine.compile({"clerk": Role(ask=("a/*",))}, grants))
    assert "waits" in approving.said(await approving.call(gateway, ACME))
    (waiting,) = store.every()
    store.decide(waiting.id, approve=True, by="carol")
    assert "waits" in approving.said(await approving.call(gateway, OTHER))
    assert not server.asked("tools/call")
    assert "isError" not in await approving.call(gateway, ACME)
