"""`server/name` patterns as roles use them: `files/read_*`, `*/*`, `resource:docs/file:///srv/*`.

The first `/` separates server from name or URI; `*` matches anything, `/` included; `\\*` is a star and `\\\\` a
backslash. Matching itself is Cedar's: this module parses and translates.
"""

from __future__ import annotations

from dataclasses import dataclass

from keepgate.model.access import Resource, ResourceKind
from keepgate.policy.cedar import escape


@dataclass(frozen=True, slots=True)
class Glob:
    """Literal pieces with a wildcard between each two of them: `a*b` is ("a", "b"), `*` is ("", "")."""

    pieces: tuple[str, ...]

    @property
    def exact(self) -> str | None:
        """The only text this matches, or None if it has a wildcard."""
        return self.pieces[0] if len(self.pieces) == 1 else None

    @property
    def matches_all(self) -> bool:
        """True for `*`, `**` and so on."""
        return len(self.pieces) > 1 and not any(self.pieces)

    def cedar(self) -> str:
        """As the right side of Cedar's `like`, quotes included."""
        return '"' + "*".join(escape(piece).replace("*", "\\*") for piece in self.pieces) + '"'

    def matches(self, text: str) -> bool:
        """Whether `text` matches, for remarks about a configuration; decisions are Cedar's."""
        first, *rest = self.pieces
        if not rest:
            return text == first
        if not text.startswith(first):
            return False
        place = len(first)
        for piece in rest[:-1]:
            place = text.find(piece, place) + len(piece) if place >= 0 and piece in text[place:] else -1
        return place >= 0 and text.endswith(rest[-1]) and len(text) - len(rest[-1]) >= place

    def covers(self, other: Glob) -> bool:
        """Whether this matches everything that `other` matches. Exact.

        What `other` matches includes the text in which its wildcards are one character that this does not have: there,
        only wildcards of this can match it, and they would match anything else in its place.
        """
        used = set().union(*self.pieces)
        fresh = next(char for char in map(chr, range(0x10FFFF)) if char not in used)
        return self.matches(fresh.join(other.pieces))

    @classmethod
    def parse(cls, text: str) -> Glob:
        """Raises ValueError on a backslash before anything but `*` and `\\`."""
        pieces = [""]
        rest = iter(text)
        for char in rest:
            if char == "*":
                pieces.append("")
                continue
            if char == "\\" and (char := next(rest, "")) not in ("*", "\\"):
                raise ValueError(f"a backslash in `{text}` must stand before `*` or `\\`")
            pieces[-1] += char
        return cls(tuple(pieces))


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry of `allow`, `ask` or `deny`. `kind` None means tools, resources and prompts."""

    kind: ResourceKind | None
    server: Glob
    name: Glob

    def covers(self, other: Pattern) -> bool:
        """Whether this names everything that `other` names."""
        kinds = self.kind in (None, other.kind)
        return kinds and self.server.covers(other.server) and self.name.covers(other.name)

    def names(self, resource: Resource) -> bool:
        """Whether it names this thing, for remarks about a configuration; decisions are Cedar's."""
        return (
            self.kind in (None, resource.kind)
            and self.server.matches(resource.server)
            and self.name.matches(resource.name)
        )

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Raises ValueError, saying what a pattern looks like."""
        kind, rest = None, text
        for each in ResourceKind:
            if text.startswith(f"{each}:"):
                kind, rest = each, text[len(each) + 1 :]
        server, slash, name = rest.partition("/")
        if not (server and slash and name):
            raise ValueError(
                f"`{text}` is not a pattern: write `server/name`, for instance `files/read_*` or `*/*`"
            )
        return cls(kind, Glob.parse(server), Glob.parse(name))
