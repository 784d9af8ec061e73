"""Texts written by hand, one a line in `texts/`: a class, then a name for a definition, then what is said.

Written before any rule was tried on them. Lines take turns: `develop` may be looked at and learned from, `held out` is
only ever counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FILES = Path(__file__).parent / "texts"
HALVES = ("develop", "held out")


@dataclass(frozen=True)
class Text:
    """One line. `name` is that of a tool, else empty."""

    kind: str
    attack: bool
    sort: str
    half: str
    said: str
    name: str = ""


def texts() -> list[Text]:
    """All of them, in order."""
    out = []
    for stem, kind in (("definitions", "tool"), ("results", "tool_output"), ("prompts", "prompt")):
        for attack in (True, False):
            file = FILES / f"{'' if attack else 'harmless_'}{stem}.txt"
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
                sort, _, said = line.replace(r"\n", "\n").partition(" ")
                name, _, rest = said.partition(" | ") if kind == "tool" else ("", "", said)
                out.append(Text(kind, attack, sort, HALVES[number % 2], rest, name))
    return out
