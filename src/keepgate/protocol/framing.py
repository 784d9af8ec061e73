"""Where one message ends and the next begins: lines on stdio, server-sent events on HTTP. Sans-IO, bounded.

Both readers take bytes in pieces of any size and give the same frames however the bytes were cut. Only the separators
of the specification count: a reader that also broke at U+2028 or a form feed would see other messages than its peer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from keepgate.model.errors import RemoteError

_BOM: Final = b"\xef\xbb\xbf"
_RETRY_DIGITS: Final = 9


class LineSplitter:
    """Cuts a byte stream at newlines, and nowhere else. `limit` is the longest line in bytes."""

    __slots__ = ("_limit", "_rest")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that are complete now, without newline and trailing CR; empty lines are skipped.

        Raises RemoteError at a line over the limit; its start is forgotten, so memory stays bounded.
        """
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = data[start:end]
            start = end + 1
            if self._rest:
                line = bytes(self._rest) + line
                self._rest.clear()
            if len(line) > self._limit:
                raise _too_long("line", self._limit)
            if line := line.removesuffix(b"\r"):
                yield line
        self._rest += data[start:]
        if len(self._rest) > self._limit:
            self._rest.clear()
            raise _too_long("line", self._limit)


class Event(NamedTuple):
    """One server-sent event. `id` and `retry` (milliseconds) are None where the block did not set them.

    A block that only sets an id or a retry time is an Event without data, because resumption needs to know.
    """

    data: bytes
    event: str = "message"
    id: str | None = None
    retry: int | None = None


class SseParser:
    """Reads `text/event-stream`. `limit` bounds the lines of one event and any comment, in bytes."""

    __slots__ = (
        "_after_cr",
        "_any_data",
        "_data",
        "_event",
        "_first",
        "_id",
        "_limit",
        "_line",
        "_retry",
        "_size",
    )

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line = bytearray()
        self._after_cr = False
        self._first = True
        self._reset()

    def _reset(self) -> None:
        self._size = 0
        self._data = bytearray()
        self._any_data = False
        self._event = ""
        self._id: str | None = None
        self._retry: int | None = None

    def plain(self, data: bytes) -> list[bytes] | None:
        """The data of the events, if these are whole ones, each of one line of data and no other field that counts.

        Most are so. None if one of them is not: then nothing was read, and `feed` is for it.
        """
        within = self._after_cr or self._line or self._size or (self._first and data[:1] == _BOM[:1])
        if within or data[-2:] != b"\n\n" or b"\r" in data:
            return None
        found = []
        for block in data[:-2].split(b"\n\n"):
            value = block.removeprefix(b"event: message\n")
            if not value.startswith(b"data: ") or b"\n" in value or len(block) > self._limit:
                return None
            found.append(value[6:])
        self._first = False
        return found

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events that are complete now. Raises RemoteError at an event over the limit."""
        plain = self.plain(data)
        return self._feed(data) if plain is None else map(Event, plain)

    def _feed(self, data: bytes) -> Iterator[Event]:
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        # bytes.splitlines knows CR, LF and CRLF; it is str.splitlines that breaks at more.
        for piece in data.splitlines(keepends=True):
            line = piece.rstrip(b"\r\n")
            if self._size + len(self._line) + len(line) > self._limit:
                self._line.clear()
                self._reset()
                raise _too_long("event", self._limit)
            self._after_cr = piece.endswith(b"\r")
            if len(line) == len(piece):
                self._line += piece
                return
            if self._line:
                line = bytes(self._line) + line
                self._line.clear()
            if self._first:
                self._first = False
                line = line.removeprefix(_BOM)
            if line.startswith(b":"):
                continue
            if line:
                self._size += len(line) + 1
                self._field(line)
            elif event := self._dispatch():
                yield event

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            if self._any_data:
                self._data += b"\n"
            self._data += value
            self._any_data = True
        elif name == b"event":
            self._event = value.decode(errors="replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode(errors="replace")
        elif name == b"retry" and value.isdigit() and len(value) <= _RETRY_DIGITS:
            self._retry = int(value)

    def _dispatch(self) -> Event | None:
        found = None
        if self._any_data or self._id is not None or self._retry is not None:
            found = Event(bytes(self._data), self._event or "message", self._id, self._retry)
        self._reset()
        return found


def sse_encode(
    data: bytes, event_id: str | None = None, event: str | None = None, retry: int | None = None
) -> bytes:
    """One event as it goes on the wire; a CR, LF or CRLF in `data` arrives as LF. `retry` is in milliseconds.

    Raises ValueError for an id or event that would end its own line.
    """
    head = ""
    for name, value in (("event", event), ("id", event_id)):
        if value is not None:
            if not {"\r", "\n", "\0"}.isdisjoint(value):
                raise ValueError(f"a line break or NUL in the {name} of an event")
            head += f"{name}: {value}\n"
    if retry is not None:
        head += f"retry: {retry}\n"
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    return b"%bdata: %b\n\n" % (head.encode(), data)


def _too_long(what: str, limit: int) -> RemoteError:
    return RemoteError("frame-too-long", f"{what} longer than {limit} bytes", status=413)
