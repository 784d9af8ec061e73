"""A head that came before is not parsed again: nothing else about the request may be different for that."""

import json

import pytest

from keepgate.transports.http_rules import Limits
from tests.transports.http_peer import LOOPS, PATIENCE, serving


@pytest.fixture(params=LOOPS)
def server(request):
    with serving(request.param, limits=Limits(body=1000)) as running:
        yield running


@pytest.fixture
def client(server):
    """A connection on a server that knows the head of an ordinary request."""
    with server.connect() as client:
        assert client.ask()[0] == 200
        assert known(server) == 1
        yield client


def known(server):
    (connection, *_) = server.server._state.connections
    return len(connection.lane.heads._known)


def echoed(answer):
    assert answer[0] == 200
    return json.loads(answer[2])


def test_requests_with_a_known_head_are_told_apart_by_all_that_is_not_head(server, client):
    with server.connect() as other:
        for who, body in ((client, b"1"), (other, b"22"), (client, b"x" * 1000), (other, b"")):
            echo = echoed(who.ask(body=body))
            assert echo["body"] == body.decode()
            assert echo["peer"] == "127.0.0.1"
            assert "content-length" not in echo["headers"]
    assert known(server) == 1


def test_a_known_head_and_a_new_one_get_the_same_answer(client):
    for headers in ("X-A: 1\r\n", f"Origin: http://localhost:{client.port}\r\n"):
        first, again = client.ask(headers=headers), client.ask(headers=headers)
        assert first == again
        assert first[0] == 200
    assert again[1]["access-control-allow-origin"] == f"http://localhost:{client.port}"


def test_what_the_endpoint_notes_is_shared_by_the_same_heads_only(server, client):
    for headers in ("Authorization: a\r\n", "Authorization: b\r\n"):
        for path in ("/mcp", "/mcp/x", "/mcp?x"):
            for body in (b"1", b"22", b"333"):
                client.ask(path, body, headers=headers)
    with server.connect() as other:
        other.ask("/mcp", b"4444", headers="Authorization: a\r\n")
    requests = server.endpoint.requests[1:]
    by_notes = {id(request.notes): [] for request in requests}
    for request in requests:
        by_notes[id(request.notes)].append((request.headers["authorization"], request.path, request.query))
    assert len(by_notes) == 6
    assert all(len(set(heads)) == 1 for heads in by_notes.values())
    assert sorted(len(heads) for heads in by_notes.values()) == [3, 3, 3, 3, 3, 4]


def test_nobody_can_change_what_is_remembered(server, client):
    client.ask()
    with pytest.raises(TypeError):
        server.endpoint.requests[-1].headers["authorization"] = "poison"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"Host: localhost", b"Host: evil"), 403),
        ((b"Host: localhost", b"Host: evil\r\nHost: localhost"), 400),
        ((b"\r\nContent", b"\r\nOrigin: http://evil\r\nContent"), 403),
        ((b"Length: 2", b"Length: 2\r\nTransfer-Encoding: chunked"), 400),
        ((b"Length: 2", b"Length: 2\r\nContent-Length: 2"), 400),
        ((b"Length: 2", b"Length: 2\r\nUpgrade: x\r\nConnection: upgrade"), 501),
        ((b"Length: 2", b"Length: 1001"), 413),
        ((b"Length: 2", b"Length: -2"), 400),
        ((b"Length: 2", b"Length: 2x"), 400),
        ((b"/mcp", b"/mcp/../admin"), 400),
        ((b"HTTP/1.1\r\n", b"HTTP/1.1\n"), 400),
    ],
)
def test_what_is_refused_is_refused_beside_a_known_head(server, client, change, status):
    for _ in range(2):
        with server.connect() as other:
            other.send(other.request().replace(*change))
            assert other.answer()[0] == status
    assert known(server) == 1
    assert client.ask()[0] == 200


def test_a_body_over_the_limit_is_refused_behind_a_known_head(server, client):
    client.send(client.request(body=b"x" * 1001))
    assert client.answer()[0] == 413
    assert client.rest() == b""


def test_a_known_head_may_come_in_pieces_or_with_what_follows(server, client):
    one, two = client.request(body=b"first"), client.request(body=b"second")
    for at in range(1, len(one)):
        client.send(one[:at])
        server.turn()
        client.send(one[at:] + two)
        assert echoed(client.answer())["body"] == "first"
        assert echoed(client.answer())["body"] == "second"


def test_what_is_behind_a_body_is_the_next_request(client):
    inner = client.request("/mcp/inner", b"i")
    client.send(client.request(body=b"12345") + inner)
    assert echoed(client.answer())["body"] == "12345"
    assert echoed(client.answer())["path"] == "/mcp/inner"
    client.send(client.request(body=inner))
    assert echoed(client.answer())["body"] == inner.decode()
    client.send(client.request(body=inner)[: -len(inner)] + inner)
    assert echoed(client.answer())["path"] == "/mcp"


def test_a_known_head_waits_for_its_turn(server, client):
    client.send(client.request("/mcp/later"))
    responder = server.endpoint.held.get(timeout=PATIENCE)
    client.send(client.request(body=b"behind"))
    server.turn()
    server.call(responder.respond, 200, {}, b"before")
    assert client.answer()[2] == b"before"
    assert echoed(client.answer())["body"] == "behind"


def test_a_client_that_goes_away_is_noticed_behind_a_known_head(server, client):
    for _ in range(2):
        with server.connect() as other:
            other.send(other.request("/mcp/later"))
            server.endpoint.held.get(timeout=PATIENCE)
        assert server.endpoint.gone.get(timeout=PATIENCE).path == "/mcp/later"


def test_a_known_head_is_the_last_one_when_the_server_stops(server, client):
    for stop in (False, True):
        client.send(client.request("/mcp/later"))
        responder = server.endpoint.held.get(timeout=PATIENCE)
        if stop:
            server.stop()
            server.call(int)  # it has heard of it by then
        server.call(responder.respond, 200, {}, b"last")
        status, headers, _ = client.answer()
        assert (status, headers.get("connection")) == (200, "close" if stop else None)
    assert client.rest() == b""
    assert server.done.wait(PATIENCE)


@pytest.mark.parametrize(
    "options",
    [
        {"method": "GET", "body": b""},
        {"method": "DELETE"},
        {"version": "1.0"},
        {"headers": "Connection: close\r\n"},
        {"headers": "Expect: 100-continue\r\n"},
        {"path": "/other"},
        {"headers": "X: " + "x" * 5000 + "\r\n"},
    ],
)
def test_unusual_heads_are_not_remembered(server, client, options):
    with server.connect() as other:
        other.ask(**options)
    assert known(server) == 1


def test_strangers_cannot_fill_the_memory(server, client):
    for n in range(1000):
        client.ask(headers=f"X-Trace: {n}\r\n")
    assert known(server) == 512
    assert echoed(client.ask(body=b"x"))["body"] == "x"
