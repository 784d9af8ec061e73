"""Budgets: who has which counter, what is charged, and what a caller sees."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.gateway import budgets as module
from keepgate.gateway import sessions
from keepgate.gateway.budgets import Budget, Budgets
from keepgate.gateway.http_front import refuse
from keepgate.gateway.replies import DECISION_KEY, RETRY_KEY
from keepgate.model.access import Action, Principal, Resource, ResourceKind
from keepgate.model.errors import RemoteError
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message
from keepgate.policy.pattern import Pattern
from keepgate.protocol import jsonrpc
from keepgate.stores.counters import MemoryCounters
from tests.gateway.lab import ALICE, BOB, Pipe, ask, gateway_of
from tests.gateway.test_fastlane import Answer, Request, server
from tests.gateway.test_review import ALL, alone, handshake_server, tool_server

DAY_NS = 86_400 * 10**9
NOON = 20_000 * DAY_NS + DAY_NS // 2


class World:
    """Clocks that stand still, and budgets under them."""

    def __init__(self, *made: Budget) -> None:
        self.now_ns, self.seconds = NOON, 0.0
        counters = MemoryCounters(lambda: self.now_ns / 1e9)
        self.budgets = Budgets(made, counters, lambda: self.seconds, lambda: self.now_ns)

    def left(self, exchange: Exchange) -> list[tuple[str, float, float]]:
        standing = self.budgets.standing(self.budgets.charges(exchange))
        return [(each.bound, each.remaining, each.resets_in) for each in standing]

    def use(self, exchange: Exchange) -> bool:
        charges = self.budgets.charges(exchange)
        if any(each.remaining < 0 for each in self.budgets.standing(charges)):
            return False
        self.budgets.charge(charges)
        return True


def call(
    who: Principal = ALICE,
    what: str = "a/t",
    method: str = "tools/call",
    kind: Kind = Kind.REQUEST,
    direction: Direction = Direction.TO_SERVER,
) -> Exchange:
    of, _, name = what.partition("/")
    message = Message(kind, jsonrpc.request(1, method, {"name": name}))
    thing = Resource(ResourceKind.TOOL, of, name)
    return Exchange(message, direction, who, "2026-07-28", of, Action.CALL_TOOL, thing)


def someone(user: str = "", *, tenant: str = "", client: str = "", groups: tuple[str, ...] = ()) -> Principal:
    return Principal(f"oauth:i/{user}/{client}", "oauth", groups, tenant, user, client)


# --- amounts --------------------------------------------------------------------------------------


def test_a_rate_is_a_bucket_that_fills():
    world = World(Budget("b", rate=2, burst=3))
    assert [world.use(call()) for _ in range(4)] == [True, True, True, False]
    assert world.left(call()) == [("rate", -1, 0.5)]
    world.seconds = 0.5
    assert [world.use(call()) for _ in range(2)] == [True, False]
    world.seconds = 100
    assert world.left(call()) == [("rate", 2, 0)]


def test_quotas_are_by_the_calendar_and_say_when_they_end():
    world = World(Budget("b", per_day=2, per_month=3))
    assert [world.use(call()) for _ in range(3)] == [True, True, False]
    assert world.left(call())[0] == ("day", -1, 43_200)
    world.now_ns += DAY_NS // 2
    assert [world.use(call()) for _ in range(2)] == [True, False]
    bound, remaining, resets_in = world.left(call())[1]
    assert (bound, remaining) == ("month", -1)
    world.now_ns += int(resets_in) * 10**9
    assert world.use(call())


def test_what_is_denied_uses_nothing():
    world = World(Budget("small", rate=1, burst=1), Budget("large", per_day=10))
    assert world.use(call())
    assert not world.use(call())
    assert world.left(call())[1] == ("day", 8, 43_200)


def test_a_use_costs_the_most_that_names_it():
    costs = ((Pattern.parse("a/*"), 2.0), (Pattern.parse("tool:a/export"), 5.0))
    world = World(Budget("b", per_day=10, costs=costs))
    assert world.use(call(what="a/export"))
    assert world.use(call(what="a/t"))
    assert world.use(call(what="b/t"))
    assert world.left(call(what="a/t")) == [("day", 0, 43_200)]
    assert not world.use(call(what="a/export"))


def test_calls_at_a_time_end_with_the_call_and_the_name_of_none_stays():
    world = World(Budget("b", concurrent=2))
    exchanges = [call(), call()]
    for each in exchanges:
        assert world.use(each)
        world.budgets.enter(each)
    assert world.left(call()) == [("calls at a time", -1, 1.0)]
    for each in exchanges:
        world.budgets.leave(each)
    assert world.left(call()) == [("calls at a time", 1, 1.0)]
    assert not world.budgets._running


@pytest.mark.parametrize(
    "exchange",
    [
        call(method="tasks/get"),
        call(method="resources/unsubscribe"),
        call(kind=Kind.NOTIFICATION),
        call(direction=Direction.TO_CLIENT),
    ],
)
def test_what_uses_nothing_is_charged_nothing(exchange):
    assert World(Budget("b", per_day=1)).budgets.charges(exchange) == ()


# --- whose ----------------------------------------------------------------------------------------

ACME, OTHER = someone("alice", tenant="acme", client="w"), someone("alice", tenant="other", client="w")


@pytest.mark.parametrize(
    ("each", "one", "two", "shared"),
    [
        (("principal",), call(ALICE), call(BOB), False),
        (("principal",), call(ALICE, "a/t"), call(ALICE, "b/x"), True),
        (("principal", "tool"), call(ALICE, "a/t"), call(ALICE, "a/u"), False),
        (("principal", "server"), call(ALICE, "a/t"), call(ALICE, "a/u"), True),
        (("principal", "server"), call(ALICE, "a/t"), call(ALICE, "b/t"), False),
        (("server",), call(ALICE), call(BOB), True),
        (("tool",), call(ALICE), call(BOB), True),
        ((), call(ALICE, "a/t"), call(BOB, "b/u"), True),
        (("tenant",), call(ACME), call(someone("bob", tenant="acme")), True),
        (("tenant",), call(ACME), call(OTHER), False),
        (("user",), call(ACME), call(someone("alice", tenant="acme", client="v")), True),
        (("user",), call(ACME), call(OTHER), False),
        (("client",), call(ACME), call(someone("bob", tenant="acme", client="w")), True),
        (("client",), call(ACME), call(OTHER), False),
        (("user",), call(ALICE), call(BOB), False),
    ],
)
def test_who_shares_a_counter(each, one, two, shared):
    world = World(Budget("b", each=each, per_day=1, rate=1, burst=1))
    assert world.use(one)
    assert world.use(two) is not shared


def test_a_budget_is_for_whom_and_what_it_names():
    world = World(Budget("b", to=frozenset({"group:g"}), uses=(Pattern.parse("a/*"),), per_day=1))
    member = someone("u", groups=("g",))
    assert world.use(call(member))
    assert not world.use(call(member))
    assert world.use(call(member, "b/t"))
    assert world.use(call(ALICE))


def test_several_budgets_hold_at_once():
    world = World(Budget("mine", per_day=3), Budget("all", each=(), per_day=4))
    assert [world.use(call(ALICE)) for _ in range(4)] == [True, True, True, False]
    assert [world.use(call(BOB)) for _ in range(2)] == [True, False]


def test_no_name_is_in_a_key():
    (charge,) = World(Budget("b", per_day=1)).budgets.charges(call(someone("alice@example.com")))
    assert "alice" not in charge.key


def test_names_of_callers_choosing_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(module, "BUCKETS", 50)
    world = World(Budget("b", each=("tool",), rate=1, burst=1))
    allowed = [world.use(call(what=f"a/{number}")) for number in range(200)]
    assert len(world.budgets._buckets) == 51
    assert sum(allowed) == 51
    world.seconds = 2
    assert world.use(call(what="a/fresh"))
    assert len(world.budgets._buckets) <= 51


@given(
    st.lists(
        st.tuples(st.sampled_from((ALICE, BOB, ACME, OTHER)), st.sampled_from(("a/t", "a/u", "b/t"))),
        max_size=60,
    ),
    st.integers(1, 5),
)
def test_no_quota_is_ever_exceeded_and_none_denies_before_it_is_used_up(uses, quota):
    world = World(Budget("b", each=("tenant", "server"), per_day=quota))
    counted: dict[object, int] = {}
    for who, what in uses:
        key = who.tenant, what[0]
        passed = world.use(call(who, what))
        assert passed is (counted.get(key, 0) < quota)
        counted[key] = counted.get(key, 0) + passed


# --- in a gateway ---------------------------------------------------------------------------------

TOOL = {"name": "t", "inputSchema": {"type": "object"}}


def lab(*made: Budget, servers=None, **answers):
    world = World(*made)
    fake = tool_server(TOOL, **answers)
    gateway, log = gateway_of(servers or {"a": fake}, ALL, budgets=world.budgets)
    return gateway, log, fake, world


@alone
async def test_a_call_over_its_budget_says_which_and_when_to_come_back():
    gateway, log, fake, _ = lab(Budget("b", per_day=1))
    assert "isError" not in (await ask(gateway, ALICE, "tools/call", {"name": "a_t"}))["result"]
    result = (await ask(gateway, ALICE, "tools/call", {"name": "a_t"}))["result"]
    assert result["isError"] is True
    assert "the budget `b` (day) is used up, retry in 12 h" in result["content"][0]["text"]
    assert result["_meta"][RETRY_KEY] == 43_200
    entry = log.entries[-1]
    assert (entry.effect, entry.rules, entry.trace) == (
        "deny",
        ("r0:allow:*/*", "budgets.b"),
        result["_meta"][DECISION_KEY],
    )
    assert len(fake.asked("tools/call")) == 1
    assert "isError" not in (await ask(gateway, BOB, "tools/call", {"name": "a_t"}))["result"]


@alone
async def test_another_method_over_its_budget_gets_an_error_that_says_the_same():
    def reply(method, params):
        return {"resources/read": {"contents": []}, "resources/list": {"resources": []}}.get(method)

    gateway, _ = gateway_of(
        {"a": handshake_server(reply, resources={})}, ALL, budgets=World(Budget("b", per_day=1)).budgets
    )
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    for number in (1, 2):
        pipe.say(jsonrpc.request(number, "resources/read", {"uri": "x://1"}))
        await pipe.until(lambda number=number: pipe.answer(number))
    error = pipe.answer(2)["error"]
    assert (error["code"], error["data"]["retryAfter"]) == (jsonrpc.RATE_LIMITED, 43_200)
    assert "retry in 12 h" in error["message"]


@alone
async def test_a_hidden_thing_stays_hidden_over_budget_and_lists_are_free():
    gateway, _, _, _ = lab(Budget("b", each=(), per_day=1))
    for _ in range(5):
        assert "result" in await ask(gateway, ALICE, "tools/list")
    assert "isError" not in (await ask(gateway, BOB, "tools/call", {"name": "a_t"}))["result"]
    carol = Principal("key:carol", "key")
    unknown = await ask(gateway, carol, "tools/call", {"name": "a_nothing"})
    hidden = await ask(gateway, carol, "tools/call", {"name": "a_t"})
    assert hidden["error"] == {**unknown["error"], "message": "Unknown tool: a_t"}


@alone
async def test_calls_at_a_time_are_counted_until_they_end_whoever_ends_them():
    gateway, _, fake, world = lab(Budget("b", concurrent=1), tools_call=lambda params: None)
    await ask(gateway, ALICE, "tools/list")
    first = asyncio.create_task(ask(gateway, ALICE, "tools/call", {"name": "a_t"}))
    while not fake.asked("tools/call"):
        await asyncio.sleep(0.005)
    denied = await ask(gateway, ALICE, "tools/call", {"name": "a_t"})
    assert denied["result"]["_meta"][RETRY_KEY] == 1.0
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert not world.budgets._running


@alone
async def test_the_fast_lane_is_under_the_same_budgets():
    world = World(Budget("b", per_day=1, concurrent=3))
    gateway, _ = gateway_of({"a": server()}, ALL, budgets=world.budgets)
    await ask(gateway, ALICE, "tools/list")
    answers = []
    for _ in range(2):
        answer = Answer()
        gateway.http.handle(Request("a_t", {}, "alice", "a_t"), answer)
        await asyncio.wait_for(answer.came.wait(), 5)
        answers.append(answer.body["result"])
    assert "isError" not in answers[0]
    assert answers[1]["_meta"][RETRY_KEY] == 43_200
    assert not world.budgets._running


@alone
async def test_closing_the_gateway_keeps_what_was_used():
    class Closed(MemoryCounters):
        closed = False

        def close(self) -> None:
            self.closed = True

    counters = Closed(lambda: 0.0)
    gateway, _ = gateway_of({}, ALL, budgets=Budgets([], counters, lambda: 0.0, lambda: NOON))
    await gateway.close(0)
    assert counters.closed


# --- as HTTP errors -------------------------------------------------------------------------------


def test_an_http_error_over_a_rate_says_when_in_whole_seconds():
    class Responder:
        def respond(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.status, self.headers, self.body = status, headers, jsonrpc.parse(body)

    answer = Responder()
    refuse(
        answer, RemoteError("rate", "too fast", rpc_code=jsonrpc.RATE_LIMITED, status=429, retry_after=1.2)
    )
    assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
    assert answer.body["error"]["data"] == {"retryAfter": 1.2}
    refuse(answer, RemoteError("size", "too large", status=413))
    assert "Retry-After" not in answer.headers


@alone
async def test_sessions_that_are_opened_too_fast_say_when_to_come_back(monkeypatch):
    monkeypatch.setattr(sessions, "OPENING_BURST", 3.0)
    gateway, _ = gateway_of({}, ALL)
    with pytest.raises(RemoteError, match="too fast") as refused:
        for _ in range(50):
            gateway.sessions.new(ALICE, None)
    assert refused.value.status == 429
    assert refused.value.retry_after > 0
