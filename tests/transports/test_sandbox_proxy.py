"""The way out of a sandbox: what a list admits, how the proxy answers, and that there is no other way."""

import asyncio
import contextlib
import json
import socket
import sys

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports.connect import StdioConnector
from keepgate.transports.sandbox.destinations import Allowed, RefusedError
from keepgate.transports.sandbox.launch import Containment
from keepgate.transports.sandbox.profile import Profile
from keepgate.transports.sandbox.proxy import HEAD, Proxy
from keepgate.transports.upstream_stdio import ProcessSpec, StdioLimits
from tests.support import peers
from tests.transports.upstreams import at_end, on_both_loops, started

ANSWERS = {
    "api.example.com": ["93.184.216.34"],
    "www.example.com": ["93.184.216.34", "93.184.216.35"],
    "inside.example.com": ["10.1.2.3"],
    "mixed.example.com": ["93.184.216.34", "127.0.0.1"],
    "cloud.example.com": ["169.254.169.254"],
    "mapped.example.com": ["::ffff:10.1.2.3"],
    "localhost": ["127.0.0.1"],
    "127.1": ["127.0.0.1"],
}


def resolved(entries, host, port, monkeypatch):
    async def main():
        async def getaddrinfo(name, number, **_):
            if name not in ANSWERS:
                raise socket.gaierror("unknown")
            return [(0, 0, 0, "", (address, number)) for address in ANSWERS[name]]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
        return await Allowed(entries).resolve(host, port)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("entries", "host", "port", "expected"),
    [
        # names
        (["api.example.com:443"], "api.example.com", 443, ["93.184.216.34"]),
        (["api.example.com:443"], "API.Example.com.", 443, OSError),  # admitted; nobody here knows it so
        (["api.example.com:443"], "api.example.com", 80, RefusedError),
        (["api.example.com:*"], "api.example.com", 80, ["93.184.216.34"]),
        (["api.example.com:443"], "www.example.com", 443, RefusedError),
        (["*.example.com:443"], "www.example.com", 443, ["93.184.216.34", "93.184.216.35"]),
        (["*.example.com:443"], "example.com", 443, RefusedError),
        (["*.example.com:443"], "badexample.com", 443, RefusedError),
        (["*.example.com:443"], ".example.com", 443, RefusedError),
        (["*.example.com:443"], "api.example.com.evil.test", 443, RefusedError),
        # what names stand for
        (["inside.example.com:443"], "inside.example.com", 443, RefusedError),
        (["inside.example.com:443", "10.0.0.0/8:443"], "inside.example.com", 443, ["10.1.2.3"]),
        (["inside.example.com:443", "10.0.0.0/8:80"], "inside.example.com", 443, RefusedError),
        (["mixed.example.com:443"], "mixed.example.com", 443, RefusedError),
        (["mapped.example.com:1"], "mapped.example.com", 1, RefusedError),
        (["cloud.example.com:80", "169.254.0.0/16:80"], "cloud.example.com", 80, RefusedError),
        (["localhost:80"], "localhost", 80, RefusedError),
        (["localhost:80", "127.0.0.1:80"], "localhost", 80, ["127.0.0.1"]),
        # addresses
        (["127.0.0.1:80"], "127.0.0.1", 80, ["127.0.0.1"]),
        (["127.0.0.1:80"], "127.0.0.1", 81, RefusedError),
        (["127.0.0.1:80"], "::ffff:127.0.0.1", 80, ["127.0.0.1"]),
        (["127.0.0.1:80"], "localhost", 80, RefusedError),
        (["[::1]:80"], "::1", 80, ["::1"]),
        (["0.0.0.0/0:*", "[::]:*"], "169.254.169.254", 80, RefusedError),
        (["8.8.8.8:53"], "93.184.216.34", 53, RefusedError),
        (["10.0.0.0/8:*"], "11.0.0.1", 5, RefusedError),
        # spellings of 127.0.0.1 that libraries take for it
        (["*.1:80", "a.test:80"], "127.1", 80, RefusedError),
        (["a.test:80"], "2130706433", 80, RefusedError),
        (["a.test:80"], "0x7f.1", 80, RefusedError),
        ([], "api.example.com", 443, RefusedError),
    ],
)
def test_what_a_list_admits(entries, host, port, expected, monkeypatch):
    if isinstance(expected, list):
        assert resolved(tuple(entries), host, port, monkeypatch) == expected
    else:
        with pytest.raises(expected):
            resolved(tuple(entries), host, port, monkeypatch)


async def page(reader, writer):
    """A web server of one page, which tells what it was asked."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = [int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    body = await reader.readexactly(length[0]) if length else b""
    text = json.dumps({"head": head.decode(), "body": body.decode()}).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(text), text))
    await writer.drain()
    writer.close()


async def web():
    """Its port on loopback."""
    server = await asyncio.start_server(page, "127.0.0.1", 0)

    async def end():
        server.close()

    at_end(end)
    return server.sockets[0].getsockname()[1]


class Front:
    """A proxy on a socket of this machine, as the reaper would have handed it out."""

    def __init__(self, *entries):
        self.refused = []
        self.proxy = Proxy(entries, self.refused.append)

    async def start(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        ours, theirs = socket.socketpair()
        self.proxy.take(ours.detach())
        socket.send_fds(theirs, [b"."], [listener.fileno()])
        listener.close()
        theirs.close()

        async def end():
            self.proxy.close()

        at_end(end)

    async def say(self, *parts):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for part in parts:
            with contextlib.suppress(ConnectionError):
                writer.write(part)
                await writer.drain()
        try:
            return await reader.read()
        finally:
            writer.close()


@on_both_loops
async def test_plain_http_goes_through_with_its_head_made_anew():
    port = await web()
    front = Front(f"127.0.0.1:{port}")
    await front.start()
    answer = await front.say(
        f"POST http://127.0.0.1:{port}/a/b?c=d HTTP/1.1\r\nHost: elsewhere\r\nProxy-Authorization: x\r\n"
        "Connection: keep-alive\r\nX-Own: 1\r\nContent-Length: 4\r\n\r\nbo".encode(),
        b"dy",
    )
    assert answer.startswith(b"HTTP/1.1 200 OK")
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert seen["body"] == "body"
    start, *fields = seen["head"].strip().split("\r\n")
    assert start == "POST /a/b?c=d HTTP/1.1"
    assert fields == [f"Host: 127.0.0.1:{port}", "X-Own: 1", "Content-Length: 4", "Connection: close"]
    assert front.refused == []


@on_both_loops
async def test_a_tunnel_carries_bytes_both_ways():
    port = await web()
    front = Front(f"127.0.0.1:{port}")
    await front.start()
    early = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    answer = await front.say(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: h\r\n\r\n" % port + early)
    established, _, rest = answer.partition(b"\r\n\r\n")
    assert established == b"HTTP/1.1 200 Connection established"
    assert json.loads(rest.partition(b"\r\n\r\n")[2])["head"] == early.decode()


@pytest.mark.parametrize(
    ("request_", "status", "why"),
    [
        (b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n", 403, "`127.0.0.1:1` may not be reached"),
        (b"CONNECT evil.test:443 HTTP/1.1\r\n\r\n", 403, "sandbox.network"),
        (b"CONNECT x\x1b[2J.test:443 HTTP/1.1\r\n\r\n", 400, ""),
        (b"GET http://evil.test/ HTTP/1.1\r\n\r\n", 403, "`evil.test:80`"),
        (b"GET http://127.0.0.1:9@evil.test/ HTTP/1.1\r\n\r\n", 400, ""),
        (b"GET https://evil.test/ HTTP/1.1\r\n\r\n", 400, "CONNECT"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n", 400, ""),
        (b"CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n", 400, ""),
        (b"CONNECT 127.0.0.1:99999 HTTP/1.1\r\n\r\n", 400, ""),
        (b"CONNECT :443 HTTP/1.1\r\n\r\n", 400, ""),
        (b"nonsense\r\n\r\n", 400, ""),
        (b"GET http://127.0.0.1:9/ HTTP/1.1\r\nX: " + b"x" * HEAD, 431, ""),
        (b"CONNECT 127.0.0.1:9 HTTP/1.1\r\n\r\n", 502, "cannot be reached"),
    ],
)
@on_both_loops
async def test_what_is_not_meant_is_answered_and_said_once(request_, status, why):
    front = Front("127.0.0.1:9")
    await front.start()
    for _ in range(2):
        answer = (await front.say(request_)).decode()
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert why in answer
    assert len(front.refused) == (status == 403)


@on_both_loops
async def test_many_connections_and_refusals_are_bounded(monkeypatch):
    monkeypatch.setattr("keepgate.transports.sandbox.proxy.MOST", 2)
    monkeypatch.setattr("keepgate.transports.sandbox.proxy.REPORTED", 2)
    front = Front()
    await front.start()
    held = [await asyncio.open_connection("127.0.0.1", front.port) for _ in range(2)]
    assert (await front.say(b"CONNECT a.test:1 HTTP/1.1\r\n\r\n")) == b""
    for _, writer in held:
        writer.close()
    for number in range(4):
        answer = b""
        while not answer:  # the two are forgotten a moment after they were closed
            answer = await front.say(b"CONNECT a%d.test:1 HTTP/1.1\r\n\r\n" % number)
        assert b"403" in answer
    assert len(front.refused) == 2


FETCH = """
import json, os, socket, sys, urllib.request
for line in sys.stdin:
    said = {}
    for url in json.loads(line)["urls"]:
        try: said[url] = urllib.request.urlopen(url, timeout=5).read().decode()
        except Exception as error: said[url] = str(error)
    try: socket.create_connection(tuple(json.loads(line)["direct"]), timeout=2); said["direct"] = "reached"
    except OSError as error: said["direct"] = "not reached"
    said["names"] = [name for name in os.environ if "proxy" in name.lower()]
    print(json.dumps(said), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there is nothing to contain with")
@on_both_loops
async def test_a_contained_server_reaches_what_is_listed_and_nothing_else(tmp_path):
    peers.need_program("bwrap")
    listed, other = await web(), await web()
    profile = Profile("test", mode="strict", home=tmp_path, network=(f"127.0.0.1:{listed}",))
    refused = []
    containment = Containment(profile, "bubblewrap", refused.append)
    spec = ProcessSpec(
        [sys.executable, "-c", FETCH], containment=containment, limits=StdioLimits(term_after=0.2)
    )
    channel, sink = await started(StdioConnector(spec))
    urls = [f"http://127.0.0.1:{listed}/x", f"http://127.0.0.1:{other}/x"]
    await channel.notify(json.dumps({"urls": urls, "direct": ["127.0.0.1", listed]}).encode(), {})
    said = json.loads(await sink.message_next())
    assert "GET /x" in said[urls[0]]
    assert "403" in said[urls[1]]
    assert said["direct"] == "not reached"
    assert refused == [f"`127.0.0.1:{other}` may not be reached from its sandbox"]
    await channel.close()
    while channel._process.way_out.clients:  # each hears of its end in a turn of its own
        await asyncio.sleep(0)


@on_both_loops
async def test_landlock_cannot_hold_a_list_and_says_so(tmp_path):
    profile = Profile("test", mode="dev", home=tmp_path, network=("127.0.0.1:1",))
    spec = ProcessSpec([sys.executable], containment=Containment(profile, "landlock"))
    with pytest.raises(UpstreamError, match="cannot hold `network` to a list: install bubblewrap"):
        await StdioConnector(spec).channel(era="handshake").open(None)
