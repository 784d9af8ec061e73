"""The little language that every front translates into: expressions, statements, functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_FILE: Final = 1024 * 1024
"""Characters of a file that is analysed; longer ones are bundles, and said to be passed over."""
MAX_DEPTH: Final = 120
"""Of nested expressions; deeper ones are cut."""

Place = tuple[int, int]
"""Line and column from 1."""


@dataclass(slots=True)
class Expr:
    """An expression. `kind` is name, const, call, attr, join or function.

    name: `text` is the name. const: `text` is its value. call: `text` is the dotted name as far as it is one, `base` what
    the method is called on. attr: `text` is the name, `base` what it is of. join: `parts` are put together.
    """

    kind: str
    place: Place
    text: str = ""
    base: Expr | None = None
    parts: list[Expr] = field(default_factory=list)
    named: dict[str, Expr] = field(default_factory=dict)
    function: Function | None = None
    built: bool = False
    """A text that is put together: a template, a concatenation, a format."""

    def names(self) -> Iterator[str]:
        """Every name in it."""
        waiting = [self]
        while waiting:
            here = waiting.pop()
            if here.kind == "name":
                yield here.text
            waiting += [*here.parts, *here.named.values()]
            if here.base is not None:
                waiting.append(here.base)

    def walk(self) -> Iterator[Expr]:
        """It and every expression in it."""
        waiting = [self]
        while waiting:
            here = waiting.pop()
            yield here
            waiting += [*here.parts, *here.named.values()]
            if here.base is not None:
                waiting.append(here.base)


@dataclass(slots=True)
class Statement:
    """assign (to `targets`), do, return, or check (a condition that leaves if it does not hold, or guards a block)."""

    kind: str
    value: Expr
    targets: tuple[str, ...] = ()


@dataclass(slots=True)
class Function:
    """A function. `claims` is what it says about itself, if it is the handler of a tool."""

    name: str
    params: tuple[str, ...]
    body: list[Statement]
    place: Place
    handler: bool = False
    claims: str = ""
    read_only: bool = False
    tool: str = ""


@dataclass(slots=True)
class Unit:
    """A file: its functions, with what stands outside of them as one more, called ``."""

    file: str
    language: str
    functions: list[Function] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)
    """A name here to what it is of elsewhere: `run` to `subprocess.run`."""
    texts: list[tuple[str, Place]] = field(default_factory=list)
    """String constants."""
    bare: str = ""


MAX_INLINED: Final = 300
"""Statements of a function that those around it are given as well."""


def inlined(function: Function) -> list[Statement]:
    """What a function inside of another does, as if it were done there: it returns nothing to that one."""
    return [
        Statement("do", each.value) if each.kind == "return" else each for each in function.body[:MAX_INLINED]
    ]
