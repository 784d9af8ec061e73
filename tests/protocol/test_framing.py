"""Framing laws: however the bytes are cut the frames are the same, and what is encoded is read back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.errors import RemoteError
from keepgate.protocol.framing import Event, LineSplitter, SseParser, sse_encode

LIMIT = 200


def pieces(data, cuts):
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def frames(reader, parts):
    """What it yields, and whether it then refused."""
    out = []
    try:
        for part in parts:
            out.extend(reader.feed(part))
    except RemoteError as error:
        return out, error.code
    return out, None


def sse(data):
    return list(SseParser(LIMIT).feed(data))


TEXT = [
    "data",
    "id",
    "retry",
    "event",
    ":",
    ": ",
    "x",
    "1",
    "\0",
    "\u2028",
    "\ufeff",
    "\x0b",
    "\x0c",
    "y" * 90,
    "data: x",
    "event: message",
]
ENDS = [b"\n", b"\n\n", b"\r", b"\r\n", b"\xff", b"\x85"]
hostile = st.lists(st.sampled_from([*ENDS, *(word.encode() for word in TEXT)]), max_size=60).map(b"".join)
cuts = st.lists(st.integers(0, 10_000), max_size=20)


@given(hostile, cuts)
@pytest.mark.parametrize("reader", [LineSplitter, SseParser])
def test_any_split_gives_the_same_frames(reader, data, cuts):
    whole = frames(reader(LIMIT), [data])
    assert frames(reader(LIMIT), pieces(data, cuts)) == whole
    assert frames(reader(LIMIT), [bytes([b]) for b in data]) == whole


@given(st.binary(max_size=400), cuts)
@pytest.mark.parametrize("reader", [LineSplitter, SseParser])
def test_any_bytes_either_parse_or_raise_remote_error(reader, data, cuts):
    assert frames(reader(LIMIT), pieces(data, cuts)) == frames(reader(LIMIT), [data])


text = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=20)


no_cr = st.binary(max_size=40).map(lambda data: data.replace(b"\r", b""))


@given(no_cr, text, text.filter(bool), st.integers(0, 999_999_999))
def test_what_is_encoded_is_read_back(data, event_id, event, retry):
    wire = sse_encode(data, event_id, event, retry)
    assert list(SseParser(10_000).feed(wire)) == [Event(data, event, event_id, retry)]
    assert list(SseParser(10_000).feed(sse_encode(data))) == [Event(data)]


def test_only_newline_ends_a_line_and_a_trailing_cr_is_dropped():
    data = b'{"a":"\xe2\x80\xa8\x0b\x0c\x85"}\r\n{"b":\r1}\n\n\r\n{"c"'
    assert list(LineSplitter(LIMIT).feed(data)) == [b'{"a":"\xe2\x80\xa8\x0b\x0c\x85"}', b'{"b":\r1}']


def test_a_line_over_the_limit_is_refused_before_it_ends_and_forgotten():
    splitter = LineSplitter(10)
    with pytest.raises(RemoteError):
        list(splitter.feed(b"x" * 11))
    assert list(splitter.feed(b"ok\n")) == [b"ok"]


def test_lines_before_a_line_over_the_limit_are_delivered():
    assert frames(LineSplitter(3), [b"a\nb\nlonger\n"]) == ([b"a", b"b"], "frame-too-long")


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_ending_of_the_standard_separates(end):
    fields = ["event: e", "data: one", "data:two", "data", ": note", "id: 7", "retry: 250", "junk: 1", "", ""]
    block = end.join(field.encode() for field in fields)
    assert sse(block) == [Event(b"one\ntwo\n", "e", "7", 250)]


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (b"\xef\xbb\xbfdata: x\n\n", [Event(b"x")]),
        (b"data: x\n\n\xef\xbb\xbfdata: y\n\n", [Event(b"x")]),
        (b"data:  two spaces\n\n", [Event(b" two spaces")]),
        (b"data: x\n", []),
        (b"event: lonely\n\n", []),
        (b": comment\n\n", []),
        (b"id: p\ndata:\n\n", [Event(b"", id="p")]),
        (b"id: p\n\n", [Event(b"", id="p")]),
        (b"retry: 10\n\n", [Event(b"", retry=10)]),
        (b"id: a\0b\ndata: x\n\n", [Event(b"x")]),
        (b"id\ndata: x\n\n", [Event(b"x", id="")]),
        (b"retry: 1x\ndata: x\n\n", [Event(b"x")]),
        (b"retry: \xd9\xa1\ndata: x\n\n", [Event(b"x")]),
        (b"retry: 1234567890\ndata: x\n\n", [Event(b"x")]),
        (b"data: a\xe2\x80\xa8b\x0bc\x85d\n\n", [Event(b"a\xe2\x80\xa8b\x0bc\x85d")]),
    ],
)
def test_fields(wire, expected):
    assert sse(wire) == expected


def test_a_line_feed_counts_although_an_earlier_piece_held_a_carriage_return():
    """Found by fuzz/fuzz_framing.py: `CR ... LF` cut before the LF is no CRLF."""
    assert frames(SseParser(LIMIT), [b"id: 7\rdata: x", b"\n\n"]) == ([Event(b"x", id="7")], None)


def test_many_data_lines_count_together():
    assert frames(SseParser(50), [b"data: x\n" * 100])[1] == "frame-too-long"


def test_comments_are_bounded_one_by_one_only():
    assert frames(SseParser(50), [b": still here\n" * 100 + b"data: x\n\n"]) == ([Event(b"x")], None)
    assert frames(SseParser(50), [b":" + b"x" * 60])[1] == "frame-too-long"


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b"])
def test_an_id_or_event_cannot_smuggle_a_field(bad):
    with pytest.raises(ValueError, match="line break"):
        sse_encode(b"{}", event_id=bad)
    with pytest.raises(ValueError, match="line break"):
        sse_encode(b"{}", event=bad)


def test_data_cannot_smuggle_a_field():
    assert sse(sse_encode(b"a\r\rid: 1\n\nretry: 1\r\nx")) == [Event(b"a\n\nid: 1\n\nretry: 1\nx")]
