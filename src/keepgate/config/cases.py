"""The file of `keepgate policy test`, read as strictly as the configuration (docs/policy.md)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path as File
from typing import Any, Final

from keepgate.config.explain import Problem, raise_for, suggest
from keepgate.config.load import read_tree
from keepgate.config.tree import Path, Tree
from keepgate.model.errors import ConfigError
from keepgate.model.verdict import Effect
from keepgate.policy.cases import Case
from keepgate.policy.question import Situation, question

_EFFECTS: Final = {"allow": Effect.ALLOW, "ask": Effect.ASK, "deny": Effect.DENY}
_WORDS: Final = ("principal", "action", "resource", "expect")
"""Keys that every case needs."""
_KEYS: Final = (*_WORDS, "with", "arguments", "at", "acr", "note")


def read_cases(file: File) -> tuple[Case, ...]:
    """The cases in `file`. Raises ConfigError with file, line and column for every mistake in it."""
    tree = read_tree(file)
    if not isinstance(tree.value, dict) or not isinstance(tree.value.get("cases"), list):
        raise ConfigError("a file of cases is `cases:` and a list", where=tree.where(()))
    if not tree.value["cases"]:
        raise ConfigError("there is no case in it", where=tree.where(("cases",)))
    found: list[Case] = []
    problems = [
        (tree.where((key,), key=True), f"unknown key `{key}`{suggest(key, ['cases'])}")
        for key in tree.value
        if key != "cases"
    ]
    for number, given in enumerate(tree.value["cases"]):
        path = ("cases", number)
        wrong = list(_problems(tree, path, given))
        problems += wrong
        if not wrong:
            found += _case(tree, path, given, problems)
    raise_for(problems)
    return tuple(found)


def _problems(tree: Tree, path: Path, given: Any) -> Iterator[Problem]:
    if not isinstance(given, dict):
        yield tree.where(path), f"a case is a mapping with {', '.join(f'`{key}`' for key in _WORDS)}"
        return
    for key in given:
        if key not in _KEYS:
            yield tree.where((*path, key), key=True), f"unknown key `{key}`{suggest(key, _KEYS)}"
    for key in _WORDS:
        if key not in given:
            yield tree.where(path), f"`{key}` is missing"
    for key in (*_WORDS, "at", "acr", "note"):
        if key in given and not isinstance(given[key], str):
            yield tree.where((*path, key)), f"`{key}` must be text: put it in quotes"
    yield from _wrong_values(tree, path, given)


def _wrong_values(tree: Tree, path: Path, given: dict[str, Any]) -> Iterator[Problem]:
    also = given.get("with", [])
    if not isinstance(also, list) or not all(isinstance(each, str) for each in also):
        yield tree.where((*path, "with")), "`with` must be a list of names such as `group:devs`"
    if not isinstance(given.get("arguments", {}), dict):
        yield tree.where((*path, "arguments")), "`arguments` must be a mapping of names and values"
    if isinstance(given.get("at"), str) and not _moment(given["at"]):
        yield tree.where((*path, "at")), "`at` must be a time with its zone: `2026-11-21T09:00+01:00`"
    if isinstance(given.get("expect"), str) and given["expect"] not in _EFFECTS:
        yield tree.where((*path, "expect")), f"`expect` must be one of {', '.join(_EFFECTS)}"


def _moment(text: str) -> datetime | None:
    """The time, or None if it is none or names no zone: a case must mean the same on every machine."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _case(tree: Tree, path: Path, given: dict[str, Any], problems: list[Problem]) -> Iterator[Case]:
    try:
        asked = question([given["principal"], *given.get("with", ())], given["action"], given["resource"])
    except ValueError as error:
        problems.append((tree.where(path), str(error)))
        return
    at = _moment(given["at"]) if "at" in given else None
    situation = Situation(given.get("arguments", {}), at.timestamp() if at else None, given.get("acr", ""))
    asked = situation.of(asked)
    yield Case(asked, _EFFECTS[given["expect"]], tree.where(path), given.get("note", ""))
