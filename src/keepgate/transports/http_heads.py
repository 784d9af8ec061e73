"""Heads of HTTP messages that came before, recognised by their bytes. Pure. No parser: it never reads a head.

A peer sends the same head again and again, but for the digits of its Content-Length. What a head means is decided once,
by the parser and all checks, and remembered under its bytes without those digits. A later message that came in one
piece, has the same head and exactly the body that its digits announce means the same: where the parser took `1*DIGIT`
as the value of a field, it would have taken other digits.

INVARIANT: only what the parser has shown is believed. The caller of `learn` gives all bytes that were fed while the
parser was between messages, and the body that the parser took out of them. If that body is what follows the first
empty line, to the last byte, then the head ended there, and this was one message and no more.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length: "
_MARK: Final = b"ength: "
"""Ends the usual spellings of it."""
_DIGITS: Final = 7

T = TypeVar("T")


class Heads(Generic[T]):
    """Remembers at most `most` heads of at most `longest` bytes; the oldest makes room. `T` is what a head means."""

    __slots__ = ("_exact", "_known", "_longest", "_most")

    def __init__(self, longest: int = 4096, most: int = 512) -> None:
        self._known: dict[bytes, T] = {}
        self._exact: dict[bytes, tuple[int, T]] = {}  # the same with digits, and what they say
        self._longest = longest
        self._most = most

    def find(self, data: bytes) -> tuple[T, bytes] | None:
        """What the head of a message means, with the body, if `data` is one whole message with a known head."""
        head, _, body = data.partition(_END)
        known = self._exact.get(head) or self._similar(head)
        if known is None or known[0] != len(body):
            return None
        return known[1], body

    def learn(self, data: bytes, body: bytes, meaning: T) -> None:
        """Remember the head of `data`, one whole message of which the parser took `body`, if it is fit for that."""
        head, _, rest = data.partition(_END)
        cut = self._cut(head)
        if cut is not None and rest == body and cut[1] == len(body):
            _put(self._known, cut[0], meaning, self._most)

    def _similar(self, head: bytes) -> tuple[int, T] | None:
        cut = self._cut(head)
        meaning = self._known.get(cut[0]) if cut is not None else None
        if cut is None or meaning is None:
            return None
        known = cut[1], meaning
        _put(self._exact, head, known, self._most)
        return known

    def _cut(self, head: bytes) -> tuple[bytes, int] | None:
        """A head without the digits of its only plain Content-Length, and what they say; None if it has none."""
        start, mark, rest = head.partition(_MARK)
        digits, line_end, rest = rest.partition(b"\r\n")
        start += mark
        if (
            not digits.isdigit()
            or len(digits) > _DIGITS
            or len(head) > self._longest
            or not start.lower().endswith(_LENGTH)
        ):
            return None
        return start + line_end + rest, int(digits)


V = TypeVar("V")


def _put(where: dict[bytes, V], key: bytes, value: V, most: int) -> None:
    if len(where) >= most:
        del where[next(iter(where))]
    where[key] = value
