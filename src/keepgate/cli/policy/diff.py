"""`keepgate policy diff`: who gains and who loses what from one configuration to another."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepgate.cli.audit import Format
from keepgate.cli.policy.shared import Format_, Loaded, carried, table, usage
from keepgate.cli.screen import fail

if TYPE_CHECKING:
    from keepgate.policy.diff import Change


def diff(  # noqa: PLR0917 - each is an option
    old: Annotated[Path, typer.Argument(help="A configuration.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="The one that shall replace it.", show_default=False)],
    resource: Annotated[
        list[str],
        typer.Option(
            metavar="NAME", help="Compare `files/read_file` as well. May be repeated.", show_default=False
        ),
    ] = [],  # noqa: B006 - how typer wants the default of a list
    names: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Such names, one a line.", show_default=False)
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Ask the servers what they have.")] = False,
    principal: Annotated[
        list[str],
        typer.Option(
            metavar="NAMES",
            help="A principal as well: its names, with blanks between. May be repeated.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    format_: Format_ = Format.TABLE,
) -> None:
    """Say who gains and who loses what, from one configuration to another. Exit code 1 if anybody does."""
    from keepgate.cli.policy.names import listed_by, read_names
    from keepgate.compose import policy_of
    from keepgate.policy.diff import Kind, changes, named, spelled_out
    from keepgate.policy.question import listed, shown, subject

    with usage():
        before, after = Loaded.of(old).settings, Loaded.of(new).settings
        told = [*resource, *(read_names(names) if names else ())]
        things = spelled_out([*before.access.roles.values(), *after.access.roles.values()])
        things |= {listed(text) for text in told}
        if live:
            things |= listed_by(before, after)
        who = [[name] for name in named((*before.access.grants, *after.access.grants))]
        people = [subject(each) for each in (*who, *map(str.split, principal))]
        compared = changes(policy_of(before), policy_of(after), people, sorted(things, key=shown))
    if not things:
        fail("there is nothing to compare: give `--live`, `--resource` or `--names`", 2)
    found = list(compared)
    if format_ is Format.JSON:
        typer.echo(json.dumps([shape(change) for change in found], indent=2))
    else:
        if found:
            table(("CHANGE", "WHO", "ACTION", "WHAT", "BEFORE", "AFTER"), map(cells, found))
        counted = Counter(change.kind for change in found)
        said = f"{counted[Kind.GAINS]} gained, {counted[Kind.LOSES]} lost"
        if counted[Kind.DIFFERS]:
            said += f", {counted[Kind.DIFFERS]} under other conditions"
        typer.echo(f"{said}: {len(people)} principals, {len(things)} names")
    raise typer.Exit(1 if found else 0)


def shape(change: Change) -> dict[str, Any]:
    """A change as JSON."""
    from keepgate.policy.question import shown

    told: dict[str, Any] = {
        "change": change.kind.value,
        "principal": list(change.principal.grantees),
        "action": str(change.action),
        "resource": shown(change.resource),
        "before": change.before.name.lower(),
        "after": change.after.name.lower(),
    }
    if any(change.observed):
        told["observed"] = dict(zip(("before", "after"), change.observed, strict=True))
    if any(change.open):
        told["conditional"] = dict(zip(("before", "after"), change.open, strict=True))
    return told


def cells(change: Change) -> tuple[str, ...]:
    """A change as a row of a table."""
    told = shape(change) | {"principal": " with ".join(carried(change.principal))}
    for word in ("observed", "conditional"):
        for when, holds in told.pop(word, {}).items():
            told[when] += f", {word}" if holds else ""
    return tuple(told.values())
