"""What ends a call, and what does not: it differs by era, and a naive forwarder has one rule for both."""

import contextlib

import pytest

from tests.e2e.client import STATELESS, Handshake, Pipe, conversation
from tests.e2e.gate import gate_before
from tests.e2e.talk import PAIRS, connect, nothing_came, progress, said, texts
from tests.e2e.upstreams.brain import Table
from tests.e2e.upstreams.start import over_http, over_stdio
from tests.support.processes import KEEPGATE, clean_env

handshake = pytest.mark.parametrize("server", ["hs-http", "hs-stdio"])
stateless = pytest.mark.parametrize("server", ["sl-http", "sl-stdio"])
pairs = pytest.mark.parametrize(("era", "server"), PAIRS)


def held(word, *then):
    """The steps of a call that waits at a gate, then notes that it went on."""
    return [{"note": word}, {"hold": word}, {"note": f"{word} went on"}, *then]


def call_with(record, word):
    """The id that the call which notes `word` had on the server's side."""
    return next(
        m["id"]
        for m in record.messages("tools/call")
        if {"note": word} in m["params"].get("arguments", {}).get("steps", [])
    )


@handshake
@pytest.mark.parametrize("streaming", [False, True], ids=["before the answer", "in mid-stream"])
@conversation
async def test_before_2026_a_disconnect_is_no_cancellation(everything, server, streaming, unique):
    """A naive forwarder's upstream request dies with the client's connection, and with it a call that has effects."""
    client, record = await connect(everything, "handshake", server), everything.record(server)
    since = record.mark()
    ahead = [progress(1)] if streaming else []
    exchange = await client.play("act", *ahead, *held(unique), _meta={"progressToken": 1})
    await record.wait_note(unique)
    if streaming:
        assert (await exchange.message())["method"] == "notifications/progress"
    await exchange.close()
    await nothing_came(client, record, f"{unique} went on", since)
    record.open_gate(unique)
    await record.wait_note(f"{unique} went on")
    assert not record.messages("notifications/cancelled", since)
    assert not [event for event in record.all()[since:] if event["event"] == "disconnect"]


@handshake
@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
@conversation
async def test_before_2026_only_the_notification_cancels(everything, server, revision, unique):
    """It must reach the server under the id that the server knows. A naive forwarder passes on the client's id."""
    client = await connect(everything, "handshake", server, revision=revision)
    record = everything.record(server)
    exchange = await client.play("act", *held(unique), request_id="mine")
    await record.wait_note(unique)
    status, _ = await client.notify("notifications/cancelled", {"requestId": "mine", "reason": "enough"})
    assert status == 202
    await record.wait_note(f"cancelled at {unique}")
    assert await exchange.messages() == []
    cancelled = record.messages("notifications/cancelled")[-1]
    assert cancelled["params"]["requestId"] == call_with(record, unique)


@stateless
@pytest.mark.parametrize("streaming", [False, True], ids=["before the answer", "in mid-stream"])
@conversation
async def test_in_2026_a_disconnect_cancels(everything, server, streaming, unique):
    """A naive forwarder reads the server's answer to its end for nobody."""
    client, record = await connect(everything, "stateless", server), everything.record(server)
    since = record.mark()
    ahead = [progress(1)] if streaming else []
    exchange = await client.play("act", *ahead, *held(unique), _meta={"progressToken": 1})
    await record.wait_note(unique)
    if streaming:
        assert (await exchange.message())["method"] == "notifications/progress"
    await exchange.close()
    theirs = call_with(record, unique)
    if server == "sl-http":
        event = await record.wait(lambda e: e["event"] == "disconnect" and e["id"] == theirs)
        assert event["method"] == "tools/call"
        assert not record.messages("notifications/cancelled", since), "over HTTP the closed stream says it"
    else:
        cancelled = await record.wait_message("notifications/cancelled", since)
        assert cancelled["params"]["requestId"] == theirs
        await record.wait_note(f"cancelled at {unique}")


@conversation
async def test_in_2026_the_notification_does_nothing_over_http(everything, unique):
    """There it is for pipes only: ids of stateless requests belong to nobody, so anybody could name them."""
    client, record = await connect(everything, "stateless", "sl-http"), everything.record("sl-http")
    since = record.mark()
    exchange = await client.play("act", *held(unique, said("done")), request_id="known")
    await record.wait_note(unique)
    params = client.enveloped({"requestId": "known"})
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
    note = await client.post(body, {"Mcp-Method": "notifications/cancelled", "Mcp-Name": None})
    assert await note.head() == 202
    await nothing_came(client, record, since=since)
    record.open_gate(unique)
    assert texts(await exchange.reply()) == ["done"]


@pytest.mark.parametrize("revision", ["2025-11-25", STATELESS])
@conversation
async def test_on_a_pipe_the_notification_cancels_in_both_eras(everything, revision, unique, pipe_config):
    """A naive forwarder passes on an id that the server has never seen."""
    server = "sl-http" if revision == STATELESS else "hs-stdio"
    record = everything.record(server)
    command = [*KEEPGATE, "stdio", "--config", str(pipe_config)]
    log = pipe_config.with_suffix(".log")
    async with Pipe.start(*command, log=log, env=clean_env(pipe_config.parent)) as client:
        meta = {}
        if revision == STATELESS:
            meta = (await connect(everything, "stateless", server)).enveloped({})["_meta"]
        else:
            await client.initialize(revision)
        call = {"name": f"{server}_act", "arguments": {"steps": held(unique)}, "_meta": meta}
        client.start_request("tools/call", call, "mine")
        await record.wait_note(unique)
        cancel = {"requestId": "mine", "_meta": meta}
        for other in (7, "other", None, True):
            note = {
                "jsonrpc": "2.0",
                "method": "notifications/cancelled",
                "params": {**cancel, "requestId": other},
            }
            client.send(note)
        client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel})
        if revision == STATELESS:
            theirs = call_with(record, unique)
            await record.wait(lambda e: e["event"] == "disconnect" and e["id"] == theirs)
        else:
            await record.wait_note(f"cancelled at {unique}")
        call["arguments"] = {"steps": [said("next")]}
        reply = await client.call("tools/call", call, "next")
        assert texts(reply) == ["next"]
        assert "mine" not in [message.get("id") for message in client.heard]


@handshake
@conversation
async def test_a_cancellation_that_names_several_calls_ends_none(everything, server, unique):
    """With id 1 for everything it is anybody's guess which was meant. A naive forwarder ends the newest."""
    client, record = await connect(everything, "handshake", server), everything.record(server)
    since = record.mark()
    words = [f"{unique}-{n}" for n in range(2)]
    running = [await client.play("act", *held(word, said(word)), request_id=1) for word in words]
    for word in words:
        await record.wait_note(word)
    await client.notify("notifications/cancelled", {"requestId": 1})
    await nothing_came(client, record, since=since)
    assert not record.messages("notifications/cancelled", since)
    for word, exchange in zip(words, running, strict=True):
        record.open_gate(word)
        assert texts(await exchange.reply()) == [word]


@handshake
@conversation
async def test_a_cancellation_that_names_something_else_ends_nothing(everything, server, unique):
    """`"7"` is not 7, and the ids of another session are not one's own. A naive forwarder keys by text, globally."""
    client, record = await connect(everything, "handshake", server), everything.record(server)
    stranger = await connect(everything, "handshake", server)
    since = record.mark()
    exchange = await client.play("act", *held(unique, said("done")), request_id=7)
    await record.wait_note(unique)
    for wrong in ("7", 7.0, True, None, [7], {"id": 7}, 70, call_with(record, unique)):
        await client.notify("notifications/cancelled", {"requestId": wrong})
    await client.notify("notifications/cancelled", {})
    await client.notify("notifications/cancelled")
    for right in (7, call_with(record, unique)):
        await stranger.notify("notifications/cancelled", {"requestId": right})
    await nothing_came(client, record, since=since)
    await nothing_came(stranger, record, since=since)
    assert not record.messages("notifications/cancelled", since)
    record.open_gate(unique)
    assert texts(await exchange.reply()) == ["done"]


@handshake
@conversation
async def test_a_reply_that_comes_after_the_cancellation_is_dropped(everything, server, unique):
    """A naive forwarder passes it on; the client may by then have used the id again."""
    client, record = await connect(everything, "handshake", server), everything.record(server)
    standing = await client.listen()
    steps = [
        {"stubborn": True},
        *held(unique, progress(1), said("late")),
    ]
    exchange = await client.play("act", *steps, request_id=1, _meta={"progressToken": 1})
    await record.wait_note(unique)
    await client.notify("notifications/cancelled", {"requestId": 1})
    assert await exchange.messages() == []
    again = await client.play(
        "act", {"note": f"{unique} again"}, {"hold": f"{unique}-2"}, said("right"), request_id=1
    )
    await record.wait_note(f"{unique} again")
    record.open_gate(unique)
    if server == "hs-stdio":  # over HTTP the stream of the late reply is closed
        await record.wait_note(f"{unique} went on")
    record.open_gate(f"{unique}-2")
    assert texts(await again.reply()) == ["right"]
    pushed = await client.play("act", {"push": {"method": "notifications/tools/list_changed"}})
    await pushed.reply()
    heard = await standing.message()
    assert heard["method"] == "notifications/tools/list_changed", "nothing of the late call came before this"


@handshake
@conversation
async def test_initialize_cannot_be_cancelled_into_a_half_open_session(everything, server):
    """The specification forbids it; a client that tries gets a working session all the same."""
    client = Handshake(everything.mount(server))
    await client.initialize()
    await client.notify("notifications/cancelled", {"requestId": 0})
    assert "result" in await client.tool("app")


# Time limits


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """A call may be silent for half a second, and last one and a half."""
    directory = tmp_path_factory.mktemp("hasty")
    limits = {"call_timeout": 0.5, "call_maximum": 1.5}
    with contextlib.ExitStack() as stack:
        upstreams = []
        for short, era in (("hs", "handshake"), ("sl", "stateless")):
            table = Table(era=era, lists={"tools/list": [{"name": "act", "inputSchema": {"type": "object"}}]})
            upstreams.append(stack.enter_context(over_http(directory, f"{short}-http", table)))
            upstreams.append(over_stdio(directory, f"{short}-stdio", table))
        yield stack.enter_context(gate_before(directory, upstreams, limits=limits))


@pairs
@conversation
async def test_a_silent_call_and_an_endless_one_both_end_and_the_server_is_told(hasty, era, server, unique):
    """A server that keeps sending progress must not hold a call for ever. A naive forwarder waits as long as it lives,
    or ends its own side and lets the server go on."""
    client, record = await connect(hasty, era, server), hasty.record(server)
    endless = {"method": "notifications/progress", "params": {"progressToken": "$token", "progress": 1}}
    for word, step in ((f"{unique}-silent", {"hold": unique}), (f"{unique}-endless", {"beat": endless})):
        since = record.mark()
        exchange = await client.play("act", {"note": word}, step, _meta={"progressToken": 1})
        reply = (await exchange.messages())[-1]
        assert reply["result"]["isError"] is True
        assert "did not answer within" in texts(reply)[0]
        theirs = call_with(record, word)
        if server == "sl-http":
            await record.wait(
                lambda e, theirs=theirs: e["event"] == "disconnect" and e["id"] == theirs, since
            )
        else:
            cancelled = await record.wait_message("notifications/cancelled", since)
            assert cancelled["params"]["requestId"] == theirs
    assert texts(await (await client.play("act", said("next"))).reply()) == ["next"]


@pytest.mark.parametrize("server", ["sl-http", "sl-stdio"])
@conversation
async def test_a_question_of_a_cancelled_call_is_withdrawn_over_the_bridge(everything, server, unique):
    """The server of 2026-07-28 knows nothing of the question any more; the person at the client should not be asked."""
    client = await connect(everything, "handshake", server, capabilities={"roots": {}})
    asking = {"inputRequests": {"k": {"method": "roots/list"}}}
    exchange = await client.play("act", {"input": asking}, said("on"), request_id=unique)
    asked = await exchange.until(lambda m: m.get("method") == "roots/list")
    await client.notify("notifications/cancelled", {"requestId": unique})
    heard = await exchange.messages()
    assert [m.get("method") for m in heard] == ["notifications/cancelled"]
    assert heard[0]["params"]["requestId"] == asked["id"]
    assert await client.answer(asked["id"], result={"roots": []}) == 202, "an answer too late does no harm"
