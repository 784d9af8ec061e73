"""The HTTP client against peers that behave, and peers that do not."""

import asyncio
import datetime
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keepgate.model.errors import UpstreamError
from keepgate.transports.http_client import Exchange, HttpClient, HttpLimits
from keepgate.transports.http_request import parse_url
from tests.support.processes import free_port
from tests.transports.http_peer import PATIENCE
from tests.transports.raw_peer import STREAM, chunk, peer, reply
from tests.transports.upstreams import at_end, on_both_loops

OK = reply(200, b"{}")


class Fetch(Exchange):
    """Collects the answer."""

    def __init__(self, method=b"POST", body=b"{}", target=b"/mcp", fields=b""):
        super().__init__(method, target, fields, body)
        self.status, self.headers, self.data = 0, {}, b""
        self.first = asyncio.Event()
        self.calls = []
        self.done = asyncio.get_running_loop().create_future()
        self.done.add_done_callback(lambda done: done.exception())  # not every test wants to know

    def on_head(self, status, headers):
        self.status, self.headers = status, headers

    def on_data(self, data):
        self.data += data
        self.first.set()

    def on_end(self):
        self.calls.append("end")
        self.done.set_result(self)

    def on_failure(self, failure):
        self.calls.append("failure")
        self.done.set_exception(failure)

    async def answer(self):
        async with asyncio.timeout(PATIENCE):
            return await self.done

    async def failure(self):
        with pytest.raises(UpstreamError) as caught:
            await self.answer()
        assert self.calls == ["failure"]
        return caught.value


def client_of(url, tls=None, **limits):
    client = HttpClient(parse_url(url)[0], limits=HttpLimits(**limits), tls=tls)

    async def close():
        client.close()
        await asyncio.sleep(0)

    at_end(close)
    return client


def fetch(client, *arguments, **options):
    exchange = Fetch(*arguments, **options)
    client.send(exchange)
    return exchange


async def refused(answer, **limits):
    """What the client makes of one answer that must fail."""
    server = await peer(answer if callable(answer) else [answer])
    return await fetch(client_of(server.url, **limits)).failure()


# What goes out and comes back


@on_both_loops
async def test_a_request_is_written_once_and_as_given():
    server = await peer(OK)
    client = client_of(server.url)
    got = await fetch(client, b"POST", b'{"a":1}', b"/mcp?x=1", b"A-B: c\r\n").answer()
    assert (got.status, got.data, got.calls) == (200, b"{}", ["end"])
    assert got.headers[b"content-type"] == b"application/json"
    (asked,) = server.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/mcp?x=1", b'{"a":1}')
    assert asked.headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept-encoding": "identity",
        "user-agent": "keepgate",
        "a-b": "c",
        "content-length": "7",
    }


@on_both_loops
async def test_connections_are_kept_and_shared_by_turns():
    server = await peer(OK)
    client = client_of(server.url)
    for _ in range(3):
        await fetch(client).answer()
    assert server.connections == 1
    await asyncio.gather(*(fetch(client).answer() for _ in range(3)))
    await asyncio.gather(*(fetch(client).answer() for _ in range(3)))
    assert server.connections == 3


@on_both_loops
async def test_large_bodies_pass_whole():
    body = bytes(range(256)) * 20_000

    async def echo(asked, wire):
        return reply(200, asked.body)

    server = await peer(echo)
    got = await fetch(client_of(server.url), b"POST", body).answer()
    assert got.data == body


VALID = [
    (reply(200, b"abc"), b"abc"),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrail: er\r\n\r\n",
        b"abcde",
    ),
    (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + reply(200, b"abc"),
        b"abc",
    ),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
]


@pytest.mark.parametrize(("wire", "body"), VALID)
@on_both_loops
async def test_an_answer_is_the_same_however_it_is_cut(wire, body):
    async def in_pieces(asked, end):
        at = int(asked.target[1:])
        for piece in (wire[:at], wire[at:]) if at else [bytes([b]) for b in wire]:
            await end.send(piece)
            await asyncio.sleep(0)

    server = await peer(in_pieces)
    client = client_of(server.url)
    for at in range(len(wire)):
        got = await fetch(client, target=b"/%d" % at).answer()
        assert got.data == body
        assert b"trail" not in got.headers
        assert b"link" not in got.headers
    assert server.connections == 1


@on_both_loops
async def test_a_body_without_length_ends_with_the_connection():
    async def old(asked, wire):
        await wire.send(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nabc")
        wire.writer.close()

    server = await peer(old)
    client = client_of(server.url)
    assert (await fetch(client).answer()).data == b"abc"
    assert (await fetch(client).answer()).data == b"abc"
    assert server.connections == 2


@on_both_loops
async def test_a_connection_is_not_kept_against_the_servers_will():
    server = await peer(reply(200, b"{}", Connection="close"))
    client = client_of(server.url)
    await fetch(client).answer()
    await fetch(client).answer()
    assert server.connections == 2


# Answers that are refused


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"{}\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
        OK + OK,
        OK + b"HTTP/1.1 200 OK\r\nX: poison",
        reply(200, b"x", Content_Encoding="gzip"),
    ],
)
@on_both_loops
async def test_what_is_not_one_plain_http_answer_is_refused(wire):
    failure = await refused(wire)
    assert failure.kind == "protocol"
    assert not failure.retryable


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 " + b"O" * 1000, b"K" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 1000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"y" * 1000),
    ],
)
@on_both_loops
async def test_heads_and_trailers_without_end_are_cut_off(start, again):
    async def endless(asked, wire):
        await wire.send(start)
        while True:
            await wire.send(again)

    assert (await refused(endless)).kind == "too-large"


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 200", reply(200, b"abc")[:-1], STREAM + chunk(b"data: x\n")]
)
@pytest.mark.parametrize("how", ["close", "reset"])
@on_both_loops
async def test_an_answer_cut_short_is_closed(sent, how):
    async def cut(asked, wire):
        if sent:
            await wire.send(sent)
        if how == "reset":
            wire.reset()
        else:
            wire.writer.close()

    server = await peer(cut)
    failure = await fetch(client_of(server.url)).failure()
    assert failure.kind == "closed"
    assert not failure.retryable
    assert len(server.asked) == 1


@on_both_loops
async def test_a_subclass_that_refuses_or_breaks_ends_its_own_exchange_only():
    server = await peer(OK)
    client = client_of(server.url)
    for raised, kind in (
        (UpstreamError("too-large", "x"), "too-large"),
        (ZeroDivisionError("bug"), "protocol"),
    ):
        for method in ("on_head", "on_data"):

            class Refusing(Fetch):
                pass

            def refuse(*_, raised=raised):
                raise raised

            setattr(Refusing, method, refuse)
            exchange = Refusing()
            client.send(exchange)
            assert (await exchange.failure()).kind == kind
    assert (await fetch(client).answer()).data == b"{}"


# Time


async def silent(asked, wire):
    await wire.gone()


@on_both_loops
async def test_a_late_first_byte_is_a_timeout():
    assert (await refused(silent, first_byte=0.1)).kind == "timeout"


@on_both_loops
async def test_a_trickle_is_a_timeout():
    async def trickle(asked, wire):
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
        await wire.gone()

    assert (await refused(trickle, total=0.1, first_byte=5)).kind == "timeout"


@on_both_loops
async def test_a_peer_that_does_not_shake_hands_is_unreachable():
    deaf = await peer(OK)
    failure = await fetch(client_of(deaf.url.replace("http", "https"), connect=0.3)).failure()
    assert failure.kind == "unreachable"
    assert failure.retryable


@on_both_loops
async def test_nobody_there_is_unreachable():
    failure = await fetch(client_of(f"http://127.0.0.1:{free_port()}/")).failure()
    assert failure.kind == "unreachable"
    assert "nothing listens there" in failure.public
    assert failure.retryable
    failure = await fetch(client_of("http://name.invalid/")).failure()
    assert failure.kind == "unreachable"
    assert "name is not known" in failure.public


# Kept connections that died


@on_both_loops
async def test_a_connection_the_server_closed_while_idle_is_not_used():
    async def and_close(asked, wire):
        await wire.send(OK)
        wire.writer.close()

    server = await peer(and_close)
    client = client_of(server.url)
    for _ in range(20):
        await fetch(client).answer()
    assert [asked.connection for asked in server.asked] == list(range(1, 21))


@on_both_loops
async def test_what_comes_unasked_on_an_idle_connection_answers_nothing():
    pushed = asyncio.Event()

    async def push(asked, wire):
        await wire.send(OK)
        await wire.send(reply(200, b'"stolen"'))
        pushed.set()

    server = await peer([push, OK])
    client = client_of(server.url)
    first = fetch(client)
    await asyncio.wait([first.done])
    await pushed.wait()
    assert (await fetch(client).answer()).data == b"{}"
    assert [asked.connection for asked in server.asked] == [1, 2]


async def drop(asked, wire):
    wire.reset()


@on_both_loops
async def test_a_request_that_may_have_run_is_not_sent_twice():
    server = await peer([OK, drop, OK])
    client = client_of(server.url)
    await fetch(client).answer()
    failure = await fetch(client).failure()
    assert failure.kind == "closed"
    assert not failure.retryable
    assert len(server.asked) == 2


@on_both_loops
async def test_an_idempotent_request_is_sent_again_once_if_a_kept_connection_died():
    server = await peer([OK, drop, OK, OK, drop, drop, OK])
    client = client_of(server.url)
    await fetch(client).answer()
    assert (await fetch(client, b"GET", b"").answer()).data == b"{}"
    assert [asked.connection for asked in server.asked] == [1, 1, 2]
    await fetch(client).answer()
    assert (await fetch(client, b"GET", b"").failure()).kind == "closed"
    assert len(server.asked) == 6


@on_both_loops
async def test_an_idempotent_request_is_not_repeated_on_a_fresh_connection_or_after_a_byte():
    async def begin(asked, wire):
        await wire.send(b"HTTP/1.1 2")
        wire.reset()

    server = await peer([drop, OK, begin])
    client = client_of(server.url)
    assert (await fetch(client, b"GET", b"").failure()).kind == "closed"
    await fetch(client).answer()
    assert (await fetch(client, b"GET", b"").failure()).kind == "closed"
    assert len(server.asked) == 3


# The pool


@on_both_loops
async def test_more_requests_than_connections_wait_their_turn_and_no_more_than_allowed():
    release = asyncio.Event()

    async def held(asked, wire):
        await release.wait()
        return OK

    server = await peer(held)
    client = client_of(server.url, connections=2, waiting=2)
    running = [fetch(client, body=b"%d" % n) for n in range(4)]
    failure = await fetch(client).failure()
    assert failure.kind == "overloaded"
    assert failure.retryable
    release.set()
    for exchange in running:
        await exchange.answer()
    assert server.connections == 2
    assert sorted(asked.body for asked in server.asked) == [b"0", b"1", b"2", b"3"]


@on_both_loops
async def test_a_request_does_not_wait_for_a_connection_for_ever():
    server = await peer(silent)
    client = client_of(server.url, connections=1, connect=0.2)
    fetch(client)
    await server.until_asked(1)
    failure = await fetch(client).failure()
    assert failure.kind == "overloaded"
    assert failure.retryable


@on_both_loops
async def test_a_connection_that_dies_makes_room():
    server = await peer([drop, OK])
    client = client_of(server.url, connections=1)
    first, second = fetch(client), fetch(client)
    assert (await first.failure()).kind == "closed"
    assert (await second.answer()).data == b"{}"


@on_both_loops
async def test_one_that_gave_up_waiting_is_not_sent():
    release = asyncio.Event()

    async def held(asked, wire):
        await release.wait()
        return OK

    server = await peer(held)
    client = client_of(server.url, connections=1)
    first, second, third = (fetch(client, body=body) for body in (b"1", b"2", b"3"))
    second.abort()
    release.set()
    await first.answer()
    await third.answer()
    assert [asked.body for asked in server.asked] == [b"1", b"3"]
    assert second.calls == []


@on_both_loops
async def test_abort_closes_the_connection():
    closed = asyncio.Event()

    async def watch(asked, wire):
        await wire.send(STREAM + chunk(b"x"))
        await wire.gone()
        closed.set()

    server = await peer(watch)
    exchange = fetch(client_of(server.url))
    await exchange.first.wait()
    exchange.abort()
    exchange.abort()
    async with asyncio.timeout(PATIENCE):
        await closed.wait()
    assert exchange.calls == []


@on_both_loops
async def test_discard_keeps_the_connection_if_the_rest_is_short():
    go = asyncio.Event()

    async def rest(asked, wire):
        await wire.send(STREAM + chunk(b"x"))
        await go.wait()
        await wire.send(chunk(b"y" * 1000) + chunk(b""))

    async def endless(asked, wire):
        await wire.send(STREAM)
        while True:
            await wire.send(chunk(b"y" * 1000))

    async def quiet(asked, wire):
        await wire.send(STREAM + chunk(b"x"))
        await wire.gone()
        done.set()

    done = asyncio.Event()
    server = await peer([rest, OK, endless, quiet])
    client = client_of(server.url, connections=1)
    for behaviour in ("rest", "endless", "quiet"):
        exchange = fetch(client)
        await exchange.first.wait()
        exchange.discard()
        go.set()
        if behaviour == "rest":
            assert (await fetch(client).answer()).data == b"{}"
            assert server.connections == 1
        assert exchange.calls == []
    async with asyncio.timeout(PATIENCE):
        await done.wait()


@on_both_loops
async def test_a_paused_exchange_reads_nothing_and_its_connection_can_be_used_again():
    size = 32 << 20
    sent = 0

    async def much(asked, wire):
        nonlocal sent
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            await wire.send(b"x" * 65536)
            sent += 65536

    class Slow(Fetch):
        def on_data(self, data):
            super().on_data(data)
            self.pause()

    server = await peer([much, OK])
    client = client_of(server.url)
    exchange = Slow()
    client.send(exchange)
    while not exchange.done.done():
        exchange.first.clear()
        exchange.resume()
        await exchange.first.wait()
        assert sent - len(exchange.data) < size / 2  # what the kernel holds
    assert len(exchange.data) == size
    assert (await fetch(client).answer()).data == b"{}"
    assert server.connections == 1


@on_both_loops
async def test_idle_connections_are_closed_after_a_while():
    closed = asyncio.Event()

    async def then_watch(asked, wire):
        await wire.send(OK)
        await wire.gone()
        closed.set()

    server = await peer(then_watch)
    await fetch(client_of(server.url, idle=0.1)).answer()
    async with asyncio.timeout(PATIENCE):
        await closed.wait()


@on_both_loops
async def test_closing_fails_what_runs_waits_or_comes_later():
    server = await peer(silent)
    client = client_of(server.url, connections=1)
    running = fetch(client)
    await server.until_asked(1)
    waiting = fetch(client)
    opening = client_of(server.url)
    soon = fetch(opening)
    client.close()
    opening.close()
    for exchange in (running, waiting, soon, fetch(client)):
        assert (await exchange.failure()).kind == "closed"


# Redirects


@on_both_loops
async def test_a_redirect_within_the_origin_is_followed_with_method_and_body():
    async def answer(asked, wire):
        if asked.target == "/mcp":
            return reply(307, b"moved", Location="/a?b=c")
        if asked.target == "/a?b=c":
            return reply(308, Location=f"http://127.0.0.1:{server.port}/end")
        return OK

    server = await peer(answer)
    got = await fetch(client_of(server.url), b"POST", b"body", fields=b"X: y\r\n").answer()
    assert got.status == 200
    assert [(a.method, a.target, a.body, a.headers["x"]) for a in server.asked] == [
        ("POST", target, b"body", "y") for target in ("/mcp", "/a?b=c", "/end")
    ]


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2/",
        "https://127.0.0.1/",
        "//evil.example/mcp",
        "http://user@127.0.0.1/",
        "/\xff",
        "ftp://x/",
        "",
    ],
)
@on_both_loops
async def test_a_redirect_out_of_the_origin_is_refused(location):
    answer = reply(307, Location=location or "http://127.0.0.1:1/").replace(b"\xc3\xbf", b"\xff")
    failure = await refused(answer)
    assert failure.kind == "status"
    assert failure.http_status == 307
    assert "evil" not in failure.public


@pytest.mark.parametrize("answer", [reply(302, Location="/x"), reply(303, Location="/x"), reply(307)])
@on_both_loops
async def test_other_redirects_are_answers(answer):
    server = await peer(answer)
    assert (await fetch(client_of(server.url)).answer()).status in (302, 303, 307)
    assert len(server.asked) == 1


@on_both_loops
async def test_a_redirect_with_a_body_without_end_is_refused():
    async def endless(asked, wire):
        await wire.send(b"HTTP/1.1 307 Other\r\nLocation: /x\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await wire.send(chunk(b"y" * 1000))

    assert (await refused(endless)).kind == "too-large"


@on_both_loops
async def test_redirects_end():
    server = await peer(reply(307, Location="/mcp"))
    assert (await fetch(client_of(server.url)).answer()).status == 307
    assert len(server.asked) == 4


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Contexts of a server with a certificate for 127.0.0.1 and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))


@on_both_loops
async def test_tls_is_spoken_and_kept(certificate):
    server = await peer(OK, certificate[0])
    client = client_of(server.url, certificate[1])
    for _ in range(3):
        assert (await fetch(client).answer()).data == b"{}"
    assert server.connections == 1


@on_both_loops
async def test_a_certificate_that_is_not_trusted_or_of_another_name_is_refused(certificate):
    server = await peer(OK, certificate[0])
    failure = await fetch(client_of(server.url)).failure()
    assert failure.kind == "unreachable"
    assert "certificate is not trusted" in failure.public
    failure = await fetch(client_of(server.url.replace("127.0.0.1", "localhost"), certificate[1])).failure()
    assert "certificate is not trusted" in failure.public
    assert server.asked == []
