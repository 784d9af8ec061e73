"""List changes and subscriptions between the eras: each listener hears what it asked for and may see, once it is
asked for, as long as it is asked for, and again after a break."""

import asyncio

import pytest

from tests.e2e.client import META, Handshake, Modern, conversation
from tests.e2e.gate import gate_before
from tests.e2e.test_fidelity import catalogue
from tests.e2e.upstreams.start import over_http
from tests.support.processes import free_port

UPDATED = "notifications/resources/updated"
TOOLS = "notifications/tools/list_changed"
SUBSCRIPTION = META + "subscriptionId"
DOWN = pytest.mark.parametrize("server", ["hs-http", "hs-stdio"])
UP = pytest.mark.parametrize("server", ["sl-http", "sl-stdio"])
URI, OTHER = catalogue.RESOURCE["uri"], "e2e://items/7?q=a"


def push(method, **params):
    return {"push": {"method": method, "params": params}}


def stamped(uri):
    """As a stateless server says it."""
    return push(UPDATED, uri=uri, _meta={SUBSCRIPTION: "$subscription"})


async def say(client, *steps):
    """A call in which the server says something to whoever listens."""
    reply = await (await client.play("act", *steps)).reply()
    assert "result" in reply, reply


async def heard(stream, method):
    return await stream.until(lambda m: m.get("method") == method)


# A stateless client, a handshake server


@DOWN
@conversation
async def test_a_listen_hears_only_what_it_asked_for_under_its_own_id(everything, server):
    client = Modern(everything.mount(server))
    one = await client.listen("one", resourceSubscriptions=[URI])
    two = await client.listen(2, toolsListChanged=True)
    acks = [(await each.message())["params"] for each in (one, two)]
    assert [ack["notifications"] for ack in acks] == [
        {"resourceSubscriptions": [URI]},
        {"toolsListChanged": True},
    ]
    assert [ack["_meta"][SUBSCRIPTION] for ack in acks] == ["one", 2]
    last = {"push": {"method": UPDATED, "params": {"uri": URI, "n": 2}}}
    await say(client, push(UPDATED, uri=OTHER), push(UPDATED, uri=URI, n=1), push(TOOLS), last)
    for number in (1, 2):
        got = (await one.message())["params"]
        assert got == {"uri": URI, "n": number, "_meta": {SUBSCRIPTION: "one"}}
    got = await two.message()
    assert (got["method"], got["params"]["_meta"]) == (TOOLS, {SUBSCRIPTION: 2})


@DOWN
@conversation
async def test_the_server_is_subscribed_to_once_however_many_listen(everything, server, unique):
    client = Modern(everything.mount(server), info={"name": unique, "version": "1"})
    record = everything.record(server)
    since = record.mark()
    streams = [await client.listen(n, resourceSubscriptions=[URI]) for n in range(3)]
    for stream in streams:
        assert (await stream.message())["params"]["notifications"] == {"resourceSubscriptions": [URI]}
    assert len(record.messages("resources/subscribe", since)) == 1
    await streams.pop().close()
    await say(client, push(UPDATED, uri=URI))
    for stream in streams:
        assert (await stream.message())["params"]["uri"] == URI
    assert not record.messages("resources/unsubscribe", since)
    for stream in streams:
        await stream.close()
    assert (await record.wait_message("resources/unsubscribe", since))["params"]["uri"] == URI
    assert len(record.messages("resources/unsubscribe", since)) == 1


@DOWN
@conversation
async def test_what_the_server_does_not_take_is_not_acknowledged(everything, server):
    client = Modern(everything.mount(server))
    stream = await client.listen(resourceSubscriptions=["e2e://unknown", URI])
    assert (await stream.message())["params"]["notifications"] == {"resourceSubscriptions": [URI]}


@conversation
async def test_what_a_principal_may_not_see_it_cannot_listen_to(guarded):
    """Nor can it hear of it because another principal listens."""
    record = guarded.record("hs-http")
    clients = {name: Modern(guarded.mount("hs-http"), guarded.keys[name]) for name in ("alice", "holes")}
    since = record.mark()
    streams = {}
    for name, client in clients.items():
        streams[name] = await client.listen(name, resourceSubscriptions=["e2e://open", "e2e://secret"])
    acks = {name: (await stream.message())["params"]["notifications"] for name, stream in streams.items()}
    assert acks["alice"] == {"resourceSubscriptions": ["e2e://open", "e2e://secret"]}
    assert acks["holes"] == {"resourceSubscriptions": ["e2e://open"]}
    sessions = {
        tuple(m["params"]["uri"] for m in [each]) for each in record.messages("resources/subscribe", since)
    }
    assert sessions == {("e2e://open",), ("e2e://secret",)}
    assert len(record.messages("resources/subscribe", since)) == 3, "a session for each principal"
    for client in clients.values():
        await say(client, push(UPDATED, uri="e2e://secret"), push(UPDATED, uri="e2e://open"))
    assert (await streams["holes"].message())["params"]["uri"] == "e2e://open"
    assert (await streams["alice"].message())["params"]["uri"] == "e2e://secret"


@conversation
async def test_over_all_servers_the_eras_are_heard_alike(everything):
    client = Modern(everything.url)
    stream = await client.listen("all", toolsListChanged=True)
    assert (await stream.message())["params"]["notifications"] == {"toolsListChanged": True}
    for server in everything.upstreams:
        stamp = {"_meta": {SUBSCRIPTION: "$subscription"}} if server.startswith("sl") else {}
        exchange = await client.play(f"{server}_act", push(TOOLS, **stamp))
        await exchange.reply()
        assert (await heard(stream, TOOLS))["params"]["_meta"] == {SUBSCRIPTION: "all"}


# A handshake client, a stateless server


@UP
@conversation
async def test_a_session_hears_only_what_it_subscribed_to(everything, server):
    client = await Handshake(everything.mount(server)).initialize()
    assert client.hello["capabilities"]["resources"] == {"listChanged": True, "subscribe": True}
    stream, record = await client.listen(), everything.record(server)
    await record.wait(lambda e: e["event"] == "listening")
    assert (await client.call("resources/subscribe", {"uri": URI}))["result"] == {}
    await say(client, stamped(OTHER), stamped(URI))
    assert (await heard(stream, UPDATED))["params"] == {"uri": URI}
    assert (await client.call("resources/subscribe", {"uri": OTHER}))["result"] == {}
    await say(client, stamped(OTHER))
    assert (await heard(stream, UPDATED))["params"] == {"uri": OTHER}
    assert (await client.call("resources/unsubscribe", {"uri": URI}))["result"] == {}
    await say(client, stamped(URI), stamped(OTHER))
    assert (await heard(stream, UPDATED))["params"] == {"uri": OTHER}


@UP
@conversation
async def test_a_change_of_subscriptions_leaves_one_listen_open(everything, server):
    """The new one is there before the old one ends, and nothing comes twice."""
    client = await Handshake(everything.mount(server), revision="2025-06-18").initialize()
    stream, record = await client.listen(), everything.record(server)
    since = record.mark()
    for uri in (URI, OTHER, "e2e://third"):
        assert (await client.call("resources/subscribe", {"uri": uri}))["result"] == {}
    wanted = [m["params"]["notifications"] for m in record.messages("subscriptions/listen", since)]
    assert [len(each.get("resourceSubscriptions", [])) for each in wanted][-3:] == [1, 2, 3]
    await say(client, stamped(URI), stamped(OTHER))
    first, second = [await heard(stream, UPDATED) for _ in range(2)]
    assert [first["params"]["uri"], second["params"]["uri"]] == [URI, OTHER]


@UP
@conversation
async def test_a_session_that_ends_ends_its_listen(everything, server):
    record = everything.record(server)
    since = record.mark()
    client = await Handshake(everything.mount(server)).initialize()
    mine = (await record.wait_message("subscriptions/listen", since))["id"]
    await client.end()
    if server == "sl-http":
        await record.wait(lambda e: e["event"] == "disconnect" and e["id"] == mine, since)
    else:
        gone = await record.wait_message("notifications/cancelled", since)
        assert gone["params"]["requestId"] == mine


@conversation
async def test_a_session_subscribes_only_to_what_its_principal_may_see(guarded):
    holes = await Handshake(guarded.mount("sl-http"), guarded.keys["holes"]).initialize()
    assert (await holes.call("resources/subscribe", {"uri": "e2e://open"}))["result"] == {}
    hidden = (await holes.call("resources/subscribe", {"uri": "e2e://secret"}))["error"]
    assert hidden["code"] == -32002
    stream = await holes.listen()
    alice = await Handshake(guarded.mount("sl-http"), guarded.keys["alice"]).initialize()
    assert (await alice.call("resources/subscribe", {"uri": "e2e://secret"}))["result"] == {}
    await say(alice, stamped("e2e://secret"), stamped("e2e://open"))
    assert (await heard(stream, UPDATED))["params"] == {"uri": "e2e://open"}


# Breaks


@pytest.mark.parametrize("era", ["handshake", "stateless"])
def test_after_a_break_each_listens_again_and_is_told_to_look(tmp_path, era):
    """Servers over HTTP that end and come back; in the stateless era nothing is replayed."""
    table, port = catalogue.full(era), free_port()

    @conversation
    async def run(gate, servers):
        if era == "handshake":
            client = Modern(gate.mount("s"))
            stream = await client.listen("mine", toolsListChanged=True, resourceSubscriptions=[URI])
            assert (await stream.message())["params"]["notifications"]["resourceSubscriptions"] == [URI]
        else:
            client = await Handshake(gate.mount("s")).initialize()
            stream = await client.listen()
            assert (await client.call("resources/subscribe", {"uri": URI}))["result"] == {}
        await asyncio.to_thread(servers.restart)
        if era == "handshake":  # a lost session shows when it is used
            await client.play("act")
        found = {}
        while not found.keys() >= {TOOLS, UPDATED}:
            message = await stream.message()
            found[message["method"]] = message.get("params", {})
        assert found[UPDATED]["uri"] == URI
        await say(client, push(UPDATED, uri=URI, n=1) if era == "handshake" else stamped(URI))
        assert (await heard(stream, UPDATED))["params"]["uri"] == URI

    class Servers:
        def __init__(self):
            self.at = over_http(tmp_path, "s", table, port=port)
            self.upstream = self.at.__enter__()

        def restart(self):
            self.at.__exit__(None, None, None)
            self.at = over_http(tmp_path, "s", table, port=port)
            self.at.__enter__()

    servers = Servers()
    try:
        with gate_before(tmp_path, [servers.upstream]) as gate:
            run(gate, servers)
    finally:
        servers.at.__exit__(None, None, None)
