"""Every command and every configuration key is named in the documentation; links between pages lead somewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main

from tests.house.tree import ROOT, exceptions, name

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def prose() -> str:
    return "\n".join(page.read_text() for page in PAGES)


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that can be run, without the groups that only hold others."""
    for word, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from commands(command, (*path, word))
        else:
            yield (*path, word)


def keys(schema: Any) -> Iterator[str]:
    """Every property name of a JSON Schema, at any depth."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in schema.values():
            yield from keys(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from keys(value)


def named(key: str, text: str) -> bool:
    """As code: `key`, `a.key`, `key:` in an example."""
    return any(mark in text for mark in (f"`{key}`", f".{key}`", f"{key}:", f"`{key}.", f"[{key}]"))


def undocumented() -> set[str]:
    from keepgate import cli
    from keepgate.config import json_schema

    text = prose()
    app = typer.main.get_command(cli.app)
    missing = {".".join(path) for path in commands(app) if f"keepgate {' '.join(path)}" not in text}
    return missing | {f"config:{key}" for key in keys(json_schema()) if not named(key, text)}


def test_every_command_and_every_configuration_key_is_documented():
    allowed = set(exceptions("undocumented.txt"))
    missing = undocumented()
    assert not sorted(missing - allowed), "name these in docs/"
    assert not sorted(allowed - missing), "undocumented.txt may only shrink: remove these"


def links(page: Path) -> Iterator[str]:
    """The targets of `[text](target)` outside of code blocks."""
    fenced = False
    for line in page.read_text().splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        for piece in line.split("](")[1:] if not fenced else []:
            yield piece.split(")", 1)[0].split(" ")[0]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_lead_somewhere(page):
    dead = []
    for target in links(page):
        path = unquote(target.split("#", 1)[0])
        if (
            path
            and "://" not in path
            and not path.startswith("mailto:")
            and not (page.parent / path).exists()
        ):
            dead.append(target)
    assert not dead


def test_every_rule_of_content_is_documented():
    from keepgate.detect.rules import PHRASES, RULES

    page = (ROOT / "docs" / "rules.md").read_text()
    missing = [rule.id for rule in (*RULES, *PHRASES) if f"`{rule.id}` | {rule.title} |" not in page]
    assert not missing, "docs/rules.md lists every rule with its title"
