"""What may be fetched from outside, from where, and how much of it."""

import asyncio
import contextlib
import socket
import ssl

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports import fetch
from keepgate.transports.fetch import Fetcher

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@contextlib.asynccontextmanager
async def answering(answer, heard=None):
    """A server on loopback that answers so; its port."""

    serving = set()

    async def serve(reader, writer):
        serving.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            if b"ontent-Length: " in head:
                head += await reader.readexactly(int(head.split(b"ontent-Length: ")[1].split(b"\r\n")[0]))
            if heard is not None:
                heard.append(head)
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            if serving:
                await asyncio.wait(serving)


def fetched(answer, *, path="/x", fetcher=None, heard=None, **more):
    async def work():
        async with answering(answer, heard) as port:
            return await (fetcher or Fetcher(local=True))(f"http://127.0.0.1:{port}{path}", **more)

    return asyncio.run(work())


def failure(work):
    with pytest.raises(UpstreamError) as caught:
        work()
    return caught.value


def test_a_document_is_fetched():
    heard = []
    assert fetched(OK, path="/keys?a=b", heard=heard) == b"{}"
    assert heard[0].startswith(b"GET /keys?a=b HTTP/1.1\r\n")
    assert b"\r\nAccept: application/json\r\n" in heard[0]


def test_a_form_is_posted_with_the_headers_given():
    heard = []
    fetched(OK, heard=heard, form=b"token=a", headers={"Authorization": "Basic eA=="})
    assert heard[0].startswith(b"POST /x HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Basic eA==\r\n" in heard[0]
    assert heard[0].endswith(b"\r\n\r\ntoken=a")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (OK.replace(b"200 OK", b"404 Not Found"), "status"),
        (OK.replace(b"200 OK", b"201 Created"), "status"),
        *(
            (
                b"HTTP/1.1 %d Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" % status,
                "status",
            )
            for status in (301, 302, 303, 307, 308)
        ),
        (OK.replace(b"application/json", b"text/html"), "protocol"),
        (OK.replace(b"Content-Type: application/json\r\n", b""), "protocol"),
        (OK.replace(b"Content-Length: 2", b"Content-Encoding: gzip\r\nContent-Length: 2"), "protocol"),
        (OK.replace(b"Content-Length: 2", b"Content-Length: 5"), "closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX: " + b"a" * 20_000, "too-large"),
        (b"", "closed"),
        (b"not HTTP at all\r\n\r\n", "protocol"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\n\r\n"
            + b" " * 3_000_000,
            "too-large",
        ),
    ],
)
def test_any_other_answer_is_a_failure(answer, kind):
    assert failure(lambda: fetched(answer)).kind == kind


def test_a_silent_server_is_given_up(monkeypatch):
    monkeypatch.setattr(fetch, "PATIENCE", 0.2)
    assert failure(lambda: fetched(None)).kind == "timeout"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{}/",
        "http://localhost:{}/",
        "http://[::1]:{}/",
        "http://169.254.169.254/",
        "http://[::ffff:127.0.0.1]:{}/",
    ],
)
@pytest.mark.parametrize("private", [False, True])
def test_this_machine_and_its_surroundings_are_not_asked(url, private):
    heard = []

    async def work():
        async with answering(OK, heard) as port:
            await Fetcher(private=private)(url.format(port))

    assert failure(lambda: asyncio.run(work())).public == "its name stands for an address that is not public"
    assert not heard


@pytest.mark.parametrize(
    "url", ["ftp://a/", "file:///etc/passwd", "http://u:p@a/", "http://", "http://a b/", "//a"]
)
def test_what_is_no_web_address_is_not_asked(url):
    assert failure(lambda: asyncio.run(Fetcher(local=True)(url))).kind == "protocol"


def test_a_header_cannot_smuggle_another():
    with pytest.raises(UpstreamError):
        fetched(OK, headers={"Authorization": "a\r\nX: b"})


def names(monkeypatch, *answers):
    """What a name stands for, question by question; the questions."""
    asked = []

    async def getaddrinfo(self, host, port, **_):
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], []]
)
def test_a_name_that_stands_for_something_inside_is_not_asked(monkeypatch, found):
    names(monkeypatch, found)
    assert "not public" in failure(lambda: asyncio.run(Fetcher()("https://issuer.example.com/"))).public


def test_a_name_is_resolved_once_and_the_connection_goes_where_it_was_judged(monkeypatch):
    """DNS rebinding: the second answer would be loopback."""
    asked = names(monkeypatch, ["10.0.0.1"], ["127.0.0.1"])
    went = []

    async def create_connection(self, factory, host, port, **how):
        went.append((host, how["server_hostname"]))
        raise OSError

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", create_connection)
    failure(lambda: asyncio.run(Fetcher(private=True)("https://issuer.example.com/")))
    assert asked == ["issuer.example.com"]
    assert went == [("10.0.0.1", "issuer.example.com")]


def test_certificates_are_verified_for_the_name_that_was_asked_for():
    context = Fetcher()._context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
