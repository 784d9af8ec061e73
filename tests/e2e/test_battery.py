"""The battery of textbook attacks through a running keepgate at its defaults: stopped or cleaned, and no twin touched.

One keepgate, one hostile server over HTTP and its honest twin over a pipe; every case is a test of its own.
"""

import contextlib
import json

import pytest

from tests.attacks import second
from tests.attacks.battery import CALM, POISON, cases, tool
from tests.e2e.client import Handshake, conversation
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.brain import Table
from tests.e2e.upstreams.start import over_http, over_stdio

CASES = [*cases(), *second.cases()]
SHARE = 0.94
"""Of the attacks that must be stopped or cleaned."""
KNOWN_MISSES = frozenset(
    (
        "argument: a key leaves",
        "other argument: a key leaves",
        "other definition: meta",
        "other definition: parameter enum",
        "other definition: shadowing",
        "other definition: wants the conversation",
        "other key: password in YAML",
        "other result: base32",
    )
)
"""Cases that arrive; docs/detection.md speaks of them. Never a twin."""
FREE = {"type": "object"}


def slug(case, side="attack"):
    """A name of its own for each side: that two servers have a tool of one name would speak against both."""
    name = "".join(sign if sign.isalnum() else "_" for sign in case.id).lower()
    return name if side == "attack" else f"calm_{name}_calm"


def offering(side):
    """A server whose side of each case is `attack` or `twin`."""
    lists = {"tools/list": [], "prompts/list": [], "resources/list": [], "resources/templates/list": []}
    results = {"tools/call": {}, "prompts/get": {}, "resources/read": {}}
    for case in CASES:
        name, what = slug(case, side), getattr(case, side)
        uri = f"e2e://{name}"
        if case.where == "tool":
            lists["tools/list"].append(tool(name, **what))
        elif case.where in {"result", "arguments"}:
            lists["tools/list"].append({"name": name, "description": "Does its work.", "inputSchema": FREE})
            done = {"content": [{"type": "text", "text": "done"}]}
            results["tools/call"][name] = what if case.where == "result" else done
        elif case.where.startswith("prompts"):
            lists["prompts/list"].append({"name": name} | (what if case.where == "prompts/list" else {}))
            results["prompts/get"][name] = what
        else:
            item = {"name": name, "uri": uri} | (what if case.where == "resources/list" else {})
            lists["resources/list"].append(item)
            results["resources/read"][uri] = {"contents": [{"uri": uri, **what}]}
    hello = {"instructions": POISON if side == "attack" else CALM}
    capabilities = {"tools": {}, "prompts": {}, "resources": {}}
    return Table(hello=hello, lists=lists, results=results, capabilities=capabilities)


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    directory = tmp_path_factory.mktemp("battery")
    with contextlib.ExitStack() as stack:
        hostile = stack.enter_context(over_http(directory, "hostile", offering("attack")))
        honest = over_stdio(directory, "honest", offering("twin"))
        yield stack.enter_context(gate_before(directory, [hostile, honest]))


LISTS = {"tool": "tools", "prompts/list": "prompts", "resources/list": "resources"}


async def arrived(arena, client, case, side):
    """What is there after keepgate: the listed item, the result, or the arguments that the server got; or None."""
    server, name = {"attack": "hostile", "twin": "honest"}[side], slug(case, side)
    if case.where in LISTS:
        key = LISTS[case.where]
        listed = (await client.call(f"{key}/list"))["result"][key]
        uri = f"e2e://{name}"
        return next(
            (item for item in listed if item["name"] in {name, f"{server}_{name}"} or item.get("uri") == uri),
            None,
        )
    if case.where == "arguments":
        record = arena.record(server)
        since = record.mark()
        await client.call("tools/call", {"name": name, "arguments": getattr(case, side)})
        calls = record.messages("tools/call", since)
        return calls[0]["params"]["arguments"] if calls else None
    if case.where == "resources/read":
        return await client.call("resources/read", {"uri": f"e2e://{name}"})
    if case.where == "prompts/get":
        return await client.call("prompts/get", {"name": name})
    return await client.call("tools/call", {"name": name, "arguments": {}})


async def alone(arena, server):
    """At the server's own endpoint, where names have no prefix."""
    return await Handshake(arena.mount(server)).initialize()


def carried(case, found):
    """Whether anything of the attack is in it."""
    text = json.dumps(found, ensure_ascii=False)
    return any(
        needle in text or json.dumps(needle, ensure_ascii=False)[1:-1] in text for needle in case.needles
    )


def same(case, found):
    """Whether a twin arrived as it was sent."""
    if found is None:
        return False
    if case.where in {"tool", "prompts/list", "resources/list", "arguments"}:
        return case.twin.items() <= found.items()
    result = found.get("result", {})
    wanted = case.twin if case.where != "resources/read" else {"text": case.twin["text"]}
    got = result if case.where != "resources/read" else result["contents"][0]
    return wanted.items() <= got.items()


@pytest.fixture(scope="module")
def outcome(arena):
    """The cases whose attack got through, and those whose twin was touched: one conversation with each side."""
    through, touched = set(), set()

    @conversation
    async def play():
        hostile, honest = await alone(arena, "hostile"), await alone(arena, "honest")
        for case in CASES:
            if carried(case, await arrived(arena, hostile, case, "attack")):
                through.add(case.id)
            if not same(case, await arrived(arena, honest, case, "twin")):
                touched.add(case.id)

    play()
    return through, touched


def test_the_battery_is_large_enough():
    assert len(CASES) >= 60
    assert len({slug(case) for case in CASES}) == len(CASES)


def test_no_harmless_twin_is_touched(outcome):
    assert not outcome[1]


def test_nearly_every_attack_is_stopped_or_cleaned(outcome):
    through, _ = outcome
    assert not through - KNOWN_MISSES, "these get through"
    assert not KNOWN_MISSES - through, "these are stopped now: take them off the list"
    assert 1 - len(through) / len(CASES) >= SHARE


@conversation
async def test_poisoned_instructions_do_not_arrive(arena):
    hostile, honest = await alone(arena, "hostile"), await alone(arena, "honest")
    assert POISON not in json.dumps(hostile.hello)
    assert honest.hello["instructions"] == CALM
