"""Requests with credentials that change: obtained before, renewed when refused, never left waiting."""

import asyncio

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports.http_authorized import AuthorizedClient
from keepgate.transports.http_request import parse_url
from tests.transports.raw_peer import peer, reply
from tests.transports.test_http_client import Fetch
from tests.transports.upstreams import at_end, on_both_loops

OK = reply(200, b"{}")
CHALLENGE = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer scope="a"\r\nContent-Length: 2\r\n\r\n{}'


class Purse:
    """A credential that the test fills."""

    def __init__(self, *tokens, failure=None):
        self.tokens = list(tokens)
        self.shown = None
        self.failure = failure
        self.refusals = []

    def lines(self):
        return self.shown

    async def renew(self, used, refusal):
        self.refusals.append((used, refusal))
        if not self.tokens:
            raise self.failure or UpstreamError("auth", "no more")
        self.shown = b"Authorization: Bearer %b\r\n" % self.tokens.pop(0)


def client_of(server, purse):
    client = AuthorizedClient(parse_url(server.url)[0], purse)

    async def close():
        client.close()
        await asyncio.sleep(0)

    at_end(close)
    return client


def judging(*accepted):
    """Answers 200 to these tokens, 401 to others."""

    async def answer(asked, wire):
        return OK if asked.headers.get("authorization", "") in accepted else CHALLENGE

    return answer


@on_both_loops
async def test_a_credential_is_obtained_before_the_first_request():
    server = await peer(judging("Bearer a"))
    exchange = Fetch()
    client_of(server, Purse(b"a")).send(exchange)
    assert (await exchange.answer()).status == 200
    assert len(server.asked) == 1


@on_both_loops
async def test_a_refused_request_is_sent_again_with_another():
    server = await peer(judging("Bearer b"))
    purse = Purse(b"a", b"b")
    exchange = Fetch(body=b'{"once": true}')
    client_of(server, purse).send(exchange)
    got = await exchange.answer()
    assert (got.status, got.calls) == (200, ["end"])
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer a", "Bearer b"]
    assert [asked.body for asked in server.asked] == [b'{"once": true}'] * 2
    used, refusal = purse.refusals[1]
    assert used == b"Authorization: Bearer a\r\n"
    assert (refusal.status, refusal.challenge) == (401, 'Bearer scope="a"')


@on_both_loops
async def test_a_server_that_is_never_content_is_given_up():
    server = await peer(judging())
    exchange = Fetch()
    client_of(server, Purse(*[b"x"] * 20)).send(exchange)
    assert (await exchange.failure()).kind == "auth"
    assert len(server.asked) == 4


@on_both_loops
async def test_the_reason_why_there_is_none_is_told():
    server = await peer(judging())
    exchange = Fetch()
    client_of(server, Purse(failure=UpstreamError("auth", "log in first"))).send(exchange)
    assert (await exchange.failure()).public == "log in first"
    assert not server.asked


@on_both_loops
async def test_what_nobody_waits_for_any_more_is_not_sent():
    server = await peer(judging("Bearer a"))
    purse = Purse(b"a", b"a")
    held = asyncio.Event()
    renew = purse.renew

    async def slow(used, refusal):
        await held.wait()
        await renew(used, refusal)

    purse.renew = slow
    client, exchange, after = client_of(server, purse), Fetch(), Fetch()
    client.send(exchange)
    await asyncio.sleep(0)
    exchange.abort()
    held.set()
    client.send(after)
    assert (await after.answer()).status == 200
    assert len(server.asked) == 1


@on_both_loops
async def test_closing_ends_what_waits_for_a_credential():
    server = await peer(OK)
    purse = Purse()

    async def never(used, refusal):
        await asyncio.Event().wait()

    purse.renew = never
    client, exchange = client_of(server, purse), Fetch()
    client.send(exchange)
    await asyncio.sleep(0)
    client.close()
    assert (await exchange.failure()).kind == "closed"


@on_both_loops
async def test_a_mishap_in_between_is_an_answer():
    server = await peer(OK)
    exchange = Fetch()
    client_of(server, Purse(failure=ValueError("s3cr3t"))).send(exchange)
    failure = await exchange.failure()
    assert failure.kind == "auth"
    assert "s3cr3t" not in failure.public


@pytest.mark.parametrize("status", [401, 403])
@on_both_loops
async def test_a_refusal_that_ends_the_connection_counts(status):
    answers = [b"HTTP/1.1 %d No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status, OK]
    server = await peer(answers)
    exchange = Fetch()
    client_of(server, Purse(b"a", b"b")).send(exchange)
    assert (await exchange.answer()).status == 200
