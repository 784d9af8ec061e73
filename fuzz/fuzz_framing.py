"""Coverage-guided fuzzing of the framing: lines on stdio, server-sent events on HTTP. Run by `make fuzz`.

The invariants, for any bytes at all, cut into any pieces:

1. frames, or RemoteError at one over the limit; nothing else comes out, and what is held back is bounded;
2. the same frames however the bytes were cut;
3. the same frames as an independent reader finds that reads the specification literally, in one piece;
4. what `sse_encode` writes is read back as one event with the same data, its line breaks made LF.
"""

import atheris
from start import start

with atheris.instrument_imports(include=["keepgate"]):
    from keepgate.model.errors import RemoteError
    from keepgate.protocol.framing import Event, LineSplitter, SseParser, sse_encode

LIMIT = 64
TOO_LONG = "too long"

# One byte of input is one of these, which gets the fuzzer to whole events within seconds.
TOKENS = (
    b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b":", b": ", b" ", b"data", b"data:", b"data: ", b"event:",
    b"id:", b"retry:", b"retry: 1", b"retry: 999999999", b"retry: \xd9\xa1", b"id: 7", b"id: a\x00b", b"event: message",
    b"data: {}", b"data\n", b":ping\n", b"\xef\xbb\xbf", b"\x00", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\xc2\x85",
    b"\xe2\x80\xa8", b"\xff", b"x", b"x" * 30, b"x" * 70, b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n', b"Data: x\n",
)  # fmt: skip

SEEDS = (
    b"\x00\x00id: 1\nretry: 5\ndata: a\ndata: b\r\n\r\n:comment\rdata\n\nevent: x\n\n",
    b"\x01\x05\xef\xbb\xbfdata: {}\r\rdata: \xe2\x80\xa8\x85\x0c\n\n",
    b'\x07\x03{"jsonrpc":"2.0","id":1,"method":"ping"}\r\n\n{"a":"\r"}\n\xff',
    b"\x02\x02" + b"data: " + b"x" * 70 + b"\n\n",
)


def pieces(data: bytes, first: int, step: int):
    """The data cut at `first`, then every `step` bytes."""
    yield data[:first]
    for start_at in range(first, len(data), step + 1):
        yield data[start_at : start_at + step + 1]


def frames(reader, parts):
    """What a reader yields, then TOO_LONG if it gave up."""
    found = []
    try:
        for part in parts:
            found.extend(reader.feed(part))
    except RemoteError as error:
        assert error.public
        found.append(TOO_LONG)
    held = len(reader._rest) if isinstance(reader, LineSplitter) else len(reader._line) + len(reader._data)  # noqa: SLF001
    assert held <= LIMIT, "more is held back than the limit"
    return found


def lines_of(data: bytes):
    """The lines of a text whose lines all end, read literally."""
    *whole, rest = data.split(b"\n")
    for line in whole:
        if len(line) > LIMIT:
            yield TOO_LONG
            return
        line = line[:-1] if line.endswith(b"\r") else line  # noqa: PLW2901
        if line:
            yield line
    if len(rest) > LIMIT:
        yield TOO_LONG


def stream_lines(data: bytes):
    """The lines of an event stream with the line end of each: CRLF, LF or CR; the last one may have none."""
    at = 0
    while at < len(data):
        ends = [end for end in (data.find(b"\r", at), data.find(b"\n", at)) if end >= 0]
        if not ends:
            yield data[at:], False
            return
        end = min(ends)
        yield data[at:end], True
        at = end + (2 if data[end : end + 2] == b"\r\n" else 1)


class Block:
    """The fields of one event so far."""

    def __init__(self):
        self.size = 0
        self.data = []
        self.event = ""
        self.id = None
        self.retry = None

    def take(self, line: bytes):
        name, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if name == b"data":
            self.data.append(value)
        elif name == b"event":
            self.event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self.id = value.decode("utf-8", "replace")
        elif name == b"retry" and value and len(value) < 10 and all(0x30 <= c <= 0x39 for c in value):
            self.retry = int(value)

    def finished(self):
        if self.data or self.id is not None or self.retry is not None:
            return Event(b"\n".join(self.data), self.event or "message", self.id, self.retry)
        return None


def events_of(data: bytes):
    """The events of a stream, read literally (HTML standard, server-sent events)."""
    block, first = Block(), True
    for line, ended in stream_lines(data):
        if block.size + len(line) > LIMIT:
            yield TOO_LONG
            return
        if not ended:
            return
        if first:
            first, line = False, line.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901
        if not line:
            event, block = block.finished(), Block()
            if event is not None:
                yield event
        elif not line.startswith(b":"):
            block.size += len(line) + 1
            block.take(line)


def one_stream(data: bytes, first: int, step: int):
    whole = frames(LineSplitter(LIMIT), [data])
    assert whole == frames(LineSplitter(LIMIT), pieces(data, first, step)), (
        "lines depend on how bytes are cut"
    )
    assert whole == list(lines_of(data)), "another reader sees other lines"
    whole = frames(SseParser(LIMIT), [data])
    assert whole == frames(SseParser(LIMIT), pieces(data, first, step)), "events depend on how bytes are cut"
    assert whole == list(events_of(data)), "another reader sees other events"


def one_event(data: bytes, number: int):
    text = data.decode("utf-8", "replace")
    try:
        wire = sse_encode(data, event_id=text, event=text or None, retry=number)
    except ValueError:
        assert {"\r", "\n", "\0"} & set(text)
        wire = sse_encode(data, retry=number)
        text = None
    (event,) = SseParser(1 << 20).feed(wire)
    assert event.data == data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), "an event changed on its way"
    assert (event.id, event.event, event.retry) == (text, text or "message", number)


def one_input(data: bytes):
    first, step, rest = data[:1], data[1:2], data[2:]
    cut = (first[0] if first else 0, step[0] if step else 0)
    for text in (rest, b"".join(TOKENS[byte % len(TOKENS)] for byte in rest)):
        one_stream(text, *cut)
        one_event(text, cut[0])


if __name__ == "__main__":
    start(one_input, SEEDS)
