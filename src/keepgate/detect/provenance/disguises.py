"""Readings of arguments: every text that may stand in them, encoded or not, in one bounded list."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator
from typing import Any, Final

from keepgate.detect import decode
from keepgate.detect.provenance.signs import leaves

MOST: Final = 32 * 1024
"""Characters of arguments that are looked at."""
DEPTH: Final = 3
"""Encodings within encodings."""
READINGS: Final = 24
RUNS: Final = 64
"""Encoded runs in one text."""
_BASE64: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_BASE32: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567abcdefghijklmnopqrstuvwxyz")
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_BREAK: Final = "\x1f"
"""Between two texts."""


def readings(arguments: Any) -> tuple[list[str], bool]:
    """What may stand in arguments, as it is first, and whether all of it was looked at."""
    texts, whole = leaves(arguments, most=MOST)
    found: dict[str, None] = {}
    todo = [(_BREAK.join(text for _, text in texts if text), 0)]
    room = 4 * MOST
    while todo:
        text, depth = todo.pop(0)
        if not text or text in found:
            continue
        room -= len(text)
        if len(found) >= READINGS or room < 0:
            return list(found), False
        found[text] = None
        if depth < DEPTH:
            todo += [(each, depth + 1) for each in _read_otherwise(text)]
    return list(found), whole


def _read_otherwise(text: str) -> Iterator[str]:
    for mark, name in (("%", "percent"), ("&", "entity"), ("\\", "escape")):
        if mark in text:
            piece = decode.INLINE[name](text)
            if piece is not None:
                yield piece.text
    if "\\" in text:
        yield text.replace("\\n", " ").replace("\\t", " ").replace("\\r", " ").replace("\\", "")
    if "+" in text and "@" in text:
        yield _without_tags(text)
    if len(text) >= 8:
        yield from _decoded(text)


def _without_tags(text: str) -> str:
    """Addresses without what follows `+`."""
    parts = text.split("@")
    for at, part in enumerate(parts[:-1]):
        before, plus, tag = part.rpartition("+")
        if plus and all(sign.isalnum() or sign in "._-+" for sign in tag):
            parts[at] = before.partition("+")[0] if "+" in before.split(" ")[-1] else before
    return "@".join(parts)


def _decoded(text: str) -> Iterator[str]:
    """Runs in base64, base32 and hexadecimal, and all of them together: they may have been cut."""
    for alphabet, shortest, read in (
        (_BASE64, 8, _base64),
        (_HEX, 12, _hex),
        (_BASE32, 16, _base32),
    ):
        every = _runs(text.replace("0x", " ").replace("\\x", " ") if alphabet is _HEX else text, alphabet)
        long = [run for run in every if len(run) >= shortest][:RUNS]
        joined = "".join(every)
        if len(every) > 1 and len(joined) >= max(shortest, (len(text) * 3) // 5):
            long.append(joined)
        found = [each for run in long if (each := read(run))]
        if found:
            yield _BREAK.join(found)


def _runs(text: str, alphabet: frozenset[str]) -> list[str]:
    strange = set(text) - alphabet
    if strange:
        text = text.translate({ord(sign): " " for sign in strange})
    return text.split()


def _base64(run: str) -> str:
    plain = run.replace("-", "+").replace("_", "/")
    return _BREAK.join(
        filter(None, (_tried(_from64, plain[at:]) for at in range(4 if len(run) >= 16 else 1)))
    )


def _from64(run: str) -> bytes:
    run = run[: len(run) - 1] if len(run) % 4 == 1 else run
    return binascii.a2b_base64(run + "=" * (-len(run) % 4))


def _hex(run: str) -> str:
    return _BREAK.join(filter(None, (_tried(_fromhex, run[at:]) for at in range(2))))


def _fromhex(run: str) -> bytes:
    return binascii.unhexlify(run[: len(run) // 2 * 2])


def _base32(run: str) -> str:
    return _tried(_from32, run.upper())


def _from32(run: str) -> bytes:
    bits = 0
    for sign in run:
        bits = bits << 5 | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".index(sign)
    size = len(run) * 5
    return (bits >> size % 8).to_bytes(size // 8, "big")


def _tried(read: Callable[[str], bytes], run: str) -> str:
    """What was read, as far as it is text; a run that was cut from something longer ends in anything."""
    try:
        text = read(run[:8192]).decode(errors="replace")
    except ValueError:
        return ""
    plain = sum(sign.isalnum() or sign in " @.,:;/-_+=\"'{}[]()&?%\n" for sign in text)
    return text if plain * 10 >= len(text) * 7 and len(text) >= 4 else ""
