"""Policies as experts write them, statement by statement with the line each begins on. Cedar itself parses them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A file of Cedar policies."""

    name: str
    """As it is named in errors, explanations and, without an `@id`, in records."""
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy of a file."""

    file: str
    line: int
    """Where it begins, from 1."""
    text: str


def statements(source: Source) -> Iterator[Statement]:
    """The statements of a file: each ends with the `;` that stands in no string and no comment.

    What follows the last one is a statement too, unless it is blank: Cedar will say that it is not complete.
    """
    text, at, end = source.text, 0, len(source.text)
    begin = _skip(text, 0)
    at = begin
    while at < end:
        char = text[at]
        if char == '"':
            at = _string_end(text, at)
        elif text.startswith("//", at):
            at = _line_end(text, at)
        elif char == ";":
            yield _statement(source, begin, at + 1)
            at = begin = _skip(text, at + 1)
        else:
            at += 1
    if begin < end:
        yield _statement(source, begin, end)


def _statement(source: Source, begin: int, end: int) -> Statement:
    return Statement(source.name, source.text.count("\n", 0, begin) + 1, source.text[begin:end])


def _skip(text: str, at: int) -> int:
    """Past blanks and comments."""
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text.startswith("//", at):
            at = _line_end(text, at)
        else:
            break
    return at


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _string_end(text: str, at: int) -> int:
    at += 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1
