"""Paths, lexically: no disk is asked, so a symbolic link is not seen (docs/policy.md says what follows from it).

A server may decode percent signs or take a backslash for a slash, or not. Both readings are made, and only what holds
for each of them is said.
"""

from __future__ import annotations

from typing import Final

from keepgate.policy.facts.values import Unclear

LONGEST: Final = 4096
"""Characters of a path."""
DEEPEST: Final = 128
"""Components of a path."""
_ROUNDS: Final = 4
"""Times that percent signs may be encoded in each other."""
_HEX: Final = frozenset("0123456789abcdefABCDEF")


def normal(path: str) -> str:
    """`path` without `.`, `..`, empty components and a trailing slash. Raises Unclear where it leaves its start."""
    out: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not out:
                raise Unclear
            out.pop()
        elif part not in ("", "."):
            out.append(part)
    if len(out) > DEEPEST:
        raise Unclear
    return ("/" if path.startswith("/") else "") + "/".join(out)


def readings(text: str) -> set[str]:
    """Every normalised path that a server may take `text` for. Raises Unclear for what is no plain path."""
    if not text or len(text) > LONGEST or text.startswith("~"):
        raise Unclear
    if text.lower().startswith("file:"):
        text = _of_uri(text)
    found = set[str]()
    for decoded in _decoded(text):
        if any(char < " " or char == "\x7f" for char in decoded):
            raise Unclear
        found.update(normal(each) for each in (decoded, decoded.replace("\\", "/")))
    return found


def within(text: str) -> set[str]:
    """The path itself and every directory above it, as far as all readings agree; `/` or "" is the uppermost."""
    sets = [_above(path) for path in readings(text)]
    return sets[0].intersection(*sets[1:])


def around(text: str) -> set[str]:
    """The same as far as any reading goes: below none of what is not here does the path lie."""
    return set[str]().union(*(_above(path) for path in readings(text)))


def climbs(text: str) -> bool:
    """Whether any reading of a path or URI has a `..` segment: what pattern it fits says nothing then."""
    try:
        found = _decoded(text)
    except Unclear:
        return True
    return any(".." in each.replace("\\", "/").split("/") for each in found)


def _above(path: str) -> set[str]:
    start, parts = ("/", path[1:]) if path.startswith("/") else ("", path)
    pieces = parts.split("/") if parts else []
    return {start, *(start + "/".join(pieces[:count]) for count in range(1, len(pieces) + 1))}


def _of_uri(text: str) -> str:
    rest = text[5:]
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        if not slash or host.lower() not in ("", "localhost"):
            raise Unclear
        rest = "/" + rest
    if not rest.startswith("/") or "?" in rest or "#" in rest:
        raise Unclear
    return rest


def _decoded(text: str) -> list[str]:
    """`text`, and what it is after each round of percent-decoding."""
    found = [text]
    while "%" in found[-1]:
        after = _decode_once(found[-1])
        if after == found[-1]:
            break
        if len(found) > _ROUNDS:
            raise Unclear
        found.append(after)
    return found


def _decode_once(text: str) -> str:
    head, *rest = text.split("%")
    raw = bytearray(head.encode("utf-8", "surrogatepass"))
    for piece in rest:
        if len(piece) >= 2 and piece[0] in _HEX and piece[1] in _HEX:
            raw.append(int(piece[:2], 16))
            piece = piece[2:]  # noqa: PLW2901 - what follows the two digits
        else:
            raw += b"%"
        raw += piece.encode("utf-8", "surrogatepass")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Unclear from error
