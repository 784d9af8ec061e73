"""HTTP+SSE of 2024-11-05 towards servers that behave, and servers that do not."""

import asyncio
import itertools
import json
import sys

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports.connect import SseConnector
from keepgate.transports.http_client import HttpLimits
from tests.support.processes import free_port, running
from tests.transports.http_peer import PATIENCE
from tests.transports.raw_peer import STREAM, chunk, peer, reply
from tests.transports.test_upstream_http import SDK
from tests.transports.upstreams import Recorder, at_end, on_both_loops, started

REQUEST = b'{"jsonrpc":"2.0","id":1,"method":"x"}'
RESULT = b'{"jsonrpc":"2.0","id":1,"result":{}}'


def connect(url, **limits):
    connector = SseConnector(url, limits=HttpLimits(**limits))

    async def close():
        connector.close()
        await asyncio.sleep(0)

    at_end(close)
    return connector


def endpoint(where):
    return chunk(b"event: endpoint\ndata: %b\n\n" % where)


class OldServer:
    """Answers every request with RESULT on the stream."""

    def __init__(self, where=b"/messages?session=1", accepted=202):
        self.where, self.accepted = where, accepted
        self.stream, self.left = None, asyncio.Event()

    async def __call__(self, asked, wire):
        if asked.method == "POST":
            await self.stream.send(chunk(b"event: message\ndata: " + RESULT + b"\n\n"))
            return reply(self.accepted)
        self.stream = wire
        await wire.send(STREAM + endpoint(self.where))
        await wire.gone()
        self.left.set()
        return None


@pytest.mark.parametrize("accepted", [200, 202])
@on_both_loops
async def test_messages_are_posted_and_answers_come_on_the_stream(accepted):
    old = OldServer(accepted=accepted)
    server = await peer(old)
    channel, sink = await started(connect(server.url))
    answers = Recorder()
    call = channel.request(REQUEST, {"A": "b"}, answers)
    assert await sink.next("message") == (RESULT, None)
    call.finished()
    call.cancel()
    await channel.notify(REQUEST, {})
    assert await sink.next("message") == (RESULT, None)
    channel.listen({})
    get, post, *_ = server.asked
    assert (get.method, get.target, get.headers["accept"]) == ("GET", "/mcp", "text/event-stream")
    assert (post.method, post.target, post.body, post.headers["a"]) == (
        "POST",
        "/messages?session=1",
        REQUEST,
        "b",
    )
    await channel.close()
    async with asyncio.timeout(PATIENCE):
        await old.left.wait()
    assert sink.heard.empty()
    assert answers.heard.empty()
    with pytest.raises(UpstreamError):
        await channel.notify(REQUEST, {})


@pytest.mark.parametrize("where", ["http://127.0.0.1:{port}/x", "/x", "x", "?s=1"])
@on_both_loops
async def test_an_endpoint_of_the_same_origin_is_taken(where):
    old = OldServer()
    server = await peer(old)
    old.where = where.format(port=server.port).encode()
    channel, _ = await started(connect(server.url))
    await channel.notify(REQUEST, {})
    assert server.asked[1].target in ("/x", "/mcp?s=1")


@pytest.mark.parametrize(
    "answer",
    [
        STREAM + endpoint(b"http://127.0.0.2/x"),
        STREAM + endpoint(b"//evil.example/x"),
        STREAM + endpoint(b"https://127.0.0.1/x"),
        STREAM + endpoint(b"/x y"),
        STREAM + chunk(b"data: {}\n\n"),
        STREAM + chunk(b"data: " + b"x" * 2000),
        reply(200, b"{}"),
        reply(401),
        reply(404),
        reply(500),
        STREAM + chunk(b""),
    ],
)
@on_both_loops
async def test_what_names_no_endpoint_of_the_same_origin_is_refused(answer):
    server = await peer(answer)
    with pytest.raises(UpstreamError) as caught:
        await started(connect(server.url, event=1000))
    assert caught.value.kind in ("protocol", "status", "auth", "closed", "too-large")


@on_both_loops
async def test_an_endpoint_is_not_waited_for_without_end():
    async def silent(asked, wire):
        await wire.send(STREAM)
        await wire.gone()

    server = await peer(silent)
    with pytest.raises(UpstreamError) as caught:
        await started(connect(server.url, connect=0.2))
    assert (caught.value.kind, caught.value.retryable) == ("timeout", True)


@on_both_loops
async def test_a_message_that_is_not_accepted_fails_alone():
    old = OldServer(accepted=400)
    server = await peer(old)
    channel, sink = await started(connect(server.url))
    answers = Recorder()
    channel.request(REQUEST, {}, answers)
    assert (await answers.next("closed")).kind == "status"
    channel.request(REQUEST, {"A": "\n"}, answers)
    assert (await answers.next("closed")).kind == "protocol"
    with pytest.raises(UpstreamError):
        await channel.notify(REQUEST, {})
    await sink.next("message")
    await sink.next("message")
    assert sink.heard.empty()


@pytest.mark.parametrize("sent", [chunk(b""), chunk(b"data: " + b"x" * 2000), b"zz\r\n"])
@on_both_loops
async def test_the_end_of_the_stream_is_the_end_of_the_channel(sent):
    old = OldServer()
    server = await peer(old)
    channel, sink = await started(connect(server.url, event=1000))
    await old.stream.send(sent)
    failure = await sink.next("closed")
    assert failure.kind in ("closed", "too-large", "protocol")
    answers = Recorder()
    channel.request(REQUEST, {}, answers)
    assert (await answers.next("closed")).kind == "closed"


@on_both_loops
async def test_a_server_of_the_official_sdk_answers(tmp_path):
    port = free_port()
    with running([sys.executable, "-c", SDK, str(port), "sse"], tmp_path / "log") as server:
        await asyncio.to_thread(server.wait_for_port, port)
        channel, sink = await started(connect(f"http://127.0.0.1:{port}/sse"))
        ids = itertools.count(1)

        async def ask(method, params):
            body = {"jsonrpc": "2.0", "id": next(ids), "method": method, "params": params}
            channel.request(json.dumps(body).encode(), {}, Recorder())
            while "id" not in (message := json.loads(await sink.message_next())):
                pass
            return message["result"]

        client = {
            "protocolVersion": "2024-11-05",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "0"},
        }
        assert (await ask("initialize", client))["serverInfo"]["name"] == "peer"
        await channel.notify(b'{"jsonrpc":"2.0","method":"notifications/initialized"}', {})
        result = await ask("tools/call", {"name": "add", "arguments": {"a": 2, "b": 3}})
        assert result["content"][0]["text"] == "5"
        await channel.close()
