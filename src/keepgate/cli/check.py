"""`keepgate check`: detection as a filter, JSON Lines in, JSON Lines out (docs/check.md)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import IO, Annotated, Any, Final

import typer

LONGEST: Final = 32 * 1024 * 1024
"""Bytes of a line; a longer one is skipped and reported."""


class Profile(StrEnum):
    """How strict."""

    RELAXED = "relaxed"
    BALANCED = "balanced"
    STRICT = "strict"


def check(
    profile: Annotated[Profile, typer.Option(help="What follows from what is seen.")] = Profile.BALANCED,
) -> None:
    """Judge artifacts: one JSON object a line on stdin, one answer a line on stdout, in order.

    A line that cannot be used is answered with `error` and makes the exit code 1; the others are answered all the same.
    """
    wrong = run(sys.stdin.buffer, sys.stdout.buffer, profile.value)
    if wrong:
        print(f"error: {wrong} of the lines could not be used", file=sys.stderr)
        raise typer.Exit(1)


def run(source: IO[bytes], target: IO[bytes], profile: str) -> int:
    """Answer every line as soon as it is there; how many could not be used."""
    from keepgate.config.inspection import content_guard
    from keepgate.protocol import jsonrpc

    guard = content_guard(profile)
    wrong = 0
    for number, raw in lines(source):
        answer = _answer(number, raw, guard)
        wrong += "error" in answer
        target.write(jsonrpc.encode(answer) + b"\n")
        target.flush()
    return wrong


def lines(source: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of each line that is not blank; None for one that is too long. Holds one line at a time."""
    number = 0
    while raw := source.readline(LONGEST + 1):
        number += 1
        if len(raw) > LONGEST and not raw.endswith(b"\n"):
            while (rest := source.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        elif raw.strip():
            yield number, raw


def _answer(number: int, raw: bytes | None, guard: Any) -> dict[str, Any]:
    from keepgate.decide.check import judge
    from keepgate.detect.artifact import artifact_of
    from keepgate.model.errors import KeepgateError
    from keepgate.protocol import jsonrpc

    identity = None
    try:
        if raw is None:
            return _error(number, identity, f"it is longer than {LONGEST} bytes")
        limits = jsonrpc.JsonLimits(size=LONGEST)
        value = jsonrpc.parse(raw, limits)
        identity = value.get("id") if isinstance(value, dict) else None
        return judge(artifact_of(value), guard).as_json()
    except KeepgateError as error:
        return _error(number, identity, str(error))


def _error(number: int, identity: Any, text: str) -> dict[str, Any]:
    shown = identity if isinstance(identity, str | int | float) else None
    return {"id": shown, "error": f"line {number}: {text}"}
