"""Event streams: their bytes, their end, silent ones, slow readers."""

import json

import pytest

from keepgate.transports.http_exchange import encode_event
from keepgate.transports.http_rules import Limits
from tests.transports.http_peer import LOOPS, PATIENCE, serving


@pytest.fixture(scope="module", params=LOOPS)
def server(request):
    with serving(request.param, limits=Limits(heartbeat=3600)) as running:
        yield running


@pytest.fixture
def client(server):
    with server.connect() as client:
        yield client


def open_stream(server, client, **options):
    client.send(client.request("/mcp/stream", **options))
    return server.endpoint.held.get(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("arguments", "wire"),
    [
        ((b"{}",), b"data: {}\n\n"),
        ((b"", "7"), b"id: 7\ndata: \n\n"),
        ((b"a\nb\r\nc\rd",), b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        ((b"a\n",), b"data: a\ndata: \n\n"),
        ((b"\xe2\x80\xa8\x85\x0b\x0c",), b"data: \xe2\x80\xa8\x85\x0b\x0c\n\n"),
        ((b"/m", "1", "endpoint", 50), b"id: 1\nevent: endpoint\nretry: 50\ndata: /m\n\n"),
    ],
)
def test_an_event_splits_at_line_ends_and_nowhere_else(arguments, wire):
    assert encode_event(*(*arguments, None, None, None)[:4]) == wire


def test_a_stream_carries_events_and_its_connection_goes_on(server, client):
    stream = open_stream(server, client)
    status, headers = client.head()
    assert status == 200
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-cache"
    assert headers["x-accel-buffering"] == "no"
    assert headers["transfer-encoding"] == "chunked"
    assert headers["mcp-session-id"] == "s"
    assert "content-length" not in headers
    assert server.call(stream.send, b"{}", "1")
    assert client.chunk() == b"id: 1\ndata: {}\n\n"
    server.call(stream.close)
    server.call(stream.close)
    assert client.chunk() == b""
    assert not server.call(stream.send, b"{}")
    assert client.ask()[0] == 200
    assert server.endpoint.gone.empty()


def test_events_of_one_turn_leave_together_and_in_order(server, client):
    stream = open_stream(server, client)
    client.head()
    for first in (0, 100):
        events = [b"%d" % n for n in range(first, first + 100)]
        server.call(lambda events=events: [stream.send(event) for event in events])
        assert client.chunk() == b"".join(b"data: %b\n\n" % event for event in events)
    server.call(lambda: (stream.send(b"last"), stream.close(), stream.send(b"late")))
    assert client.chunk() == b"data: last\n\n"
    assert client.chunk() == b""
    assert client.ask()[0] == 200


def test_many_bytes_of_events_do_not_wait_for_the_end_of_the_turn(server, client):
    stream = open_stream(server, client)
    client.head()
    server.call(lambda: [stream.send(b"x" * 30_000) for _ in range(3)] and stream.close())
    assert client.chunk() == b"data: %b\n\n" % (b"x" * 30_000) * 3
    assert client.chunk() == b""


def test_a_stream_that_ends_where_it_begins_is_whole(server, client):
    client.send(client.request("/mcp/brief"))
    assert client.head()[0] == 200
    assert client.chunk() == b"data: 1\n\n"
    assert client.chunk() == b""
    assert client.ask()[0] == 200


def test_a_stream_over_http_1_0_ends_with_the_connection(server, client):
    stream = open_stream(server, client, version="1.0")
    _, headers = client.head()
    assert headers["connection"] == "close"
    assert "transfer-encoding" not in headers
    server.call(stream.send, b"{}")
    server.call(stream.close)
    assert client.rest() == b"data: {}\n\n"


@pytest.mark.parametrize("second", ["/mcp/2", "/other/2"])
def test_a_request_behind_a_stream_waits_for_its_end(server, client, second):
    client.send(client.request("/mcp/stream") + client.request(second))
    stream = server.endpoint.held.get(timeout=PATIENCE)
    client.head()
    server.call(stream.send, b"1")
    assert client.chunk() == b"data: 1\n\n"
    server.call(stream.close)
    assert client.chunk() == b""
    assert json.loads(client.answer()[2])["path"] == second


def test_a_reader_that_goes_away_is_noticed_once(server, client):
    stream = open_stream(server, client)
    client.head()
    client.socket.close()
    assert server.endpoint.gone.get(timeout=PATIENCE).path == "/mcp/stream"
    assert not server.call(stream.send, b"{}")
    server.call(stream.close)
    server.turn()
    assert server.endpoint.gone.empty()


@pytest.mark.parametrize(("size", "many"), [(20_000, 1000), (300_000, 30)])
def test_a_reader_that_is_too_slow_is_dropped(server, client, size, many):
    """1000 events or 4 MiB beyond what the system's own buffers take."""
    stream = open_stream(server, client)
    client.head()

    def fill():
        count = 0
        while stream.send(b"x" * size):
            count += 1
            assert count < many + 12_000_000 // size, "nothing bounds what waits for the reader"
        return count

    client.socket.settimeout(PATIENCE)
    assert server.call(fill) > 0
    assert server.endpoint.gone.get(timeout=PATIENCE).path == "/mcp/stream"
    assert not server.call(stream.send, b"{}")
    assert server.endpoint.gone.empty()


def test_a_reader_that_catches_up_is_kept(server, client):
    stream = open_stream(server, client)
    client.head()
    event = b"x" * 100_000
    for _ in range(5):
        for _ in range(38):
            assert server.call(stream.send, event)
        for _ in range(38):
            assert len(client.chunk()) == 100_008
    server.call(stream.close)
    assert client.chunk() == b""


def test_a_silent_stream_is_kept_open_with_comments():
    with serving(limits=Limits(heartbeat=0.05, sweep=0.02)) as server, server.connect() as client:
        stream = open_stream(server, client)
        client.head()
        assert [client.chunk() for _ in range(3)] == [b":\n\n"] * 3
        server.call(stream.close)
        while client.chunk() == b":\n\n":
            pass
        assert client.ask()[0] == 200
