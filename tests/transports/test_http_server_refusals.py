"""What is refused before anyone looks at it: smuggling, foreign names, two framings, repeated fields.

Each case is sent to both lanes, followed by a request that must never be heard.
"""

import pytest

from tests.transports.http_peer import LOOPS, serving

AFTER = b"POST /mcp/smuggled HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 0\r\n\r\n"
START = b"POST LANE HTTP/1.1\r\n"
HEAD = START + b"Host: localhost:PORT\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"

CASES = {
    # Two framings, or one that two readers see differently
    "length and coding": (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "coding and length": (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
    "length twice": (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
    "two lengths": (HEAD + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}", 400),
    "list of lengths": (HEAD + b"Content-Length: 2, 2\r\n\r\n{}", 400),
    "signed length": (HEAD + b"Content-Length: +2\r\n\r\n{}", 400),
    "negative length": (HEAD + b"Content-Length: -2\r\n\r\n{}", 400),
    "hexadecimal length": (HEAD + b"Content-Length: 0x2\r\n\r\n{}", 400),
    "spaced length": (HEAD + b"Content-Length: 1 1\r\n\r\n{}", 400),
    "underscored length": (HEAD + b"Content-Length: 1_1\r\n\r\n{}", 400),
    "empty length": (HEAD + b"Content-Length: \r\n\r\n{}", 400),
    "overflowing length": (HEAD + b"Content-Length: 18446744073709551618\r\n\r\n{}", 400),
    "large length": (HEAD + b"Content-Length: 999999999\r\n\r\n", 413),
    "identity coding": (HEAD + b"Transfer-Encoding: identity\r\n\r\n", 400),
    "coding before chunked": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "coding after chunked": (HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    "coding twice": (
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "unknown coding": (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "coding behind a tab": (HEAD + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "coding with a space before the colon": (HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "folded coding": (HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "coding in HTTP/1.0": (CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n", 400),
    "chunk size no number": (CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size with prefix": (CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", 400),
    "negative chunk size": (CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size and a space": (CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n", 400),
    "overflowing chunk size": (CHUNKED + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n", 400),
    "chunk too long": (CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", 400),
    "chunk with bare newlines": (CHUNKED + b"3\nabc\n0\n\n", 400),
    "chunk extension with a bare newline": (CHUNKED + b"3;a\nabc\r\n0\r\n\r\n", 400),
    "trailer": (CHUNKED + b"3\r\nabc\r\n0\r\nHost: evil.test\r\n\r\n", 400),
    # Lines that end or begin in another way
    "bare newlines": (HEAD.replace(b"\r\n", b"\n") + EMPTY.replace(b"\r\n", b"\n"), 400),
    "bare newline after a field": (HEAD + b"X: a\nY: b\r\n" + EMPTY, 400),
    "bare return after a field": (HEAD + b"X: a\rY: b\r\n" + EMPTY, 400),
    "folded field": (HEAD + b"X: a\r\n b\r\n" + EMPTY, 400),
    "folded first field": (START + b" X: a\r\nHost: localhost:PORT\r\n" + EMPTY, 400),
    "null in a value": (HEAD + b"X: a\0b\r\n" + EMPTY, 400),
    "control in a value": (HEAD + b"X: a\x01b\r\n" + EMPTY, 400),
    "null in a name": (HEAD + b"X\0: a\r\n" + EMPTY, 400),
    "no colon": (HEAD + b"Xabc\r\n" + EMPTY, 400),
    "no name": (HEAD + b": a\r\n" + EMPTY, 400),
    "space in a name": (HEAD + b"X Y: a\r\n" + EMPTY, 400),
    "name beyond ASCII": (HEAD + b"X\xe9: a\r\n" + EMPTY, 400),
    "tab in the request line": (HEAD.replace(b"POST ", b"POST\t") + EMPTY, 400),
    "method in lower case": (HEAD.replace(b"POST", b"post") + EMPTY, 400),
    "unknown method": (HEAD.replace(b"POST", b"HACK") + EMPTY, 400),
    # Versions and other protocols
    "HTTP/0.9": (HEAD.replace(b"HTTP/1.1", b"HTTP/0.9") + EMPTY, 505),
    "HTTP/1.2": (HEAD.replace(b"HTTP/1.1", b"HTTP/1.2") + EMPTY, 400),
    "HTTP/2.0": (HEAD.replace(b"HTTP/1.1", b"HTTP/2.0") + EMPTY, 505),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "upgrade with a body": (
        HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
        501,
    ),
    "web socket": (HEAD.replace(b"POST", b"GET") + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 501),
    "CONNECT": (b"CONNECT localhost:PORT HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", 501),
    # Targets
    "absolute target": (HEAD.replace(b"LANE", b"http://localhost:PORTLANE") + EMPTY, 400),
    "asterisk": (HEAD.replace(b"POST LANE", b"OPTIONS *") + EMPTY, 400),
    "dot segments": (HEAD.replace(b"LANE", b"/mcp/..LANE") + EMPTY, 400),
    "encoded dot segments": (HEAD.replace(b"LANE", b"/mcp/%2e%2eLANE") + EMPTY, 400),
    "encoded slash": (HEAD.replace(b"LANE", b"/a%2FbLANE") + EMPTY, 400),
    "needless encoding": (HEAD.replace(b"LANE", b"/%6Dcp") + EMPTY, 400),
    "empty segment": (HEAD.replace(b"LANE", b"/LANE") + EMPTY, 400),
    "backslash": (HEAD.replace(b"LANE", b"LANE\\x") + EMPTY, 400),
    "fragment": (HEAD.replace(b"LANE", b"LANE#x") + EMPTY, 400),
    "target beyond ASCII": (HEAD.replace(b"LANE", b"LANE\xc3\xa9") + EMPTY, 400),
    # Names
    "no host": (START + EMPTY, 400),
    "no host in HTTP/1.0": (START.replace(b"HTTP/1.1", b"HTTP/1.0") + EMPTY, 400),
    "host twice": (HEAD + b"host: localhost:PORT\r\n" + EMPTY, 400),
    "two hosts": (HEAD + b"Host: evil.test\r\n" + EMPTY, 400),
    "foreign host": (START + b"Host: evil.test:PORT\r\n" + EMPTY, 403),
    "host without the port": (START + b"Host: localhost\r\n" + EMPTY, 403),
    "host with another port": (START + b"Host: localhost:1\r\n" + EMPTY, 403),
    "host with a dot": (START + b"Host: localhost.:PORT\r\n" + EMPTY, 403),
    "host behind ours": (START + b"Host: localhost:PORT.evil.test\r\n" + EMPTY, 403),
    "host with a user": (START + b"Host: x@localhost:PORT\r\n" + EMPTY, 403),
    "list of hosts": (START + b"Host: localhost:PORT, localhost:PORT\r\n" + EMPTY, 403),
    "empty host": (START + b"Host:\r\n" + EMPTY, 403),
    "foreign origin": (HEAD + b"Origin: https://evil.test\r\n" + EMPTY, 403),
    "no origin in particular": (HEAD + b"Origin: null\r\n" + EMPTY, 403),
    "empty origin": (HEAD + b"Origin:\r\n" + EMPTY, 403),
    "origin of another scheme": (HEAD + b"Origin: https://localhost:PORT\r\n" + EMPTY, 403),
    "origin of another port": (HEAD + b"Origin: http://localhost:1\r\n" + EMPTY, 403),
    "origin twice": (HEAD + b"Origin: http://localhost:PORT\r\n" * 2 + EMPTY, 400),
    "foreign origin in a preflight": (
        HEAD.replace(b"POST", b"OPTIONS")
        + b"Origin: https://evil.test\r\nAccess-Control-Request-Method: POST\r\n"
        + EMPTY,
        403,
    ),
    # Fields that decide, twice; and what we do not do
    "content type twice": (HEAD + b"Content-Type: application/json\r\n" * 2 + EMPTY, 400),
    "authorization twice": (HEAD + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n" + EMPTY, 400),
    "method header twice": (HEAD + b"Mcp-Method: a\r\nMcp-Method: a\r\n" + EMPTY, 400),
    "parameter header twice": (HEAD + b"Mcp-Param-X: a\r\nmcp-param-x: a\r\n" + EMPTY, 400),
    "session twice": (HEAD + b"Mcp-Session-Id: a\r\nMCP-SESSION-ID: b\r\n" + EMPTY, 400),
    "name header beyond ASCII": (HEAD + b"Mcp-Name: caf\xc3\xa9\r\n" + EMPTY, 400),
    "compressed body": (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 415),
    "unknown expectation": (HEAD + b"Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}", 417),
}


@pytest.fixture(scope="module", params=LOOPS)
def server(request):
    with serving(request.param) as running:
        yield running


@pytest.mark.parametrize("lane", ["/mcp", "/other"])
@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_and_nothing_after_it_is_heard(server, case, lane):
    data, status = CASES[case]
    with server.connect() as client:
        port = str(client.port).encode()
        client.send((data + AFTER).replace(b"LANE", lane.encode()).replace(b"PORT", port))
        got, headers, body = client.answer()
        assert got == status
        assert headers["connection"] == "close"
        assert "access-control-allow-origin" not in headers
        assert body.endswith(b"\n")
        assert client.rest() == b""
    assert server.endpoint.requests == []


@pytest.mark.parametrize("lane", ["/mcp", "/other"])
def test_the_table_refuses_for_the_reason_it_says(server, lane):
    """The frame that all cases are built from is itself accepted."""
    for ok in (HEAD + EMPTY, CHUNKED + b"3\r\nabc\r\n0\r\n\r\n"):
        with server.connect() as client:
            client.send(ok.replace(b"LANE", lane.encode()).replace(b"PORT", str(client.port).encode()))
            assert client.answer()[0] == 200
    server.endpoint.requests.clear()


@pytest.mark.parametrize("lane", ["/mcp", "/other"])
@pytest.mark.parametrize("name", ["localhost:PORT", "LocalHost:PORT", "127.0.0.1:PORT", "[::1]:PORT"])
def test_our_own_names_are_served(server, lane, name):
    with server.connect() as client:
        request = client.request(lane).replace(b"localhost:PORT", name.encode())
        client.send(
            request.replace(f"localhost:{client.port}".encode(), name.encode()).replace(
                b"PORT", b"%d" % client.port
            )
        )
        assert client.answer()[0] == 200
    server.endpoint.requests.clear()


def test_a_page_of_our_own_may_read_the_answer(server):
    with server.connect() as client:
        origin = f"http://localhost:{client.port}"
        _, headers, _ = client.ask(headers=f"Origin: {origin}\r\n")
        assert headers["access-control-allow-origin"] == origin
        assert headers["vary"] == "origin"
        assert "mcp-session-id" in headers["access-control-expose-headers"]
    server.endpoint.requests.clear()


def test_a_preflight_of_our_own_is_answered_without_the_endpoint(server):
    with server.connect() as client:
        asked = (
            f"Origin: http://localhost:{client.port}\r\nAccess-Control-Request-Method: POST\r\n"
            "Access-Control-Request-Headers: content-type,mcp-method,x-other\r\n"
        )
        status, headers, _ = client.ask(method="OPTIONS", headers=asked)
        assert status == 204
        assert "content-length" not in headers
        assert headers["access-control-allow-headers"] == "content-type, mcp-method"
        assert headers["access-control-allow-methods"] == "GET, POST, DELETE"
        assert client.ask()[0] == 200
    assert [request.method for request in server.endpoint.requests] == ["POST"]
    server.endpoint.requests.clear()


def test_a_listed_origin_and_host_are_served():
    with (
        serving(hosts=["gw.example.com"], origins=["https://app.example.com"]) as server,
        server.connect() as client,
    ):
        request = client.request(headers="Origin: https://app.example.com\r\n")
        client.send(request.replace(f"localhost:{client.port}".encode(), b"gw.example.com"))
        status, headers, _ = client.answer()
        assert (status, headers["access-control-allow-origin"]) == (200, "https://app.example.com")
