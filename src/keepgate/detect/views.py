"""Views: every text that a text may hide, each with the way back.

The first view is the text itself, folded. Others are made only where a gate saw a reason: signs that look like
letters, tag characters, base64, entities and so on. What was decoded is looked at again, to a small depth. All of it is
bounded by the size of the text and linear in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from keepgate.detect import decode, unhide
from keepgate.detect.fold import Unfolding, fold, has_lookalikes, skeleton
from keepgate.detect.matcher import Matcher

BORDER: Final = "\x1e"
"""Between the strings of a value, in the text that views are made of."""
_BLANKS: Final = frozenset(" \t\xa0")
DEPTH: Final = 3
"""Encodings within encodings."""
MOST: Final = 48
"""Views of one value."""
ROOM: Final = 64 * 1024
"""Characters that all views together may have beyond four times the text."""

Back = Callable[[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text.

    `plain` is what was decoded, as it is; `text` the same folded. `hidden` says that a person would not have read it
    there. `squeezed` has no blanks and no borders between words.
    """

    kind: str
    plain: str
    text: str
    back: Back
    hidden: bool = False
    squeezed: bool = False
    depth: int = 0
    literal: str = ""
    """What stands there, character by character, before it was read another way; empty where that is not possible."""

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The place in the source that became these characters of `text`."""
        return self.back(start, end)


_SPACED = r"(?:\b[a-z0-9][ .\-_*|~/]{1,3}){8}"
_GATES: Final = (
    ("entity", r"&(?:#[0-9]{2,7}|#x[0-9a-f]{2,6}|[a-z]{2,8});"),
    ("percent", r"(?:%[0-9a-f]{2}[^%\n]{0,12}){3}"),
    ("escape", r"(?:\\(?:u00|x|u\{00)[0-9a-f]{2}\}?[^\\\n]{0,12}){3}"),
    ("base64", r"[a-z0-9+/_\-]{20}"),
    ("hex", r"(?:(?:0x|\\x)?[0-9a-f]{2}[ :,]{0,2}){12}"),
    ("binary", r"(?:[01]{8}[ ,]{0,2}){6}"),
    ("morse", r"(?:[.\-]{1,5}[ /]{1,3}){12}"),
    ("leet", r"[a-z][0134578@$]{1,2}[a-z]"),
    ("spaced", _SPACED),
    ("markup", r"<(?:!--|/?[a-z][a-z0-9]{0,12}[ />])"),
    ("joined", r"[\"'] {0,3}(?:\+|\.\.|&|\|\|) {0,3}[\"']"),
    ("ansi", "(?:\x1b|\xc2\x9b)"),
)
_SHIFTED: Final = tuple(
    "instructions previous ignore password credential assistant secretly forward transfer parameter execute".split()
)
"""Words that betray an alphabet that was shifted or turned round."""
_COMMON: Final = tuple(
    "the and you for this that with from have your must will all tool user file before when then call send read use "
    "please always never next into following only first each account message der die und nicht alle que los "
    "para".split()
)
"""Words that any text has: two of them, near each other, betray it as well."""


def _shift(text: str, by: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return text.translate(str.maketrans(letters, letters[by:] + letters[:by]))


def _betrayed(turn: Callable[[str], str]) -> str:
    """A pattern for what is left of these words when the alphabet was turned like this."""
    sure, common = ("|".join(map(turn, words)) for words in (_SHIFTED, _COMMON))
    return rf"{sure}|\b(?:{common})\s(?:[a-z_]{{1,15}}\s){{0,3}}(?:{common})\b"


def _shifted(by: int) -> str:
    return _betrayed(lambda word: _shift(word, -by % 26))


_TURNED: Final = tuple((by, _shifted(by)) for by in range(1, 26))
_NAMES: Final = (*(name for name, _ in _GATES), *(str(by) for by, _ in _TURNED), "reversed", "atbash")


def _atbash(text: str) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return text.translate(str.maketrans(letters, letters[::-1]))


def _matcher() -> Matcher:
    return Matcher(
        [
            *(pattern for _, pattern in _GATES),
            *(pattern for _, pattern in _TURNED),
            "|".join(word[::-1] for word in _SHIFTED),
            _betrayed(_atbash),
        ]
    )


class Views:
    """Makes the views of texts. Has a compiled matcher and no other state."""

    def __init__(self, *, readings: bool = True, like: Views | None = None) -> None:
        """Without `readings` only what was decoded, and nothing that is the same text read in another way.

        `like` are others whose matcher is used.
        """
        self._matcher: Matcher = _matcher() if like is None else like._matcher  # noqa: SLF001 - of the same class
        self._readings = readings

    def of(self, source: str) -> Iterator[View]:
        """The folded text first, then whatever a gate gives reason to. At most MOST."""
        room = 4 * len(source) + ROOM
        for made, view in enumerate(self._views(source, source, _same, 0, hidden=False), 1):
            room -= len(view.text)
            yield view
            if made >= MOST or room < 0:
                return

    def _views(self, source: str, plain: str, back: Back, depth: int, *, hidden: bool) -> Iterator[View]:
        folded = fold(plain)

        unfolding = Unfolding(plain)

        def unfold(start: int, end: int) -> tuple[int, int]:
            return back(*unfolding(start, end))

        kind = "decoded" if depth else "plain"
        yield View(kind, plain, folded, unfold, hidden=hidden, depth=depth)
        gates = {_NAMES[index] for index in self._matcher.hits(folded.encode(errors="replace"))}
        if self._readings and not folded.isascii() and has_lookalikes(folded):
            yield View(
                "lookalikes", plain, skeleton(folded), unfold, hidden=True, depth=depth, literal=folded
            )
        if not plain.isascii() or "ansi" in gates:
            yield from self._unhidden(source, plain, back, depth)
        if gates:
            if self._readings:
                yield from self._turned(plain, folded, unfold, gates, depth)
            if depth < DEPTH:
                yield from self._decoded(source, plain, back, gates, depth, hidden=hidden)
        if self._readings and _short_lines(folded):
            yield _squeezed("split", plain, folded, unfold, depth)

    def _unhidden(self, source: str, plain: str, back: Back, depth: int) -> Iterator[View]:
        for piece in unhide.pieces(plain):
            if depth < DEPTH:
                yield from self._views(source, piece.text, piece.within(back), depth + 1, hidden=True)

    def _turned(self, plain: str, folded: str, unfold: Back, gates: set[str], depth: int) -> Iterator[View]:
        for by, _ in _TURNED:
            if str(by) in gates:
                yield View(f"shifted by {by}", plain, _shift(folded, by), unfold, hidden=True, depth=depth)
        if "atbash" in gates:
            yield View("atbash", plain, _atbash(folded), unfold, hidden=True, depth=depth)
        if "reversed" in gates:
            length = len(folded)

            def turned(start: int, end: int) -> tuple[int, int]:
                return unfold(length - end, length - start)

            yield View("reversed", plain, folded[::-1], turned, hidden=True, depth=depth)
        if "leet" in gates:
            for reading in decode.unleet(folded):
                yield View("leet", plain, reading, unfold, hidden=True, depth=depth, literal=folded)
        if "spaced" in gates:
            yield _unspaced(plain, folded, unfold, depth)
            yield _squeezed("spaced", plain, folded, unfold, depth)

    def _decoded(
        self, source: str, plain: str, back: Back, gates: set[str], depth: int, *, hidden: bool
    ) -> Iterator[View]:
        """What ordinary markup and source code encode is not hidden by it: only whole blocks are."""
        for name in ("entity", "percent", "escape", "markup", "joined"):
            if name in gates:
                piece = decode.INLINE[name](plain)
                if piece is not None:
                    yield from self._views(
                        source, piece.text, piece.within(back), depth + 1, hidden=hidden or name == "joined"
                    )
        for name in ("base64", "hex", "binary", "morse"):
            if name in gates:
                for piece in decode.BLOCKS[name](plain):
                    yield from self._views(source, piece.text, piece.within(back), depth + 1, hidden=True)


def _same(start: int, end: int) -> tuple[int, int]:
    return start, end


def _squeezed(kind: str, plain: str, folded: str, unfold: Back, depth: int) -> View:
    keep = [at for at, sign in enumerate(folded) if sign.isalnum() or sign == BORDER]

    def back(start: int, end: int) -> tuple[int, int]:
        return unfold(keep[start], keep[end - 1] + 1) if end > start else unfold(0, 0)

    text = "".join(folded[at] for at in keep)
    return View(kind, plain, text, back, hidden=True, squeezed=True, depth=depth)


def _unspaced(plain: str, folded: str, unfold: Back, depth: int) -> View:
    """Where one blank stands between letters and more between words: the words."""
    keep: list[int] = []
    at, length = 0, len(folded)
    while at < length:
        if folded[at] not in _BLANKS:
            keep.append(at)
            at += 1
            continue
        end = at + 1
        while end < length and folded[end] in _BLANKS:
            end += 1
        if end - at > 1 or at == 0 or end == length:
            keep.append(at)
        at = end

    def back(start: int, end: int) -> tuple[int, int]:
        return unfold(keep[start], keep[end - 1] + 1) if end > start else unfold(0, 0)

    text = "".join(" " if folded[at] == "\t" else folded[at] for at in keep)
    return View("spaced", plain, text, back, hidden=True, depth=depth)


def _short_lines(folded: str) -> bool:
    """Whether it is cut into lines so short that words may be cut as well."""
    lines = folded.count("\n")
    if lines < 4 or len(folded) > 16 * lines:
        return False
    return sum(map(folded.count, '{}":,|=')) * 20 < len(folded)
