"""What a server process writes to stderr: free text from outside, kept and passed on within bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from keepgate.transports.conceal import NOTHING, Conceal

_KEPT: Final = 64 << 10
_LINE: Final = 2000
_LINES_PER_SECOND: Final = 50

Report = Callable[[str], None]
"""Takes one line of printable text. Must not raise and must not block."""


def printable(text: bytes, most: int = _LINE) -> str:
    """Untrusted bytes as one line for a log or terminal: control, format and invalid characters escaped, cut."""
    shown = text[:most].decode(errors="backslashreplace")
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
    return shown if len(text) <= most else f"{shown}…"


class StderrTail:
    """Keeps the last 64 KiB and forwards at most 50 lines a second, without what `conceal` takes out."""

    __slots__ = ("_conceal", "_dropped", "_forward", "_kept", "_now", "_sent", "_start", "_window")

    def __init__(self, forward: Report, now: Callable[[], float], conceal: Conceal = NOTHING) -> None:
        self._conceal = conceal
        self._forward = forward
        self._now = now
        self._kept = bytearray()
        self._start = 0  # of the line that is not complete yet, in `_kept`
        self._window = self._sent = self._dropped = 0

    def feed(self, data: bytes) -> None:
        """Take what was written."""
        for piece in data.splitlines(keepends=True):
            self._kept += piece
            if piece.endswith((b"\n", b"\r")):
                line = self._conceal(bytes(self._kept[self._start :]))[: _LINE + 1].rstrip()
                self._start = len(self._kept)
                if line:
                    self._line(line)
        excess = len(self._kept) - _KEPT
        if excess > 0:
            del self._kept[:excess]
            self._start = max(self._start - excess, 0)

    def _line(self, line: bytes) -> None:
        window = int(self._now())
        if window != self._window:
            if self._dropped:
                self._forward(f"({self._dropped} more lines)")
            self._window, self._sent, self._dropped = window, 0, 0
        if self._sent < _LINES_PER_SECOND:
            self._sent += 1
            self._forward(printable(line))
        else:
            self._dropped += 1

    def tail(self, most: int = _LINE) -> str:
        """The last bytes, on one line."""
        return printable(self._conceal(bytes(self._kept))[-most:].strip(), most)
