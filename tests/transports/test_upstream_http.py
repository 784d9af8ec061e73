"""Streamable HTTP towards servers that behave, and servers that do not."""

import asyncio
import itertools
import json
import sys

import pytest

from keepgate.model.errors import ConfigError, UpstreamError
from keepgate.transports import http_streams
from keepgate.transports.connect import HttpConnector, SseConnector
from keepgate.transports.http_client import HttpLimits
from tests.support.processes import free_port, running
from tests.transports.http_peer import PATIENCE
from tests.transports.raw_peer import STREAM, chunk, peer, reply
from tests.transports.upstreams import Recorder, at_end, on_both_loops, started

REQUEST = b'{"jsonrpc":"2.0","id":1,"method":"x"}'
RESULT = b'{"jsonrpc":"2.0","id":1,"result":{}}'
ERROR = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}'
NEWS = b'{"jsonrpc":"2.0","method":"notifications/x"}'


def event(data, event_id=None, retry=None):
    """A chunk with one event."""
    head = b"" if event_id is None else b"id: %b\n" % event_id
    head += b"" if retry is None else b"retry: %d\n" % retry
    return chunk(head + b"data: " + data + b"\n\n")


def stream(*events):
    """A whole event stream that ends."""
    return STREAM + b"".join(events) + chunk(b"")


def connect(url, headers=None, **limits):
    connector = HttpConnector(url, headers=headers, limits=HttpLimits(**limits))

    async def close():
        connector.close()
        await asyncio.sleep(0)

    at_end(close)
    return connector


async def channel_to(answer, era="handshake", **limits):
    """A peer, an open channel to it and the channel's own sink."""
    server = await peer(answer)
    channel, sink = await started(connect(server.url, **limits), era)
    return server, channel, sink


def ask(channel, headers=None):
    """Send a request; its sink, and the stream."""
    sink = Recorder()
    return sink, channel.request(REQUEST, headers or {}, sink)


async def failure_of(answer, era="handshake", **limits):
    """How a request with this one answer ends, which nobody called finished."""
    _, channel, _ = await channel_to(answer if callable(answer) else [answer], era, **limits)
    sink, _ = ask(channel)
    async with asyncio.timeout(PATIENCE):
        while (heard := await sink.heard.get())[0] != "closed":
            pass
    assert sink.heard.empty()
    return heard[1]


# Answers


async def known(answer, era, **limits):
    """A channel that has had ordinary answers, to a server that goes on with `answer`."""
    server, channel, _ = await channel_to([reply(200, RESULT), reply(200, RESULT), answer], era, **limits)
    for _ in range(2):
        sink, call = ask(channel)
        assert await sink.next("opened") is False
        assert await sink.message_next() == RESULT
        call.finished()
    return server, channel


@pytest.mark.parametrize("era", ["handshake", "stateless"])
@on_both_loops
async def test_an_answer_with_a_known_head_must_be_a_response_all_the_same(era):
    _, channel = await known(reply(200, NEWS), era)
    sink, _ = ask(channel)
    assert await sink.next("opened") is False
    assert await sink.message_next() == NEWS
    assert (await sink.next("closed")).kind == "protocol"


@pytest.mark.parametrize("era", ["handshake", "stateless"])
@on_both_loops
async def test_an_answer_with_a_known_head_is_bounded_all_the_same(era):
    _, channel = await known(reply(200, b"x" * 101), era, body=100)
    sink, _ = ask(channel)
    assert await sink.next("opened") is False
    assert (await sink.next("closed")).kind == "too-large"


@pytest.mark.parametrize("era", ["handshake", "stateless"])
@on_both_loops
async def test_who_cancels_when_a_known_answer_opens_hears_no_more(era):
    server, channel = await known(reply(200, RESULT), era)

    class Leaving(Recorder):
        def opened(self, *, streaming):
            super().opened(streaming=streaming)
            call.cancel()

    sink = Leaving()
    call = channel.request(REQUEST, {}, sink)
    assert await sink.next("opened") is False
    await server.until_asked(3)
    for _ in range(20):
        await asyncio.sleep(0)
    assert sink.heard.empty()


@on_both_loops
async def test_a_stream_in_many_small_pieces_gathers_and_arrives_whole(monkeypatch):
    monkeypatch.setattr(http_streams, "_MOMENT", 0.05)
    held = []
    pause = http_streams.Call.pause
    monkeypatch.setattr(http_streams.Call, "pause", lambda call: (held.append(call), pause(call))[1])

    async def trickle(asked, wire):
        await wire.send(STREAM)
        for n in range(40):
            await wire.send(event(b"%d" % n))
            await asyncio.sleep(0.001)
        return event(RESULT) + chunk(b"")

    server, channel, _ = await channel_to(trickle)
    for _ in range(2):
        sink, call = ask(channel)
        assert await sink.next("opened") is True
        for n in range(40):
            assert await sink.message_next() == b"%d" % n
        assert await sink.message_next() == RESULT
        call.finished()
    assert {type(call) for call in held} == {http_streams.Call}
    assert len(set(held)) == 2
    assert server.connections == 1


@on_both_loops
async def test_a_stream_that_is_being_gathered_can_be_cancelled(monkeypatch):
    monkeypatch.setattr(http_streams, "_MOMENT", 0.05)
    gone = asyncio.Event()

    async def endless(asked, wire):
        await wire.send(STREAM)
        try:
            while True:
                await wire.send(event(NEWS))
                await asyncio.sleep(0.001)
        except ConnectionError:
            gone.set()
            raise

    _, channel, _ = await channel_to(endless)
    sink, call = ask(channel)
    await sink.next("opened")
    async with asyncio.timeout(PATIENCE):
        while not call._pieces:
            await sink.message_next()
        call.cancel()
        await gone.wait()


@pytest.mark.parametrize("era", ["handshake", "stateless"])
@on_both_loops
async def test_a_json_answer_is_one_message(era):
    server, channel, _ = await channel_to(reply(200, RESULT, "application/JSON; charset=utf-8"), era)
    for _ in range(2):
        sink, call = ask(channel, {"Mcp-Method": "x"})
        assert sink.heard.empty()
        assert await sink.next("opened") is False
        assert await sink.next("message") == (RESULT, None)
        call.finished()
        call.cancel()
    assert server.connections == 1
    asked = server.asked[0]
    assert (asked.method, asked.target, asked.body) == ("POST", "/mcp", REQUEST)
    assert asked.headers["accept"] == "application/json, text/event-stream"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["mcp-method"] == "x"
    assert sink.heard.empty()


@on_both_loops
async def test_an_event_stream_is_a_message_an_event():
    answer = stream(
        event(b"", b"p", 20),
        chunk(b": comment\n\n"),
        event(NEWS, b"1"),
        chunk(b"event: other\ndata: {}\n\n"),
        event(RESULT, b"2"),
    )
    server, channel, _ = await channel_to(answer)
    for _ in range(2):
        sink, call = ask(channel)
        assert await sink.next("opened") is True
        assert await sink.next("message") == (NEWS, "1")
        assert await sink.next("message") == (RESULT, "2")
        call.finished()
    assert sink.heard.empty()
    assert server.connections == 1


@on_both_loops
async def test_a_caller_may_take_one_turn_of_the_loop_to_say_that_it_has_its_response():
    _, channel, _ = await channel_to(stream(event(RESULT, b"1")))

    class Waiter(Recorder):
        def message(self, raw, event_id=None):
            super().message(raw, event_id)
            answer.set_result(None)

    async def call():
        running = channel.request(REQUEST, {}, sink)
        await answer
        running.finished()

    sink, answer = Waiter(), asyncio.get_running_loop().create_future()
    await call()
    await sink.next("opened")
    await sink.next("message")
    later, call = ask(channel)  # it would come after anything late
    await later.next("opened")
    call.cancel()
    assert sink.heard.empty()


@pytest.mark.parametrize(
    ("answer", "kind", "status"),
    [
        (reply(202, media=None), "protocol", 202),
        (reply(204, media=None), "protocol", 204),
        (reply(302, Location="/x"), "status", 302),
        (reply(400, b"bad"), "status", 400),
        (reply(400, ERROR, "text/plain"), "status", 400),
        (reply(400, b'{"detail":"x"}'), "status", 400),
        (reply(400, b'["jsonrpc"]'), "status", 400),
        (reply(401, ERROR), "auth", 401),
        (reply(403, b"no"), "auth", 403),
        (reply(404, b"no"), "status", 404),
        (reply(500, b"x" * 60_000), "status", 500),
        (reply(500, b"x" * 70_000), "status", 500),
        (reply(200, RESULT, "text/html"), "protocol", 0),
        (reply(200, RESULT, "application/jsonp"), "protocol", 0),
        (reply(200, RESULT, None), "protocol", 0),
        (reply(200, NEWS), "protocol", 0),
        (stream(), "closed", 0),
        (stream(event(NEWS)), "closed", 0),
        (reply(200, b"x" * 2001), "too-large", 0),
        (stream(event(b"x" * 1001)), "too-large", 0),
    ],
)
@pytest.mark.parametrize("era", ["handshake", "stateless"])
@on_both_loops
async def test_what_is_no_answer_fails(answer, kind, status, era):
    failure = await failure_of(answer, era, body=2000, event=1000)
    assert (failure.kind, failure.http_status) == (kind, status)
    assert not failure.retryable
    if kind == "status" and status in (400, 404):
        assert failure.body


@on_both_loops
async def test_a_json_rpc_error_with_an_error_status_is_a_message_and_then_the_status():
    _, channel, _ = await channel_to([reply(404, ERROR), reply(400, ERROR)], "stateless")
    sink, call = ask(channel)
    assert await sink.message_next() == ERROR
    call.finished()
    other, _ = ask(channel)
    assert await other.message_next() == ERROR
    failure = await other.next("closed")
    assert (failure.kind, failure.http_status, failure.body) == ("status", 400, ERROR)
    assert sink.heard.empty()


@on_both_loops
async def test_headers_that_must_not_be_sent_fail_before_anything_is_sent():
    server, channel, _ = await channel_to(reply(200, RESULT))
    for headers in ({"A": "b\r\nC: d"}, {"Mcp-Session-Id": "mine"}, {"A": "ü"}):
        sink, _ = ask(channel, headers)
        assert sink.heard.empty()
        assert (await sink.next("closed")).kind == "protocol"
        with pytest.raises(UpstreamError):
            await channel.notify(NEWS, headers)
        with pytest.raises(UpstreamError):
            channel.listen(headers)
    assert server.asked == []
    with pytest.raises(ConfigError):
        HttpConnector(server.url, headers={"Host": "x"})
    with pytest.raises(ConfigError):
        HttpConnector("ftp://x/")


@on_both_loops
async def test_the_headers_of_the_configuration_go_with_everything():
    server = await peer([reply(200, RESULT, Mcp_Session_Id="s"), reply(202), reply(405), reply(204)])
    connector = connect(server.url, {"Authorization": "Bearer t"})
    channel = connector.channel(era="handshake")
    await channel.open(Recorder())
    sink, _ = ask(channel)
    await sink.next("opened")
    await channel.notify(NEWS, {})
    channel.listen({})
    await server.until_asked(3)
    await channel.close()
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer t"] * 4


# Sessions


@on_both_loops
async def test_the_session_of_the_first_answer_is_kept():
    answers = [reply(200, RESULT, Mcp_Session_Id=name) for name in ("one", "two")]
    server, channel, _ = await channel_to([*answers, reply(202), reply(204)])
    for _ in range(2):
        sink, call = ask(channel)
        await sink.next("opened")
        await sink.next("message")
        call.finished()
    await channel.notify(NEWS, {"MCP-Protocol-Version": "2025-11-25"})
    assert channel.session_id == "one"
    await channel.close()
    await channel.close()
    assert [asked.headers.get("mcp-session-id") for asked in server.asked] == [None, "one", "one", "one"]
    assert server.asked[3].method == "DELETE"
    assert server.asked[3].headers["mcp-protocol-version"] == "2025-11-25"


@on_both_loops
async def test_there_are_no_sessions_in_the_stateless_era():
    server, channel, _ = await channel_to(reply(200, RESULT, Mcp_Session_Id="s"), "stateless")
    for _ in range(2):
        sink, call = ask(channel)
        await sink.next("opened")
        call.finished()
    channel.listen({})
    await channel.close()
    assert channel.session_id == ""
    assert ["mcp-session-id" in asked.headers for asked in server.asked] == [False, False]


@pytest.mark.parametrize("session", ["a b", "a\tb", "\xe4", "x" * 1025])
@on_both_loops
async def test_a_malformed_session_id_is_refused(session):
    assert (await failure_of(reply(200, RESULT, Mcp_Session_Id=session))).kind == "protocol"


@on_both_loops
async def test_a_forgotten_session_can_be_told_and_the_request_sent_again():
    first = reply(200, RESULT, Mcp_Session_Id="s")
    _, channel, _ = await channel_to([first, reply(404, ERROR), reply(404), reply(404)])
    sink, call = ask(channel)
    await sink.next("opened")
    call.finished()
    sink, _ = ask(channel)
    failure = await sink.next("closed")
    assert (failure.kind, failure.retryable) == ("session-lost", True)
    with pytest.raises(UpstreamError) as caught:
        await channel.notify(NEWS, {})
    assert caught.value.kind == "session-lost"


# As the examples of the TypeScript SDK answer, and the Python SDK before 1.25.
NO_SESSION = (
    b'{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID"},"id":null}'
)
MISSING = b'{"jsonrpc":"2.0","error":{"code":-32602,"message":"missing argument"},"id":null}'


@pytest.mark.parametrize(
    ("status", "body", "session", "kind"),
    [
        (400, NO_SESSION, "s", "session-lost"),
        (400, b"No valid session ID provided", "s", "session-lost"),
        (400, MISSING, "s", "status"),
        (500, NO_SESSION, "s", "status"),
        (400, NO_SESSION, "", "status"),
    ],
)
@on_both_loops
async def test_a_session_is_lost_if_a_bad_request_says_so(status, body, session, kind):
    more = {"Mcp_Session_Id": session} if session else {}
    _, channel, _ = await channel_to([reply(200, RESULT, **more), reply(status, body), reply(200)])
    sink, call = ask(channel)
    await sink.next("opened")
    call.finished()
    with pytest.raises(UpstreamError) as caught:
        await channel.notify(NEWS, {})
    assert (caught.value.kind, caught.value.retryable) == (kind, kind == "session-lost")


@pytest.mark.parametrize("noise", [b":" + b"x" * 1000 + b"\n\n", b"event: other\ndata: x\n\n" * 50])
@on_both_loops
async def test_a_stream_flooded_with_what_is_no_message_is_ended(noise):
    async def flood(asked, wire):
        await wire.send(STREAM)
        for _ in range(100):
            await wire.send(chunk(noise))

    _, channel, _ = await channel_to([flood], event=2000)
    sink, _ = ask(channel)
    await sink.next("opened")
    assert (await sink.next("closed")).kind == "too-large"


@on_both_loops
async def test_comments_between_messages_are_no_flood():
    async def chatter(asked, wire):
        await wire.send(STREAM)
        for _ in range(20):
            await wire.send(chunk(b":" + b"x" * 1000 + b"\n\n") + event(NEWS))

    _, channel, _ = await channel_to([chatter], event=2000)
    sink, _ = ask(channel)
    await sink.next("opened")
    for _ in range(20):
        await sink.next("message")


# Resumption


@pytest.mark.parametrize("cut", ["end", "reset"])
@on_both_loops
async def test_a_broken_answer_stream_is_resumed_where_it_broke(cut):
    async def broken(asked, wire):
        await wire.send(STREAM + event(b"", b"0", 60) + event(NEWS, b"1"))
        if cut == "end":
            await wire.send(chunk(b""))
        else:
            await wire.heard.wait()
            wire.reset()

    async def broken_when_heard(asked, wire):
        wire.heard = heard
        return await broken(asked, wire)

    heard = asyncio.Event()
    server, channel, _ = await channel_to([broken_when_heard, stream(), stream(event(RESULT, b"2"))])
    sink, call = ask(channel, {"MCP-Protocol-Version": "2025-11-25"})
    assert await sink.next("opened") is True
    assert await sink.next("message") == (NEWS, "1")
    heard.set()
    assert await sink.next("interrupted") == 60
    assert await sink.next("interrupted") == 120
    assert await sink.next("message") == (RESULT, "2")
    call.finished()
    assert [asked.method for asked in server.asked] == ["POST", "GET", "GET"]
    resumed = server.asked[1].headers
    assert resumed["last-event-id"] == "1"
    assert resumed["accept"] == "text/event-stream"
    assert resumed["mcp-protocol-version"] == "2025-11-25"
    assert "content-type" not in resumed


@pytest.mark.parametrize("status", [404, 405])
@on_both_loops
async def test_an_answer_that_cannot_be_resumed_is_lost_and_not_to_be_repeated(status):
    first = reply(200, RESULT, Mcp_Session_Id="s")
    _, channel, _ = await channel_to([first, stream(event(NEWS, b"1", 0)), reply(status), reply(204)])
    sink, call = ask(channel)
    await sink.next("opened")
    call.finished()
    failure = await _end(ask(channel)[0])
    assert (failure.kind, failure.retryable) == ("closed", False)


@on_both_loops
async def test_resuming_ends(monkeypatch):
    monkeypatch.setattr(http_streams, "_RESUMES", 2)
    server, channel, _ = await channel_to([stream(event(NEWS, b"1", 0)), reply(503), reply(503)])
    failure = await _end(ask(channel)[0])
    assert (failure.kind, failure.retryable) == ("closed", False)
    assert len(server.asked) == 3


@on_both_loops
async def test_a_stream_that_goes_on_may_be_interrupted_as_often_as_the_server_likes(monkeypatch):
    monkeypatch.setattr(http_streams, "_RESUMES", 1)
    server, channel, _ = await channel_to([stream(event(NEWS, b"%d" % n, 0)) for n in range(4)])
    _, call = ask(channel)
    await server.until_asked(4)
    call.cancel()
    assert [asked.headers.get("last-event-id") for asked in server.asked] == [None, "0", "1", "2"]


async def _end(sink):
    async with asyncio.timeout(PATIENCE):
        while (heard := await sink.heard.get())[0] != "closed":
            pass
    return heard[1]


@pytest.mark.parametrize(
    ("era", "event_id"), [("stateless", b"1"), ("handshake", b"\xc3\xbc"), ("handshake", b"")]
)
@on_both_loops
async def test_without_an_event_id_that_can_be_sent_there_is_no_resumption(era, event_id):
    server, channel, _ = await channel_to([stream(event(NEWS, event_id, 0))], era)
    assert (await _end(ask(channel)[0])).kind == "closed"
    assert len(server.asked) == 1


@on_both_loops
async def test_cancelling_closes_the_stream_and_stops_resuming():
    closed = asyncio.Event()

    async def watch(asked, wire):
        await wire.send(STREAM + event(NEWS, b"1"))
        await wire.gone()
        closed.set()

    server, channel, _ = await channel_to([watch, stream(event(NEWS, b"1", 50)), reply(200, RESULT)])
    sink, call = ask(channel)
    await sink.next("opened")
    await sink.next("message")
    call.cancel()
    call.cancel()
    async with asyncio.timeout(PATIENCE):
        await closed.wait()
    sink, call = ask(channel)
    await sink.next("opened")
    await sink.next("message")
    await sink.next("interrupted")
    call.cancel()
    sink, _ = ask(channel)
    await sink.next("opened")
    assert [asked.method for asked in server.asked] == ["POST"] * 3


# Messages that are only accepted


@pytest.mark.parametrize("status", [200, 202, 204])
@on_both_loops
async def test_a_notification_returns_when_accepted(status):
    server, channel, _ = await channel_to(reply(status))
    await channel.notify(NEWS, {"A": "b"})
    assert server.asked[0].body == NEWS


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(400, ERROR), "status"),
        (reply(401), "auth"),
        (reply(302), "status"),
        (reply(500, b"x" * 70_000), "status"),
        (b"nonsense", "protocol"),
    ],
)
@on_both_loops
async def test_a_notification_that_is_refused_says_so(answer, kind):
    _, channel, _ = await channel_to(answer)
    with pytest.raises(UpstreamError) as caught:
        await channel.notify(NEWS, {})
    assert caught.value.kind == kind


# The GET stream


@on_both_loops
async def test_the_get_stream_delivers_and_is_resumed():
    hold = asyncio.Event()

    async def last(asked, wire):
        await wire.send(STREAM + event(NEWS, b"2"))
        await hold.wait()

    first = reply(200, RESULT, Mcp_Session_Id="s")
    server, channel, own = await channel_to(
        [first, stream(event(NEWS, b"1", 50)), reply(503), last, reply(204)]
    )
    sink, call = ask(channel)
    await sink.next("opened")
    call.finished()
    channel.listen({"MCP-Protocol-Version": "2025-11-25"})
    channel.listen({})
    assert await own.next("message") == (NEWS, "1")
    assert await own.next("message") == (NEWS, "2")
    gets = server.asked[1:]
    assert [asked.headers.get("last-event-id") for asked in gets] == [None, "1", "1"]
    assert all(asked.method == "GET" and asked.headers["mcp-session-id"] == "s" for asked in gets)
    assert all(asked.headers["mcp-protocol-version"] == "2025-11-25" for asked in gets)


@pytest.mark.parametrize("status", [405, 404, 400, 401, 501])
@on_both_loops
async def test_a_server_without_a_get_stream_is_fine(status):
    server, channel, own = await channel_to([reply(status), reply(200, RESULT)])
    channel.listen({})
    await server.until_asked(1)
    sink, _ = ask(channel)
    await sink.next("opened")
    assert own.heard.empty()


@on_both_loops
async def test_a_session_forgotten_while_listening_ends_the_channel():
    first = reply(200, RESULT, Mcp_Session_Id="s")
    _, channel, own = await channel_to([first, stream(event(NEWS, b"1", 0)), reply(404), reply(404)])
    sink, call = ask(channel)
    await sink.next("opened")
    call.finished()
    channel.listen({})
    await own.next("message")
    assert (await own.next("closed")).kind == "session-lost"


# The end


@on_both_loops
async def test_closing_ends_streams_first_and_a_deaf_server_cannot_hold_it_up():
    async def deaf(asked, wire):
        if asked.method == "DELETE":
            return await wire.gone()
        if len(server.asked) == 1:
            return reply(200, RESULT, Mcp_Session_Id="s")
        await wire.send(STREAM)
        return await wire.gone()

    server, channel, own = await channel_to(deaf)
    sink, call = ask(channel)
    await sink.next("opened")
    call.finished()
    sink, _ = ask(channel)
    await sink.next("opened")
    channel.listen({})
    await server.until_asked(3)
    await channel.close()
    assert (await sink.next("closed")).kind == "closed"
    assert (await own.next("closed")).kind == "closed"
    sink, _ = ask(channel)
    assert (await sink.next("closed")).kind == "closed"
    with pytest.raises(UpstreamError):
        await channel.notify(NEWS, {})


@pytest.mark.parametrize(
    ("status", "body", "older"),
    [
        (400, b"", True),
        (404, b"<html>", True),
        (405, b"", True),
        (404, ERROR, False),
        (401, b"", False),
        (500, b"", False),
    ],
)
@on_both_loops
async def test_only_what_an_older_server_would_say_leads_to_http_sse(status, body, older):
    connector = connect("http://127.0.0.1:1/mcp")
    found = connector.fallback(UpstreamError("status", "x", status=status, body=body))
    assert isinstance(found, SseConnector) is older
    if found is not None:
        assert found.fallback(UpstreamError("status", "x", status=404)) is None


# The official SDK

SDK = """
import sys
from mcp.server.mcpserver import Context, MCPServer
server = MCPServer("peer")
@server.tool()
def add(a: int, b: int) -> int:
    return a + b
@server.tool()
async def steps(ctx: Context) -> str:
    for n in (1, 2):
        await ctx.report_progress(n, 2)
    return "done"
server.run(transport=sys.argv[2], port=int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory):
    """The URL of a Streamable HTTP server."""
    port = free_port()
    command = [sys.executable, "-c", SDK, str(port), "streamable-http"]
    with running(command, tmp_path_factory.mktemp("sdk") / "log") as server:
        server.wait_for_port(port)
        yield f"http://127.0.0.1:{port}/mcp"


class Conversation:
    """Requests and their answers over one channel."""

    def __init__(self, channel, headers, meta=None):
        self.channel, self.headers, self.meta = channel, headers, meta
        self.ids = itertools.count(1)

    async def ask(self, method, params, **headers):
        """The result and the notifications before it."""
        if self.meta:
            params = {**params, "_meta": {**params.get("_meta", {}), **self.meta}}
            headers |= {"Mcp-Method": method, **({"Mcp-Name": params["name"]} if "name" in params else {})}
        number, sink = next(self.ids), Recorder()
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        call = self.channel.request(json.dumps(body).encode(), self.headers | headers, sink)
        await sink.next("opened")
        before = []
        while (message := json.loads(await sink.message_next())).get("id") != number:
            before.append(message["method"])
        call.finished()
        return message["result"], before


@on_both_loops
async def test_the_sdk_in_the_handshake_era(sdk):
    channel, own = await started(connect(sdk))
    client = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "0"},
    }
    talk = Conversation(channel, {})
    assert (await talk.ask("initialize", client))[0]["serverInfo"]["name"] == "peer"
    assert channel.session_id
    talk.headers = {"MCP-Protocol-Version": "2025-11-25"}
    await channel.notify(b'{"jsonrpc":"2.0","method":"notifications/initialized"}', talk.headers)
    channel.listen(talk.headers)
    result, _ = await talk.ask("tools/call", {"name": "add", "arguments": {"a": 2, "b": 3}})
    assert result["structuredContent"] == {"result": 5}
    _, before = await talk.ask("tools/call", {"name": "steps", "_meta": {"progressToken": 7}})
    assert before == ["notifications/progress"] * 2
    await channel.close()
    assert (await own.next("closed")).kind == "closed"

    forgotten, _ = await started(connect(sdk))
    forgotten._endpoint.session_id, forgotten._endpoint.settled = channel.session_id, True
    sink, _ = ask(forgotten, talk.headers)
    failure = await sink.next("closed")
    assert (failure.kind, failure.retryable) == ("session-lost", True)


@on_both_loops
async def test_the_sdk_in_the_stateless_era(sdk):
    channel, _ = await started(connect(sdk), "stateless")
    prefix = "io.modelcontextprotocol/"
    meta = {f"{prefix}protocolVersion": "2026-07-28", f"{prefix}clientCapabilities": {}}
    talk = Conversation(channel, {"MCP-Protocol-Version": "2026-07-28"}, meta)
    assert "2026-07-28" in (await talk.ask("server/discover", {}))[0]["supportedVersions"]
    result, _ = await talk.ask("tools/call", {"name": "add", "arguments": {"a": 2, "b": 3}})
    assert result["structuredContent"] == {"result": 5}
    _, before = await talk.ask("tools/call", {"name": "steps", "_meta": {"progressToken": 7}})
    assert before == ["notifications/progress"] * 2
    assert channel.session_id == ""
