"""`keepgate policy suggest`: the smallest policy for what was used, and what of today's is not used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepgate.cli.audit import When
from keepgate.cli.keys import Config
from keepgate.cli.policy.shared import Loaded, usage
from keepgate.cli.screen import safe

if TYPE_CHECKING:
    from keepgate.policy.recorded import Recorded
    from keepgate.policy.roles import Entry
    from keepgate.policy.suggest import Suggestion
    from keepgate.policy.usage import Aged, Usage


class Shape(StrEnum):
    """How a suggestion is printed."""

    YAML = "yaml"
    JSON = "json"


class By(StrEnum):
    """To whom grants are made."""

    PRINCIPAL = "principal"
    GROUP = "group"


def suggest(  # noqa: PLR0917 - each is an option
    since: Annotated[str | None, When] = None,
    until: Annotated[str | None, When] = None,
    generalise: Annotated[
        bool, typer.Option("--generalise", help="Let `read_*` stand for three and more names that begin so.")
    ] = False,
    conditions: Annotated[
        bool,
        typer.Option(
            "--conditions", help="Propose conditions on arguments: directories of paths, hosts of URLs."
        ),
    ] = False,
    by: Annotated[
        By, typer.Option(help="Grant to each principal, or to its groups where it has any.")
    ] = By.PRINCIPAL,
    format_: Annotated[
        Shape, typer.Option("--format", help="For a configuration, or for programs.")
    ] = Shape.YAML,
    config: Config = None,
) -> None:
    """Print the smallest roles and grants that still allow what the log says was used, and what is not used.

    Needs the role to read payloads (`administer: [read_payloads]`), and each reading is recorded.
    """
    from keepgate.cli.recorded import Decisions
    from keepgate.policy.suggest import suggest as smallest
    from keepgate.policy.usage import Usage, aged

    with usage():
        loaded = Loaded.of(config)
    access = loaded.settings.access
    # All of the log is read, however short the time that counts: the age of what is not used is told from it.
    decisions = Decisions(loaded.settings, "", until or "")
    counted, ever = Usage(arguments=conditions), Usage()
    _collect(decisions.read("policy suggest"), counted, ever, since or "")
    keep = {name: role for name, role in access.roles.items() if role.administer}
    found = smallest(
        counted,
        groups=by is By.GROUP,
        generalise=generalise,
        keep={
            name: type(role)(administer=role.administer, description=role.description)
            for name, role in keep.items()
        },
        kept=[grant for grant in access.grants if grant.role in keep],
    )
    unused = [
        each for each in aged(access.roles, access.grants, ever) if not each.last or each.last < (since or "")
    ]
    if format_ is Shape.JSON:
        typer.echo(json.dumps(_told(loaded, found, unused, ever, decisions.unreadable), indent=2))
    else:
        for line in (*_yaml(found), *_remarks(loaded, found, unused, ever)):
            typer.echo(line)
        if decisions.unreadable:
            typer.echo(f"note: {decisions.unreadable} records do not say what policy was asked", err=True)


def _collect(decisions: Iterable[Recorded], counted: Usage, ever: Usage, since: str) -> None:
    for each in decisions:
        ever.add(each)
        if each.time >= since:
            counted.add(each)


def _told(
    loaded: Loaded, found: Suggestion, unused: list[Aged], ever: Usage, unreadable: int
) -> dict[str, Any]:
    roles = {
        name: {
            key: list(map(entry, each))
            for key in ("allow", "ask", "administer")
            if (each := getattr(role, key))
        }
        for name, role in found.roles.items()
    }
    return {
        "access": {
            "roles": roles,
            "grants": [{"to": each.to, "role": each.role, "reason": each.reason} for each in found.grants],
        },
        "uses": found.uses,
        "unnamed": len(found.unnamed),
        "unreadable": unreadable,
        "since": ever.since,
        "unused": [
            {"what": each.what, "where": loaded.where(*each.path), "last": each.last or None}
            for each in unused
        ],
    }


def _yaml(found: Suggestion) -> Iterator[str]:
    yield "access:"
    yield "  roles:" if found.roles else "  roles: {}"
    for name, role in found.roles.items():
        yield f"    {name}:" if role.allow or role.ask or role.administer else f"    {name}: {{}}"
        for key in ("allow", "ask", "administer"):
            if given := getattr(role, key):
                yield f"      {key}:"
                yield from (f"        - {_flow(entry(each))}" for each in given)
    yield "  grants:" if found.grants else "  grants: []"
    for grant in found.grants:
        said = "".join(
            f", {key}: {quoted(text)}" for key in ("reason", "owner") if (text := getattr(grant, key))
        )
        yield f"    - {{to: {quoted(grant.to)}, role: {grant.role}{said}}}"


def entry(each: Entry) -> str | dict[str, Any]:
    """An entry of a role as a configuration has it."""
    if isinstance(each, str):
        return str(each)
    arguments = {
        name: {key: value for key, value in asdict(test).items() if value not in ("", (), None)}
        for name, test in each.when.arguments.items()
    }
    return {"use": each.use, "when": {"arguments": arguments}}


def _flow(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def quoted(text: str) -> str:
    """`text` as a YAML double-quoted scalar in printable characters."""
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"


def _remarks(loaded: Loaded, found: Suggestion, unused: list[Aged], ever: Usage) -> Iterator[str]:
    yield f"# allows all {found.uses} uses that were recorded"
    if found.unnamed:
        yield f"# {len(found.unnamed)} uses can be named by no grant or pattern and are not in it"
    if not unused:
        return
    yield f"# not used (the log begins {ever.since[:10] or 'today'}):"
    now = datetime.now(UTC)
    for each in unused:
        age = (
            f"{each.last[:10]}, {(now - datetime.fromisoformat(each.last)).days} days ago"
            if each.last
            else "never"
        )
        yield safe(f"#   {age}: {each.what}  {loaded.where(*each.path)}".replace("\n", "\\n"))
