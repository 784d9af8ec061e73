"""Real names, and names that imitate them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import orjson

from keepgate.detect.fold import fold, skeleton
from keepgate.scanner.packages.spec import normal

_FILLERS: Final = frozenset(("mcp", "server", "the", "official", "js", "ts", "py", "node", "cli"))
_TWINS: Final = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"))


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one registry."""

    reference: frozenset[str]
    official: frozenset[str]
    """Names, scopes (`@stripe`) and beginnings (`awslabs-*`)."""
    popular: frozenset[str]

    def tier(self, name: str) -> tuple[str, str]:
        """reference, official, community or unknown, and the evidence."""
        if name in self.reference or name.startswith("@modelcontextprotocol/"):
            return "reference", "published by the project of the protocol itself"
        scope = name.partition("/")[0] if name.startswith("@") else ""
        if scope in self.official:
            return "official", f"the scope {scope} belongs to the vendor"
        if name in self.official or any(
            each.endswith("*") and name.startswith(each[:-1]) for each in self.official
        ):
            return "official", "published by the vendor of the service"
        if name in self.popular:
            return (
                "community",
                "widely used; published by somebody other than the vendor, as far as is known here",
            )
        return "unknown", "not among the names that this version knows"

    @property
    def all(self) -> frozenset[str]:
        """Every real name."""
        return self.reference | self.popular | frozenset(name for name in self.official if name[-1:] != "*")


@cache
def names(ecosystem: str) -> Names:
    """What is known of a registry."""
    value = orjson.loads(
        resources.files("keepgate.scanner.packages.data").joinpath("names.json").read_bytes()
    )
    part = value.get(ecosystem, {})
    return Names(*(frozenset(part.get(kind, ())) for kind in ("reference", "official", "popular")))


def imitated(ecosystem: str, name: str) -> tuple[str, str, str] | None:
    """The real name that an unknown name imitates, how, and the tier of the real one; None if it imitates none."""
    known = names(ecosystem)
    bare = normal(name) if ecosystem == "pypi" else name.lower()
    if bare in known.all or (
        known.tier(bare)[0] != "unknown" and not bare.startswith("@modelcontextprotocol/")
    ):
        return None
    for real, how in _candidates(bare, known):
        return real, how, known.tier(real)[0]
    return None


def elsewhere(ecosystem: str, name: str) -> str:
    """The registry in which this name belongs to a known project, where it does not in the one asked; "" if none."""
    other = {"npm": "pypi", "pypi": "npm"}.get(ecosystem)
    if other is None or names(ecosystem).tier(name)[0] != "unknown":
        return ""
    return other if names(other).tier(name)[0] in ("reference", "official") else ""


def _candidates(name: str, known: Names) -> Iterator[tuple[str, str]]:
    """Real names that this one may pass for, the surest first."""
    shape = skeleton(fold(name))
    if shape != name and shape in known.all:
        yield shape, "letters that look alike"
    prominent = sorted(known.reference | {each for each in known.official if _is_name(each)})
    yield from (
        (real, "the same words, put together differently") for real in prominent if _same_words(name, real)
    )
    yield from _scopes(name, known)
    for group, loose in ((prominent, True), (sorted(known.popular), False)):
        for real in group:
            if abs(len(real) - len(name)) <= 1 and _near(name, real, loose=loose):
                yield real, "one letter differs"


def _is_name(text: str) -> bool:
    """A name, and neither a scope nor the beginning of names."""
    return text[-1] != "*" and ("/" in text or not text.startswith("@"))


def _scopes(name: str, known: Names) -> Iterator[tuple[str, str]]:
    scope, _, rest = name.partition("/") if name.startswith("@") else ("", "", "")
    for real in known.official | {"@modelcontextprotocol"} if rest else ():
        if (
            real.startswith("@")
            and "/" not in real
            and len(real) > 6
            and real != scope
            and _near(scope, real)
        ):
            yield f"{real}/{rest}", f"the scope {scope} is nearly {real}"


def _words(name: str) -> list[str]:
    return [
        word
        for word in name.replace("@", "").replace("/", "-").replace("_", "-").replace(".", "-").split("-")
        if word
    ]


def _same_words(name: str, real: str) -> bool:
    """`modelcontextprotocol-server-filesystem` and `@model-context-protocol/server-filesystem`, for the scoped name."""
    if not real.startswith("@"):
        return False
    joined, wanted = "".join(_words(name)), "".join(_words(real))
    if joined == wanted or joined in (wanted + "mcp", "mcp" + wanted):
        return len(wanted) >= 10
    return (
        real.startswith("@modelcontextprotocol/server-")
        and not name.startswith("@")
        and name == real.partition("/")[2]
    )


def _near(name: str, real: str, *, loose: bool = False) -> bool:
    """One slip of the keyboard or one letter that looks like another, in a word long enough for it to be no accident."""
    if len(real) < 7 or name == real:
        return False
    for one, other in _TWINS:
        if name.replace(one, other) == real.replace(one, other):
            return True
    if name.replace("-", "").replace("_", "") == real.replace("-", "").replace("_", "") and name != real:
        return True
    mine, theirs = _words(name), _words(real)
    if len(mine) != len(theirs):
        return False
    differing = [(a, b) for a, b in zip(mine, theirs, strict=True) if a != b]
    if len(differing) != 1:
        return False
    a, b = differing[0]
    if loose and len(real) >= 10:
        return len(b) >= 3 and _one_slip(a, b, other=4)
    return len(b) >= 4 and _one_slip(a, b)


def _one_slip(a: str, b: str, *, other: int = 7) -> bool:
    """A letter left out, doubled, or two swapped; another letter only in a word of so many."""
    if len(a) == len(b):
        at = next(index for index in range(len(a)) if a[index] != b[index])
        if len(b) >= 3 and a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :]:
            return True
        return len(b) >= other and a[at + 1 :] == b[at + 1 :] and a.isalpha()
    short, long = sorted((a, b), key=len)
    if len(long) - len(short) != 1 or (other > 4 and long[-1] == "s" and long[:-1] == short):
        return False
    left_out = any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    return left_out and len(short) >= (3 if other == 4 else 4) and a.isalpha()
