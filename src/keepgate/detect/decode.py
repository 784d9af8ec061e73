"""Decoders: encodings that a model reads as easily as text. Each says where a piece came from; none calls another."""

from __future__ import annotations

import binascii
import html
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

from keepgate.detect.matcher import Finder

RUNS: Final = 64
"""Encoded runs that are decoded in one text."""
LONGEST: Final = 64 * 1024
"""Characters of a run that are decoded; the rest of a longer one is not."""
_READABLE: Final = 0.85
_SHORTEST: Final = 8

Back = Callable[[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A decoded text and the places it came from: starts in `text`, starts and ends in the source."""

    text: str
    starts: tuple[int, ...]
    sources: tuple[tuple[int, int, bool], ...]
    """Start and end, and whether the characters correspond one to one."""

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The place in the source of these characters."""
        first = bisect_right(self.starts, start) - 1
        last = bisect_right(self.starts, max(start, end - 1)) - 1
        begin, _, exact = self.sources[first]
        low = begin + start - self.starts[first] if exact else begin
        begin, finish, exact = self.sources[last]
        high = begin + end - self.starts[last] if exact else finish
        return low, max(low, high)

    def within(self, back: Back) -> Back:
        """The way on to the source of the source."""
        return lambda start, end: back(*self.place(start, end))


def whole(text: str, start: int, end: int) -> Piece:
    """A piece that came from one place as a whole."""
    return Piece(text, (0,), ((start, end, False),))


def spliced(source: str, parts: list[tuple[int, int, str]]) -> Piece:
    """The source with these places replaced."""
    texts: list[str] = []
    sources: list[tuple[int, int, bool]] = []
    at = 0
    for start, end, text in parts:
        if start > at:
            texts.append(source[at:start])
            sources.append((at, start, True))
        if text:
            texts.append(text)
            sources.append((start, end, False))
        at = end
    if at < len(source) or not texts:
        texts.append(source[at:])
        sources.append((at, len(source), True))
    starts = (0, *accumulate(len(text) for text in texts[:-1]))
    return Piece("".join(texts), starts, tuple(sources))


_SIGNS: Final = b" \n\t.,:;!?'\"()<>/-_=@{}[]"
_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SEEN: Final = _SIGNS.decode()
_FINE: Final = _LETTERS + b"0123456789" + _SIGNS


def readable(raw: bytes) -> str | None:
    """The bytes as text, if they are one that somebody could read.

    Of UTF-16 only ASCII: any bytes are UTF-16, most of them Chinese.
    """
    if raw.isascii():
        if _reads(raw):
            return raw.decode()
    else:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return None  # it has bytes beyond ASCII, so neither is it ASCII in UTF-16
        fine = sum(1 for sign in text if sign.isalnum() or sign in _SEEN)
        letters = sum(map(str.isalpha, text))
        return text if _enough(len(text), fine, letters) else None
    half = raw[::2]
    return half.decode() if not len(raw) % 2 and not raw[1::2].strip(b"\0") and _reads(half) else None


def _reads(raw: bytes) -> bool:
    """The same for ASCII."""
    fine, letters = len(raw) - len(raw.translate(None, _FINE)), len(raw) - len(raw.translate(None, _LETTERS))
    return _enough(len(raw), fine, letters)


def _enough(length: int, fine: int, letters: int) -> bool:
    return length >= _SHORTEST and fine >= _READABLE * length and letters * 2 >= length


class _Runs:
    """Places of a pattern in a text, in characters."""

    def __init__(self, pattern: str) -> None:
        self._finder = Finder(pattern)

    def places(self, text: str, most: int = RUNS) -> Iterator[tuple[int, int]]:
        if text.isascii():
            yield from self._finder.spans(text.encode(), most)
            return
        raw = text.encode(errors="replace")
        at = chars = 0
        for start, end in self._finder.spans(raw, most):
            begin = chars + len(raw[at:start].decode(errors="replace"))
            at, chars = end, begin + len(raw[start:end].decode(errors="replace"))
            yield begin, chars


_BASE64: Final = _Runs(r"[A-Za-z0-9+/_\-]{16,}={0,2}(?:\s{1,2}[A-Za-z0-9+/_\-]{60,76}={0,2})*")
_HEX: Final = _Runs(r"(?i)(?:(?:0x|\\x)?[0-9a-f]{2}[ :,]{0,2}){12,}")
_BINARY: Final = _Runs(r"(?:[01]{8}[ ,]{0,2}){6,}")
_MORSE: Final = _Runs(r"(?:[.\-]{1,5}(?:[ ]{1,3}|[ ]?/[ ]?)){10,}[.\-]{0,5}")
_ENTITY: Final = _Runs(r"&(?:#[0-9]{2,7}|#[xX][0-9a-fA-F]{2,6}|[a-zA-Z]{2,8});")
_PERCENT: Final = _Runs(r"(?:%[0-9a-fA-F]{2})+")
_ESCAPE: Final = _Runs(r"(?:\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\u\{[0-9a-fA-F]{2,6}\})+")
_MARKUP: Final = _Runs(r"<(?:!--|--|/?[a-zA-Z][^<>]{0,300})>|<!--|-->")
_JOINED: Final = _Runs(r"[\"'] {0,3}(?:\+|\.\.|&|\|\|) {0,3}[\"']")
_INLINE_MOST: Final = 20_000


def base64(text: str) -> Iterator[Piece]:
    """Standard and URL-safe alphabets, with or without padding."""
    for start, end in _BASE64.places(text):
        run = text[start : min(end, start + LONGEST)]
        if (found := _name(run) if len(run) <= _NAME else _unpacked(run)) is not None:
            yield whole(found, start, end)


def _unpacked(run: str) -> str | None:
    run = "".join(run.split()).rstrip("=").replace("-", "+").replace("_", "/")
    for skip in range(2):  # a sign of prose may have been taken for its first
        body = run[skip:]
        try:
            raw = binascii.a2b_base64(
                body[: len(body) // 4 * 4] if len(body) % 4 == 1 else body + "=" * (-len(body) % 4)
            )
        except binascii.Error:
            continue
        if (found := readable(raw)) is not None:
            return found
    return None


_NAME: Final = 64
"""Signs of a run that may be a name: each call has the same ones among its `_meta`."""
_name: Final = lru_cache(maxsize=256)(_unpacked)


def hexadecimal(text: str) -> Iterator[Piece]:
    """Pairs of hexadecimal digits, also with separators."""
    for start, end in _HEX.places(text):
        run = text[start : min(end, start + LONGEST)].lower().replace("0x", "").replace("\\x", "")
        digits = run.replace(" ", "").replace(":", "").replace(",", "")
        if (found := readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))) is not None:
            yield whole(found, start, end)


def binary(text: str) -> Iterator[Piece]:
    """Groups of eight binary digits."""
    for start, end in _BINARY.places(text):
        digits = "".join(sign for sign in text[start : min(end, start + LONGEST)] if sign in "01")
        raw = bytes(int(digits[at : at + 8], 2) for at in range(0, len(digits) // 8 * 8, 8))
        if (found := readable(raw)) is not None:
            yield whole(found, start, end)


_SIGNALS: Final = dict(
    zip(
        ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
        "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.".split(),
        "abcdefghijklmnopqrstuvwxyz0123456789",
        strict=True,
    )
)


def morse(text: str) -> Iterator[Piece]:
    """Dots and dashes; words are apart by a slash or three blanks."""
    for start, end in _MORSE.places(text):
        words = text[start : min(end, start + LONGEST)].replace("   ", " / ").split("/")
        letters = ["".join(_SIGNALS.get(each, "?") for each in word.split()) for word in words]
        if (found := readable(" ".join(letters).encode())) is not None:
            yield whole(found, start, end)


def _entity(text: str) -> Piece | None:
    parts = [
        (start, end, html.unescape(text[start:end])) for start, end in _ENTITY.places(text, _INLINE_MOST)
    ]
    return spliced(text, parts) if parts else None


def _percent(text: str) -> Piece | None:
    parts = []
    for start, end in _PERCENT.places(text, _INLINE_MOST):
        raw = bytes.fromhex(text[start:end].replace("%", ""))
        parts.append((start, end, raw.decode(errors="replace")))
    return spliced(text, parts) if parts else None


def _escape(text: str) -> Piece | None:
    parts = [(start, end, _unescaped(text[start:end])) for start, end in _ESCAPE.places(text, _INLINE_MOST)]
    return spliced(text, parts) if parts else None


def _unescaped(run: str) -> str:
    codes = [code.strip("{}ux") for code in run.split("\\")[1:]]
    signs = "".join(chr(point) for code in codes if (point := int(code, 16)) < 0x110000)
    return signs.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _markup(text: str) -> Piece | None:
    parts = [(start, end, "") for start, end in _MARKUP.places(text, _INLINE_MOST)]
    return spliced(text, parts) if parts else None


def _joined(text: str) -> Piece | None:
    parts = [
        (start, end, "")
        for start, end in _JOINED.places(text, _INLINE_MOST)
        if text[start - 1 : start].isalnum()
        and text[end : end + 1].isalnum()  # a word was cut, not a sentence
    ]
    return spliced(text, parts) if parts else None


INLINE: Final[Mapping[str, Callable[[str], Piece | None]]] = {
    "entity": _entity,
    "percent": _percent,
    "escape": _escape,
    "markup": _markup,
    "joined": _joined,
}
"""Encodings within running text: the text with all of them resolved."""
BLOCKS: Final[Mapping[str, Callable[[str], Iterator[Piece]]]] = {
    "base64": base64,
    "hex": hexadecimal,
    "binary": binary,
    "morse": morse,
}
"""Encodings that stand by themselves: each run that turns out to be a readable text."""

_LEET: Final = bytes.maketrans(b"01345789@$!|", b"oieastbgasil")
_LEET_L: Final = bytes.maketrans(b"01345789@$!|", b"oleastbgasll")


def unleet(folded: str) -> Iterator[str]:
    """Digits and signs read as letters, one for one; `1` stands for i or for l."""
    raw = folded.encode(
        errors="surrogatepass"
    )  # a table for bytes is read many times as fast as one for characters
    yield raw.translate(_LEET).decode(errors="surrogatepass")
    if "1" in folded or "!" in folded:
        yield raw.translate(_LEET_L).decode(errors="surrogatepass")
