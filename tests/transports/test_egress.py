"""Where connections may go: judged once per connection, by the address and not by the name."""

import asyncio
import socket

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports.egress import Egress
from keepgate.transports.http_client import HttpClient
from keepgate.transports.http_request import parse_url
from tests.transports.raw_peer import peer, reply
from tests.transports.test_http_client import Fetch
from tests.transports.upstreams import at_end, on_both_loops

INSIDE = [
    "127.0.0.1",
    "10.0.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "fd00:ec2::254",
    "0.0.0.0",
    "::",
    "fe80::1%1",
]
METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
]


class Names:
    """What names stand for, question by question, and where connections were tried."""

    def __init__(self, monkeypatch, *answers):
        self.asked, self.went = [], []

        async def getaddrinfo(loop, host, port, **_):
            self.asked.append(host)
            found = answers[min(len(self.asked), len(answers)) - 1]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        async def create_connection(loop, factory, host, port, **how):
            self.went.append((host, how["server_hostname"]))
            raise ConnectionRefusedError

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", create_connection)


def connect(egress, url="https://crm.example.com/mcp"):
    origin = parse_url(url)[0]
    asyncio.run(egress.connect(asyncio.Protocol, origin, None if url.startswith("http:") else object()))


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_stands_for_something_inside_is_refused(monkeypatch, address):
    names = Names(monkeypatch, ["8.8.8.8", address])
    with pytest.raises(UpstreamError, match="not public: say so"):
        connect(Egress(hint=": say so"))
    assert not names.went


@pytest.mark.parametrize("address", INSIDE)
def test_so_is_an_address_that_nobody_wrote_down(monkeypatch, address):
    names = Names(monkeypatch, [])
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(UpstreamError):
        connect(Egress(), f"https://{host}/")
    assert not names.went


@pytest.mark.parametrize("address", METADATA)
def test_metadata_services_are_refused_whatever_is_configured(monkeypatch, address):
    names = Names(monkeypatch, [address])
    everything = Egress(private=True, local=True, literal=True)
    host = f"[{address}]" if ":" in address else address
    for url in ("https://crm.example.com/", f"https://{host}/"):
        with pytest.raises(UpstreamError):
            connect(everything, url)
    assert not names.went


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "[::1]", "[fd12::1]", "100.64.0.1"])
def test_an_address_that_the_administrator_wrote_is_meant(monkeypatch, host):
    names = Names(monkeypatch, [])
    with pytest.raises(ConnectionRefusedError):
        connect(Egress(literal=True), f"http://{host}/")
    assert names.went == [(host.strip("[]"), None)]
    assert names.asked == []


def test_a_private_name_is_reached_where_that_is_said(monkeypatch):
    names = Names(monkeypatch, ["10.0.0.1"])
    with pytest.raises(ConnectionRefusedError):
        connect(Egress(private=True))
    assert names.went == [("10.0.0.1", "crm.example.com")]


def test_each_connection_goes_where_it_was_judged(monkeypatch):
    """DNS rebinding: the second answer is loopback, and comes too late for the first connection."""
    names = Names(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(ConnectionRefusedError):
        connect(Egress())
    assert (names.asked, names.went) == (["crm.example.com"], [("8.8.8.8", "crm.example.com")])
    with pytest.raises(UpstreamError, match="not public"):
        connect(Egress())
    assert len(names.went) == 1


def test_the_addresses_of_a_name_are_tried_in_turn_and_not_for_ever(monkeypatch):
    names = Names(monkeypatch, [f"8.8.8.{n}" for n in range(50)])
    with pytest.raises(ConnectionRefusedError):
        connect(Egress())
    assert [host for host, _ in names.went] == ["8.8.8.0", "8.8.8.1", "8.8.8.2", "8.8.8.3"]


@on_both_loops
async def test_an_upstream_whose_name_moves_inside_hears_nothing(monkeypatch):
    server = await peer(reply(200, b"{}"))

    class Loop:  # uvloop's class takes no new attributes
        def __getattr__(self, name):
            return getattr(running, name)

        async def getaddrinfo(self, host, port, **how):
            return await running.getaddrinfo("127.0.0.1", port, **how)

    running = asyncio.get_running_loop()
    monkeypatch.setattr("keepgate.transports.egress.asyncio.get_running_loop", Loop)
    client = HttpClient(parse_url(f"http://crm.example.com:{server.port}/mcp")[0])

    async def close():
        client.close()

    at_end(close)
    exchange = Fetch()
    client.send(exchange)
    failure = await exchange.failure()
    assert failure.kind == "unreachable"
    assert failure.public == (
        "its name stands for an address that is not public: where that is meant, set `allow_private: true`"
        " for this server"
    )
    assert server.connections == 0
