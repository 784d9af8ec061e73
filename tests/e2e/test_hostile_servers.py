"""Servers that flood, never end, or answer what was not asked: bounded, closed, recorded, and nobody else's trouble."""

import asyncio
import contextlib

import psutil
import pytest

from tests.e2e.chaos import STREAM, Score, Server, calling
from tests.e2e.client import FRONTS, conversation
from tests.e2e.faults import failed, records, texts, until, with_tools
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.over_http import chunk, encoded, head
from tests.e2e.upstreams.start import over_stdio

eras = pytest.mark.parametrize("era", ["handshake", "stateless"])


def event(body):
    return chunk(b"data: " + encoded(body) + b"\n\n")


def answers(*bodies):
    """Misbehaviour: an event stream of these, made from the right reply, and its end."""

    async def misbehave(server, wire, message):
        await wire.write(head(200, STREAM) + b"".join(event(make(server.reply(message))) for make in bodies))
        await wire.write(chunk(b""))

    return misbehave


def right(reply):
    return reply


def of_another(reply):
    return {**reply, "id": reply["id"] + 1_000_000}


def as_text(reply):
    return {**reply, "id": str(reply["id"])}


def empty(reply):
    return {**reply, "result": {**reply["result"], "content": []}}


@contextlib.asynccontextmanager
async def before(tmp_path, era, misbehave, **limits):
    """A gate before this server and a good one; clients of both."""
    async with contextlib.AsyncExitStack() as stack:
        bad = await stack.enter_async_context(Server(era, misbehave).running())
        good = await stack.enter_async_context(Server(era).running())
        servers = [bad.upstream("bad"), good.upstream("good")]
        gate = stack.enter_context(gate_before(tmp_path, servers, limits=limits))
        clients = [await FRONTS[era](gate.mount(server.id)).initialize() for server in servers]
        yield gate, bad, *clients


def reasons(tmp_path, method):
    return [
        record["verdict"]["reason"] for record in records(tmp_path, "--method", method, "--server", "bad")
    ]


@eras
@pytest.mark.parametrize("wrong", [of_another, as_text])
@conversation
async def test_an_answer_with_another_id_is_no_answer(tmp_path, era, wrong):
    async with before(tmp_path, era, answers(wrong)) as (_, _, client, good):
        reply = await client.tool("act", {"nonce": "mine"})
        assert failed(reply)
        assert "`bad`" in texts(reply)
        assert not failed(await good.tool("act", {"nonce": "x"}))
    assert any("no pending request" in reason for reason in reasons(tmp_path, "upstream.dropped"))
    assert reasons(tmp_path, "upstream.failed")


@eras
@conversation
async def test_of_two_answers_the_first_counts(tmp_path, era):
    async with before(tmp_path, era, answers(right, empty)) as (_, _, client, _):
        for number in range(5):
            reply = await client.tool("act", {"nonce": f"n{number}"})
            assert texts(reply) == f"n{number}"


@eras
@conversation
async def test_an_answer_to_anothers_call_reaches_nobody(tmp_path, era):
    """Over HTTP a reply counts only on the stream of its own request."""
    waiting = []

    async def crossed(server, wire, message):
        waiting.append((wire, message))
        if len(waiting) < 2:
            await wire.gone()
            return False
        (first, asked), (second, _) = waiting
        await second.write(head(200, STREAM) + event(server.reply(asked)) + chunk(b""))
        await asyncio.sleep(0.2)
        await first.write(head(200, STREAM) + event(server.reply(asked)) + chunk(b""))
        return False

    async with before(tmp_path, era, crossed) as (_, _, client, _):
        one = asyncio.create_task(client.tool("act", {"nonce": "first"}))
        await until(lambda: waiting, "the first call is there")
        two = await client.tool("act", {"nonce": "second"})
        assert failed(two), two
        assert texts(await one) == "first"
    assert any("no pending request" in reason for reason in reasons(tmp_path, "upstream.dropped"))


@eras
@pytest.mark.parametrize("drip", [b": still here\n\n", b"event: tick\ndata: 1\n\n", b"id: 1\n\n"])
@conversation
async def test_a_stream_of_nothing_ends_when_patience_does(tmp_path, era, drip):
    closed = []

    async def endless(server, wire, message):
        await wire.write(head(200, STREAM))
        gone = asyncio.ensure_future(wire.gone())
        with contextlib.suppress(ConnectionError):
            while not gone.done():
                await wire.write(chunk(drip))
                await asyncio.sleep(0.05)
        with contextlib.suppress(ConnectionError):
            await gone
        closed.append(True)
        return False

    async with before(tmp_path, era, endless, call_timeout=1.0) as (_, _, client, good):
        reply = await client.tool("act", {"nonce": "x"})
        assert failed(reply)
        assert "within 1 s" in texts(reply)
        await until(lambda: closed, "the stream is closed")
        assert not failed(await good.tool("act", {"nonce": "x"}))


@eras
@conversation
async def test_signs_of_life_without_an_answer_end_at_the_maximum(tmp_path, era):
    closed = []

    async def lively(server, wire, message):
        token = message["params"]["_meta"]["progressToken"]
        body = {"jsonrpc": "2.0", "method": "notifications/progress"}
        await wire.write(head(200, STREAM))
        gone = asyncio.ensure_future(wire.gone())
        number = 0
        with contextlib.suppress(ConnectionError):
            while not gone.done():
                number += 1
                await wire.write(event({**body, "params": {"progressToken": token, "progress": number}}))
                await asyncio.sleep(0.1)
        with contextlib.suppress(ConnectionError):
            await gone
        closed.append(number)
        return False

    async with before(tmp_path, era, lively, call_timeout=1.0, call_maximum=3.0) as (_, _, client, _):
        reply = await client.tool("act", {}, _meta={"progressToken": "p"})
        assert failed(reply)
        assert "within 3 s" in texts(reply)
        await until(lambda: closed, "the stream is closed")
        assert closed[0] > 5


@eras
@conversation
async def test_a_flood_of_notifications_is_slowed_then_cut_and_the_others_go_on(tmp_path, era):
    news = {
        "jsonrpc": "2.0",
        "method": "notifications/message",
        "params": {"level": "info", "data": "x" * 200},
    }
    closed = []

    async def floods(server, wire, message):
        await wire.write(head(200, STREAM))
        gone = asyncio.ensure_future(wire.gone())
        many = event(news) * 50
        with contextlib.suppress(ConnectionError):
            while not gone.done():
                await wire.write(many)
                await asyncio.sleep(0)
        with contextlib.suppress(ConnectionError):
            await gone
        closed.append(True)
        return False

    async with before(tmp_path, era, floods, call_timeout=20) as (gate, _, client, good):
        assert not failed(await good.tool("act", {"nonce": "x"}))
        memory = psutil.Process(gate.process.process.pid).memory_info().rss
        score = Score()
        ends = asyncio.get_running_loop().time() + 3
        beside = asyncio.create_task(calling(good, "act", score, ends))
        reply = await client.tool("act", {"nonce": "x"})
        assert failed(reply)
        assert "floods" in texts(reply)
        await until(lambda: closed, "the stream is closed")
        await beside
        assert not score.failed, score.said
        assert not score.wrong
        assert score.right > 5
        assert psutil.Process(gate.process.process.pid).memory_info().rss < memory + (64 << 20)
    assert any("more than 500 a second" in reason for reason in reasons(tmp_path, "upstream.dropped"))
    assert any("floods" in reason for reason in reasons(tmp_path, "upstream.lost"))
    heard = records(tmp_path, "--method", "notifications/message")
    assert 1000 < len(heard) < 10_000, "what was passed on is on record, and bounded"


@eras
@conversation
async def test_on_a_pipe_wrong_and_second_answers_are_dropped(tmp_path, era):
    server = over_stdio(tmp_path, "bad", with_tools("act", era=era))
    with gate_before(tmp_path, [server]) as gate:
        client = await FRONTS[era](gate.mount("bad")).initialize()
        stray = {"result": {"content": [{"type": "text", "text": "not yours"}]}}
        strays = [{"foreign": {"id": wrong, **stray}} for wrong in (999_999_999, "1", 0, -1, 1.5, None)]
        for _ in range(3):
            reply = await (await client.play("act", *strays)).reply()
            assert texts(reply) == "done"
        twice = {"content": [{"type": "text", "text": "once"}]}
        if era == "stateless":
            twice = {"resultType": "complete", **twice}
        reply = await (await client.play("act", {"foreign": {"id": "$id", "result": twice}})).reply()
        assert texts(reply) == "once", "the first one counts"
        assert not failed(await client.tool("act"))
    assert len(reasons(tmp_path, "upstream.dropped")) >= 12
