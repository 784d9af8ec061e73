"""What the results of one flow held, kept as fingerprints so that it is recognised in later arguments.

Nothing is fingerprinted before a call needs to know: until then what was said waits in a bounded queue, so that work
with one server, or with none outside, costs next to nothing. What does not fit into it is fingerprinted at once if it
is to be recognised, else forgotten: then somebody is asked who need not have been.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from keepgate.detect.provenance.prints import SOURCES, USER, Prints, labels_of
from keepgate.model.flow import UNKNOWN, UNTRUSTED

WAITING: Final = 32 * 1024
"""Bytes of messages that wait to be fingerprinted, twice."""
HELD: Final = 6
"""Bytes in memory for each of them while they do: parsed JSON of many small members."""


class Traces:
    """Of one flow. `begun`: there was nothing to be recognised before; else it is as if values had been forgotten."""

    def __init__(self, key: bytes, *, begun: bool) -> None:
        self._prints = Prints(key)
        self._prints.full = not begun
        self._sources: dict[tuple[str, frozenset[str]], int] = {}
        self._tracked: set[str] = set()
        """Servers that have returned anything that is to be recognised."""
        self._waiting: deque[tuple[Any, int, int]] = deque()
        self._issued: deque[tuple[Any, int, int]] = deque()
        """The same, of what is not to be recognised: whose it is."""
        self._sizes = [0, 0]

    @property
    def full(self) -> bool:
        """Whether something was forgotten."""
        return self._prints.full

    @property
    def size(self) -> int:
        """Bytes, about: prints, and what waits."""
        return self._prints.size + HELD * sum(self._sizes)

    def give_up(self) -> None:
        """Something is not known here: what is not found may have been there all the same."""
        self._prints.full = True

    def elsewhere(self, server: str) -> bool:
        """Whether anything to be recognised came from another server than this."""
        return len(self._tracked) > 1 or (bool(self._tracked) and server not in self._tracked)

    def asked(self, arguments: Any, size: int) -> None:
        """A caller says something; what it says before there is anything to be recognised is its own."""
        if not self._tracked and not self._prints.full:
            self._issue(arguments, USER, size)

    def returned(self, result: Any, server: str, labels: frozenset[str], size: int) -> None:
        """A server returned something with these labels. Without one it is known to have issued the values."""
        bit = self._bit(server, labels)
        if not labels:
            self._issue(result, bit, size)
            return
        self._tracked.add(server)
        self._waiting.append((result, bit, size))
        self._sizes[0] += size
        while self._sizes[0] > WAITING:
            self._take()

    def found(self, arguments: Any, receiver: str, origins: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Labels of what arguments repeat of other servers than the receiver; `origins`: all labels with servers.

        Where values were forgotten and the arguments have some that could be such, it is all of them, and `unknown`.
        """
        self._take_all()
        own = 0
        for (server, _), bit in self._sources.items():
            if server == receiver:
                own |= bit
        bits, known = self._prints.sources(arguments)
        leaked = labels_of(bits, own)
        out: set[str] = set()
        for (server, labels), bit in self._sources.items():
            if bit & leaked:
                out.update(word for label in labels for word in (label, f"{label}:{server}"))
        if not known:
            elsewhere = ((label, server) for label, server in origins if server != receiver)
            out.update(
                (UNKNOWN, *(word for label, server in elsewhere for word in (label, f"{label}:{server}")))
            )
        return frozenset(out)

    def _issue(self, value: Any, source: int, size: int) -> None:
        self._issued.append((value, source, size))
        self._sizes[1] += size
        while self._sizes[1] > WAITING:
            self._sizes[1] -= self._issued.popleft()[2]

    def _take_all(self) -> None:
        """First what callers and receivers have themselves."""
        while self._issued:
            value, source, _ = self._issued.popleft()
            self._prints.add(value, source, tracked=False)
        self._sizes[1] = 0
        while self._waiting:
            self._take()

    def _take(self) -> None:
        value, source, size = self._waiting.popleft()
        self._sizes[0] -= size
        self._prints.add(value, source, tracked=True)

    def _bit(self, server: str, labels: frozenset[str]) -> int:
        """The bit of a source. Where there are too many, what is known of values is not enough any more."""
        bit = self._sources.get((server, labels))
        if bit is None:
            if len(self._sources) >= SOURCES:
                self._prints.full = True
                return 0
            bit = self._sources[server, labels] = USER << (len(self._sources) + 1)
        return bit


def tracked_labels(labels: frozenset[str], *, all_of_them: bool) -> frozenset[str]:
    """Those by which values are recognised: what strangers wrote only where a policy asks for it."""
    return labels if all_of_them else labels - {UNTRUSTED}
