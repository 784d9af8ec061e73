"""Known heads: what is recognised is what the parser would have said; what it did not show is never learnt."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.transports.http_heads import Heads

HEAD = b"POST /mcp HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nMcp-Name: a\r\n\r\n"
LAST = b"POST /mcp HTTP/1.1\r\nHost: h\r\ncontent-length: %d\r\n\r\n"


def request(body=b"{}", head=HEAD):
    return head % len(body) + body


def knowing(*requests, **bounds):
    heads = Heads(**bounds)
    for data in requests:
        heads.learn(data, data.partition(b"\r\n\r\n")[2], "known")
    return heads


@pytest.mark.parametrize("head", [HEAD, LAST])
@pytest.mark.parametrize("body", [b"", b"{}", b"{}}", b"\r\n\r\n", b"x" * 100_000])
def test_a_known_head_is_recognised_whatever_the_length_of_the_body(head, body):
    heads = knowing(request(b"abcdef", head))
    for _ in range(2):
        assert heads.find(request(body, head)) == ("known", body)


@pytest.mark.parametrize(
    "other",
    [
        b"",
        request()[:-1],
        request() + b"x",
        request() + request(),
        b"\r\n" + request(),
        request().replace(b": 2", b": 1"),
        request().replace(b": 2", b": 3"),
        request().replace(b": 2", b":  2"),
        request().replace(b": 2", b": +2"),
        request().replace(b": 2", b": 2 "),
        request().replace(b": 2", b": 2, 2"),
        request().replace(b": 2", b": "),
        request().replace(b": 2", b": \xb2"),
        request().replace(b": 2", b": 0000000000000002"),
        request().replace(b": 2", b": 2\r\nContent-Length: 2"),
        request().replace(b": 2", b": 2\r\nTransfer-Encoding: chunked"),
        request().replace(b"\r\n", b"\n"),
        request().replace(b"Host: h", b"Host: x"),
        request().replace(b"Host: h", b"host: h"),
        request().replace(b"Mcp-Name: a", b"Mcp-Name: b"),
        request().replace(b"/mcp", b"/mc"),
        request(head=LAST),
    ],
)
def test_nothing_else_is_recognised(other):
    heads = knowing(request(b"abcdef"))
    assert heads.find(other) is None
    assert heads.find(request()) == ("known", b"{}")
    assert heads.find(other) is None


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (request() + request(), b"{}"),
        (request() + b"GET", b"{}"),
        (request()[:-1], b"{"),
        (request(), b"{]"),
        (request(), b""),
        (HEAD % 2 + b"\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 103 Early\r\nContent-Length: 2\r\n\r\n" + request(), b"{}"),
        (b"POST / HTTP/1.1\r\nHost: h\r\n\r\n", b""),
        (b"POST / HTTP/1.1\r\nX-Length: 2\r\n\r\n{}", b"{}"),
        (b"POST / HTTP/1.1\r\nX-Length: 2\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (b"POST / HTTP/1.1\r\nContent-Length: 2 \r\n\r\n{}", b"{}"),
        (b"POST / HTTP/1.1\r\nContent-Length:2\r\n\r\n{}", b"{}"),
        (b"POST / HTTP/1.1\r\nContent-Length: 00000002\r\n\r\n{}", b"{}"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}"),
        (b"", b""),
    ],
)
def test_what_the_parser_did_not_show_is_not_learnt(data, body):
    heads = Heads()
    heads.learn(data, body, "poison")
    assert heads.find(data) is None
    assert heads.find(request()) is None


def test_no_more_is_remembered_than_allowed_and_the_oldest_goes():
    many = [request(head=b"POST /%d HTTP/1.1\r\nContent-Length: %%d\r\n\r\n" % n) for n in range(5)]
    heads = knowing(*many, most=3)
    assert [heads.find(data) is not None for data in many] == [False, False, True, True, True]
    for size in range(100):
        assert heads.find(request(b"x" * size, b"POST /4 HTTP/1.1\r\nContent-Length: %d\r\n\r\n"))
    assert len(heads._known) == len(heads._exact) == 3


def test_a_long_head_is_not_remembered():
    data = request(head=b"POST / HTTP/1.1\r\nX: " + b"x" * 1000 + b"\r\nContent-Length: %d\r\n\r\n")
    assert knowing(data, longest=500).find(data) is None
    assert knowing(data, longest=2000).find(data) is not None


class Parsed:
    """Everything the parser says about some bytes."""

    def __init__(self, data):
        self.said, self.body, self.messages, self.failed = [], b"", 0, False
        parser = httptools.HttpRequestParser(self)
        try:
            parser.feed_data(data)
            self.said += [parser.get_method(), parser.get_http_version(), parser.should_keep_alive()]
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.failed = True

    def on_url(self, url):
        self.said.append(url)

    def on_header(self, name, value):
        self.said.append((name, b"" if name.lower() == b"content-length" else value))

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.messages += 1


BREAKS = [b"\r\n", b"\r", b"\n", b"\r\n\r\n", b" ", b":", b"0", b"2", b"{}", b"\0", b"\xff"]
FIELDS = [
    b"Content-Length: 2\r\n",
    b"content-length: 0\r\n",
    b"X-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
]
PIECES = st.sampled_from([*BREAKS, *FIELDS, request(), HEAD % 0])
CHANGES = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 3), PIECES), max_size=3)


@given(st.lists(CHANGES, min_size=1, max_size=6))
def test_who_recognises_a_message_says_what_the_parser_says(tries):
    heads = Heads()
    for changes in [[], *tries, *tries]:
        data = request()
        for at, gone, piece in changes:
            data = data[:at] + piece + data[at + gone :]
        parsed = Parsed(data)
        if (known := heads.find(data)) is not None:
            meaning, body = known
            assert not parsed.failed
            assert (parsed.said, parsed.body, parsed.messages) == (meaning, body, 1)
        elif not parsed.failed and parsed.messages:
            heads.learn(data, parsed.body, parsed.said)
