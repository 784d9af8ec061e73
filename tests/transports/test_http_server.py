"""The fast lane and its neighbour: requests in, answers out, in order, over real sockets."""

import json
import random
import socket

import pytest

from keepgate.transports.http_rules import Limits
from tests.transports.http_peer import LOOPS, PATIENCE, serving, web


@pytest.fixture(scope="module", params=LOOPS)
def server(request):
    with serving(request.param) as running:
        yield running


@pytest.fixture
def client(server):
    with server.connect() as client:
        yield client


def test_a_request_reaches_the_endpoint_whole_and_the_answer_the_client(client):
    status, headers, body = client.ask("/mcp/files?a=b", b"\xff\x00{}", headers="X-Some: Thing \r\n")
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["date"].endswith(" GMT")
    assert "connection" not in headers
    echo = json.loads(body)
    assert echo["method"] == "POST"
    assert echo["path"] == "/mcp/files"
    assert echo["query"] == "a=b"
    assert echo["body"] == "\xff\x00{}"
    assert echo["headers"] == {"host": f"localhost:{client.port}", "x-some": "Thing"}
    assert echo["peer"] == "127.0.0.1"
    assert echo["secure"] is False


def test_a_connection_is_used_again_by_both_lanes(client):
    for n in range(3):
        assert json.loads(client.ask(body=b"%d" % n)[2])["body"] == str(n)
        assert json.loads(client.ask("/other", b"%d" % n)[2]) == {
            "lane": "asgi",
            "path": "/other",
            "body": str(n),
        }


@pytest.mark.parametrize("path", ["/mcp", "/other"])
@pytest.mark.parametrize(("version", "wish"), [("1.1", "close"), ("1.0", "close"), ("1.0", "keep-alive")])
def test_the_wish_to_close_is_granted_and_an_old_client_gets_one_answer(client, path, version, wish):
    status, headers, _ = client.ask(path, version=version, headers=f"Connection: {wish}\r\n")
    assert (status, headers["connection"]) == (200, "close")
    assert client.rest() == b""


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE"])
def test_any_method_is_the_endpoints_business(client, method):
    assert json.loads(client.ask(method=method)[2])["method"] == method


def test_an_answer_to_head_has_no_body(client):
    status, headers, _ = client.ask(method="HEAD")
    assert status == 200
    assert int(headers["content-length"]) > 0
    assert client.ask()[0] == 200


def test_a_chunked_body_arrives_whole(client):
    client.send(
        f"POST /mcp HTTP/1.1\r\nHost: localhost:{client.port}\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n1;ext=1\r\nd\r\n2\r\nef\r\n0\r\n\r\n".encode()
    )
    assert json.loads(client.answer()[2])["body"] == "abcdef"


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("path", ["/mcp", "/other"])
def test_a_request_may_be_split_at_every_byte(server, client, framing, path):
    if framing == "length":
        data = client.request(path, b"hello", headers="Accept: a/b\r\n")
    else:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost:{client.port}\r\nTransfer-Encoding: chunked\r\n\r\n"
        data = head.encode() + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    with server.connect() as other:
        for at in range(1, len(data)):
            client.send(data[:at])
            assert other.ask("/turn")[0] == 200
            client.send(data[at:])
            assert json.loads(client.answer()[2])["body"] == "hello", at


def test_a_client_that_waits_to_send_is_asked_to(server, client):
    data = client.request(body=b"abc", headers="Expect: 100-continue\r\n")
    client.send(data[:-3])
    assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(data[-3:])
    assert json.loads(client.answer()[2])["body"] == "abc"


def test_who_waits_to_send_too_much_is_told_before(client):
    client.send(client.request(headers="Expect: 100-continue\r\n").replace(b"Length: 2", b"Length: 99999999"))
    assert client.answer()[0] == 413
    assert client.rest() == b""


@pytest.mark.parametrize("path", ["/mcp", "/other"])
def test_mutilated_requests_are_answered_or_ended(server, path):
    dice = random.Random(path)
    for _ in range(300):
        with server.connect() as client:
            data = bytearray(
                client.request(path, b"hello", headers="Transfer-Encoding: x\r\nAccept: a/b\r\n")
            )
            for _ in range(dice.randrange(4)):
                at = dice.randrange(len(data))
                data[at : at + dice.randrange(3)] = dice.choice(
                    [b"", b"\r", b"\n", b"\0", b" ", b":", b"\xff", b"9"]
                )
            client.send(data)
            client.socket.shutdown(socket.SHUT_WR)
            assert client.rest().count(b"HTTP/1.1 200") <= 1
    server.endpoint.requests.clear()


# Turns


def test_pipelined_requests_are_answered_in_order_by_both_lanes(client):
    paths = ["/mcp/1", "/other/2", "/mcp/3", "/other/4", "/other/5", "/mcp/6"]
    client.send(b"".join(client.request(path) for path in paths))
    assert [json.loads(client.answer()[2])["path"] for _ in paths] == paths


@pytest.mark.parametrize("second", ["/mcp/2", "/other/2"])
def test_a_pipelined_request_waits_for_the_answer_before_it(server, client, second):
    client.send(client.request("/mcp/later") + client.request(second))
    responder = server.endpoint.held.get(timeout=PATIENCE)
    server.turn()
    assert all(request.path != second for request in server.endpoint.requests)
    server.call(responder.respond, 202, {}, b"first")
    assert client.answer()[2] == b"first"
    assert json.loads(client.answer()[2])["path"] == second
    server.endpoint.requests.clear()


def test_a_refusal_waits_for_its_turn(server, client):
    client.send(client.request("/mcp/later") + b"nonsense\r\n\r\n")
    responder = server.endpoint.held.get(timeout=PATIENCE)
    server.turn()
    server.call(responder.respond, 200, {}, b"first")
    assert client.answer()[2] == b"first"
    assert client.answer()[0] == 400
    assert client.rest() == b""


def test_what_follows_a_refusal_is_never_heard(server, client):
    server.endpoint.requests.clear()
    client.send(client.request().replace(b"localhost", b"evil.test") + client.request("/mcp/smuggled"))
    assert client.answer()[0] == 403
    assert client.rest() == b""
    assert server.endpoint.requests == []


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_what_follows_the_last_request_is_never_run(server, client, version):
    server.endpoint.requests.clear()
    kept = "close" if version == "1.1" else "keep-alive"
    last = client.request("/mcp/last", headers=f"Connection: {kept}\r\n", version=version)
    client.send(last + client.request("/mcp/after", version=version))
    assert json.loads(client.answer()[2])["path"] == "/mcp/last"
    assert client.rest() == b""
    assert [request.path for request in server.endpoint.requests] == ["/mcp/last"]


def test_too_many_pipelined_requests_end_the_connection(server, client):
    client.send(client.request("/mcp/later") + client.request() * 20)
    server.call(server.endpoint.held.get(timeout=PATIENCE).respond, 200, {}, b"")
    assert [client.answer()[0] for _ in range(18)] == [200] * 17 + [503]
    assert client.rest() == b""


# Endings


def test_a_client_that_goes_away_is_noticed_once(server, client):
    client.send(client.request("/mcp/later"))
    responder = server.endpoint.held.get(timeout=PATIENCE)
    client.socket.close()
    assert server.endpoint.gone.get(timeout=PATIENCE).path == "/mcp/later"
    server.call(responder.respond, 200, {}, b"too late")
    again = []
    server.call(responder.on_disconnect, lambda: again.append(1))
    server.turn()
    assert again == [1]
    assert server.endpoint.gone.empty()


def test_a_client_that_goes_away_after_its_answer_is_nobodys_business(server, client):
    client.send(client.request("/mcp/later"))
    server.call(server.endpoint.held.get(timeout=PATIENCE).respond, 200, {}, b"")
    client.answer()
    client.socket.close()
    server.turn()
    assert server.endpoint.gone.empty()


def test_the_asgi_lane_hears_of_a_client_that_goes_away(server, client):
    client.send(client.request("/wait"))
    server.turn()
    client.socket.close()
    assert web.gone.get(timeout=PATIENCE) == "/wait"


def test_a_reset_is_a_disconnect(server, client):
    client.send(client.request("/mcp/later"))
    server.endpoint.held.get(timeout=PATIENCE)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.socket.close()
    assert server.endpoint.gone.get(timeout=PATIENCE)


@pytest.mark.parametrize("path", ["/mcp/fail", "/mcp/inject"])
def test_a_failing_endpoint_is_answered_for(client, path, caplog):
    assert client.ask(path)[::2] == (500, b"internal error\n")
    assert client.ask()[0] == 200
    assert "the endpoint failed" in caplog.text


def test_a_second_answer_is_never_sent(client, caplog):
    assert client.ask("/mcp/twice")[2] == b"once"
    assert client.rest() == b""


# Slow and greedy clients

HASTY = Limits(head_timeout=0.2, body_timeout=0.2, keep_alive=0.2, drain_timeout=0.2, sweep=0.02)


@pytest.fixture(scope="module", params=LOOPS)
def hasty(request):
    with serving(request.param, limits=HASTY) as running:
        yield running


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"", None), (b"\r\n", None), (b"P", 408), (b"POST /mcp HTTP/1.1\r\nHost: loc", 408), (None, 408)],
)
def test_a_request_must_arrive_in_time(hasty, sent, status):
    with hasty.connect() as client:
        client.send(client.request()[:-1] if sent is None else sent)
        if status:
            assert client.answer()[0] == status
        assert client.rest() == b""


def test_a_drip_does_not_extend_the_time(hasty):
    with hasty.connect() as client:
        client.socket.settimeout(0.01)
        for byte in client.request(headers="X-Long: " + "y" * 20000 + "\r\n"):
            client.send(bytes((byte,)))
            try:
                assert client.more()
                break
            except TimeoutError:
                continue
        assert client.answer()[0] == 408


def test_an_idle_connection_is_closed(hasty):
    with hasty.connect() as client:
        assert client.ask()[0] == 200
        assert client.rest() == b""


def test_a_running_request_has_the_time_it_needs(hasty):
    with hasty.connect() as client, hasty.connect() as idle:
        client.send(client.request("/mcp/later"))
        responder = hasty.endpoint.held.get(timeout=PATIENCE)
        assert idle.rest() == b""
        hasty.call(responder.respond, 200, {}, b"at last")
        assert client.answer()[2] == b"at last"


def test_an_answer_nobody_reads_is_given_up(hasty):
    with hasty.connect() as client:
        client.send(client.request("/mcp/big?30000000"))
        with hasty.connect() as idle:
            assert idle.rest() == b""
        hasty.turn()
        assert len(client.rest()) < 30000000


def test_answers_nobody_reads_stop_the_reading():
    with serving("uvloop") as server, server.connect() as client:
        client.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(5000):
                client.send(client.request("/mcp/big?10000", b"x" * 10000))
        assert len(server.endpoint.requests) < 3000


@pytest.mark.parametrize("count", [16, 17])
def test_answers_nobody_reads_hold_back_those_behind_them(server, client, count):
    server.endpoint.requests.clear()
    client.send(client.request("/mcp/big?20000000") + client.request("/mcp/behind") * count)
    client.until(b"HTTP/1.1 200 OK\r\n")
    server.turn()
    assert all(request.path != "/mcp/behind" for request in server.endpoint.requests)
    client.buffer = b"HTTP/1.1 200 OK\r\n" + client.buffer
    assert [client.answer()[0] for _ in range(17)] == [200] * 17
    if count == 17:
        assert client.answer()[0] == 503


@pytest.fixture(scope="module", params=LOOPS)
def small(request):
    with serving(
        request.param, limits=Limits(body=1000, head=2000, fields=10, connections=3, arriving=1500)
    ) as s:
        yield s


def test_a_body_at_the_limit_is_taken_and_one_over_it_not(small):
    with small.connect() as client:
        assert client.ask(body=b"x" * 1000)[0] == 200
        assert client.ask(body=b"x" * 1001)[0] == 413
        assert client.rest() == b""


@pytest.mark.parametrize("path", ["/mcp", "/other"])
def test_a_chunked_body_over_the_limit_is_refused_when_it_gets_there(small, path):
    with small.connect() as client:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost:{client.port}\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.send(head.encode() + b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        client.send(b"1\r\nx\r\n")
        assert client.answer()[0] == 413
        assert client.rest() == b""


def test_a_huge_chunk_is_refused_by_what_arrives(small):
    with small.connect() as client:
        client.send(
            f"POST /mcp HTTP/1.1\r\nHost: localhost:{client.port}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            + b"ffffffff\r\n"
            + b"x" * 5000
        )
        assert client.answer()[0] == 413


def test_a_head_at_the_limit_is_taken_and_one_over_it_not(small):
    with small.connect() as client:
        assert client.ask(headers="X-A: " + "y" * 1800 + "\r\n")[0] == 200
        assert client.ask(headers="".join(f"X-{n}: y\r\n" for n in range(8)))[0] == 200
        assert client.ask(headers="".join(f"X-{n}: y\r\n" for n in range(9)))[0] == 431
        assert client.rest() == b""


@pytest.mark.parametrize("where", ["/mcp?%s", "/mcp HTTP/1.1\r\n%s: x", "/mcp HTTP/1.1\r\nX: %s"])
@pytest.mark.parametrize("ended", [True, False])
def test_an_endless_head_is_refused(small, where, ended):
    with small.connect() as client:
        data = (b"POST " + where.encode() % (b"y" * 500))[:-1]
        for piece in (data, b"y" * 1000, b"y" * 1000, client.request()[13:] if ended else b"y"):
            client.send(piece)
            if piece is not data:
                continue
            with small.connect() as other:
                assert other.ask("/turn")[0] == 200
        assert client.answer()[0] in (431, 400)
        assert client.rest() == b""


def test_a_head_in_pieces_may_follow_a_large_body(small):
    with small.connect() as client:
        data = client.request(body=b"x" * 900)
        client.send(data + data + data[:20])
        small.turn()
        client.send(data[20:])
        assert [client.answer()[0] for _ in range(3)] == [200] * 3


def test_connections_over_the_limit_are_told_so(small):
    with small.connect() as a, small.connect() as b, small.connect() as c:
        assert [x.ask()[0] for x in (a, b, c)] == [200] * 3
        with small.connect() as d:
            assert d.answer()[0] == 503
            assert d.rest() == b""
        a.socket.close()
        b.ask()
        with small.connect() as d:
            assert d.ask()[0] == 200


def test_bodies_under_way_are_bounded_over_all_connections(small):
    with small.connect() as a, small.connect() as b:
        a.send(a.request(body=b"x" * 1000)[:-1])
        assert b.ask("/turn")[0] == 200
        b.send(b.request(body=b"x" * 1000)[:-1])
        assert b.answer()[0] == 503
        a.send(b"x")
        assert a.answer()[0] == 200
    with small.connect() as a:
        assert a.ask(body=b"x" * 1000)[0] == 200
