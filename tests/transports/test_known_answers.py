"""Answers whose head came before, and kept connections that are believed to be alive."""

import asyncio

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports.http_connection import Connection
from tests.transports.http_peer import PATIENCE
from tests.transports.raw_peer import STREAM, chunk, peer, reply
from tests.transports.test_http_client import OK, Fetch, client_of, fetch
from tests.transports.upstreams import on_both_loops


async def knowing(answer, **limits):
    """A client that knows the head of an ordinary answer, and its server, which goes on with `answer`."""

    async def first_ok(asked, wire):
        if asked.target == "/known":
            return OK
        return await answer(asked, wire) if callable(answer) else answer

    server = await peer(first_ok)
    client = client_of(server.url, **limits)
    for _ in range(2):
        await fetch(client, target=b"/known").answer()
    assert len(client.heads._known) == 1
    return client, server


@on_both_loops
async def test_bodies_behind_a_known_head_are_told_apart():
    async def echo(asked, wire):
        return reply(200, asked.body)

    client, server = await knowing(echo)
    for body in (b"", b"1", b"\r\n\r\n", b"x" * 50_000):
        got = await fetch(client, body=body).answer()
        assert (got.status, got.data, got.calls) == (200, body, ["end"])
        assert dict(got.headers) == {b"content-type": b"application/json"}
    assert len(client.heads._known) == 1
    assert server.connections == 1


@on_both_loops
async def test_a_session_id_belongs_to_its_own_answer():
    async def mint(asked, wire):
        return reply(200, asked.body, Mcp_Session_Id=asked.target[1:])

    client, _ = await knowing(mint)
    for session in (b"a", b"b", b"a", b"b", b"known2"):
        got = await fetch(client, target=b"/" + session, body=b"x" + session).answer()
        assert (got.headers[b"mcp-session-id"], got.data) == (session, b"x" + session)


@on_both_loops
async def test_nobody_can_change_what_is_remembered():
    client, _ = await knowing(OK)
    got = await fetch(client).answer()
    with pytest.raises(TypeError):
        got.headers[b"mcp-session-id"] = b"poison"


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (OK + OK, "protocol"),
        (OK + b"x", "protocol"),
        (OK.replace(b"\r\n", b"\n"), "protocol"),
        (OK.replace(b"Length: 2", b"Length: 2\r\nContent-Length: 2"), "protocol"),
        (OK.replace(b"Length: 2", b"Length: 2\r\nContent-Length: 3"), "protocol"),
        (OK.replace(b"Length: 2", b"Length: 2\r\nTransfer-Encoding: chunked"), "protocol"),
        (OK.replace(b"Length: 2", b"Length: -2"), "protocol"),
        (OK.replace(b"Length: 2", b"Length: 2x"), "protocol"),
        (OK.replace(b"Length: 2", b"Length: 2\r\nContent-Encoding: gzip"), "protocol"),
    ],
)
@on_both_loops
async def test_what_is_refused_is_refused_beside_a_known_head(wire, kind):
    client, _ = await knowing(wire)
    for _ in range(2):
        assert (await fetch(client).failure()).kind == kind
    assert (await fetch(client, target=b"/known").answer()).data == b"{}"
    assert len(client.heads._known) == 1


@pytest.mark.parametrize("at", [1, 20, len(OK) - 3, len(OK) - 1])
@on_both_loops
async def test_a_known_head_may_come_in_pieces(at):
    async def pieces(asked, wire):
        await wire.send(OK[:at])
        await asyncio.sleep(0.01)
        return OK[at:]

    client, server = await knowing(pieces)
    for _ in range(3):
        assert (await fetch(client).answer()).data == b"{}"
    assert server.connections == 1


@on_both_loops
async def test_a_known_head_is_no_final_answer_within_another():
    """What looks like a whole answer is a piece of the body of a running one."""

    async def nested(asked, wire):
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nab" % (2 + len(OK)))
        await asyncio.sleep(0.01)
        return OK

    client, _ = await knowing(nested)
    assert (await fetch(client).answer()).data == b"ab" + OK


@pytest.mark.parametrize(
    ("wire", "data"),
    [
        (reply(404, b"no"), b"no"),
        (reply(200, b"{}", Connection="close"), b"{}"),
        (reply(200, b"{}", X="y" * 5000), b"{}"),
        (STREAM + chunk(b"data: 1\n\n") + chunk(b""), b"data: 1\n\n"),
        (b"HTTP/1.1 103 Early\r\n\r\n" + OK, b"{}"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
@on_both_loops
async def test_unusual_heads_are_not_remembered(wire, data):
    client, _ = await knowing(wire)
    for _ in range(2):
        assert (await fetch(client).answer()).data == data
    assert len(client.heads._known) == 1


@on_both_loops
async def test_one_that_gave_up_hears_nothing_of_a_known_answer():
    go = asyncio.Event()

    async def late(asked, wire):
        await go.wait()
        return OK

    client, server = await knowing(late)
    exchange = fetch(client)
    await server.until_asked(3)
    exchange.discard()
    go.set()
    assert (await fetch(client, target=b"/known").answer()).calls == ["end"]
    for _ in range(20):
        await asyncio.sleep(0)
    assert (exchange.calls, exchange.status) == ([], 0)


@pytest.mark.parametrize("method", ["on_head", "on_data"])
@pytest.mark.parametrize(
    ("raised", "kind"),
    [(UpstreamError("too-large", "x"), "too-large"), (ZeroDivisionError("bug"), "protocol")],
)
@on_both_loops
async def test_one_that_refuses_or_breaks_on_a_known_answer_ends_alone(method, raised, kind):
    client, _ = await knowing(OK)

    def refuse(*_):
        raise raised

    exchange = type("Refusing", (Fetch,), {method: refuse})()
    client.send(exchange)
    assert (await exchange.failure()).kind == kind
    assert (await fetch(client).answer()).data == b"{}"


@on_both_loops
async def test_one_that_aborts_on_the_head_of_a_known_answer_hears_no_more():
    class Aborting(Fetch):
        def on_head(self, status, headers):
            super().on_head(status, headers)
            self.abort()

    client, server = await knowing(OK)
    exchange = Aborting()
    client.send(exchange)
    while not exchange.status:
        await asyncio.sleep(0)
    assert (await fetch(client).answer()).data == b"{}"
    assert (exchange.data, exchange.calls) == (b"", [])
    assert server.connections == 1, "its answer was whole, so its connection is as good as before"


# Kept connections


async def lost(client):
    """Until every connection is."""
    async with asyncio.timeout(PATIENCE):
        while client._connections:
            await asyncio.sleep(0)


def counting(monkeypatch):
    """Counts how often the kernel is asked about a connection."""
    asked = []
    usable = Connection.usable

    def counted(connection, *, trusted):
        if not trusted:
            asked.append(connection)
        return usable(connection, trusted=trusted)

    monkeypatch.setattr(Connection, "usable", counted)
    return asked


@on_both_loops
async def test_a_connection_in_steady_use_is_not_asked_about(monkeypatch):
    client, server = await knowing(OK)
    asked = counting(monkeypatch)
    for _ in range(10):
        await fetch(client).answer()
    assert asked == []
    (connection,) = client._idle
    connection.idle_since -= 1
    await fetch(client).answer()
    assert asked == [connection]
    assert server.connections == 1


@on_both_loops
async def test_a_server_that_closes_without_a_word_is_not_believed_again(monkeypatch):
    """The first time may cost one request; after that the kernel is asked before every use."""

    async def and_close(asked, wire):
        await wire.send(OK)
        wire.writer.close()

    client, _ = await knowing(and_close)
    await fetch(client).answer()
    await lost(client)
    asked = counting(monkeypatch)
    for _ in range(20):
        for target in (b"/known", b"/known", b"/known", b"/"):
            assert (await fetch(client, target=target).answer()).data == b"{}"
    assert len(asked) >= 60


@on_both_loops
async def test_what_comes_unasked_makes_wary():
    async def twice(asked, wire):
        await wire.send(OK)
        await asyncio.sleep(0.01)
        return reply(200, b'"stolen"')

    client, _ = await knowing(twice)
    await fetch(client).answer()
    await lost(client)
    assert client._wary_until > asyncio.get_running_loop().time() + 50
