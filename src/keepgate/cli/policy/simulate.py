"""`keepgate policy simulate`: a proposed configuration, replayed over the recorded decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepgate.cli.audit import Format, When
from keepgate.cli.keys import Config
from keepgate.cli.policy.diff import cells, shape
from keepgate.cli.policy.shared import Format_, Loaded, table, usage

if TYPE_CHECKING:
    from keepgate.policy.simulate import Shift


def simulate(
    new: Annotated[Path, typer.Argument(help="The configuration that shall replace it.", show_default=False)],
    since: Annotated[str | None, When] = None,
    until: Annotated[str | None, When] = None,
    format_: Format_ = Format.TABLE,
    config: Config = None,
) -> None:
    """Replay the log: what of it would a proposed policy decide otherwise? Exit code 1 if anything.

    Needs the role to read payloads (`administer: [read_payloads]`), and each reading is recorded.
    """
    from keepgate.cli.recorded import Decisions
    from keepgate.compose import policy_of
    from keepgate.policy.declared import Declared
    from keepgate.policy.simulate import simulate as replay

    with usage():
        settings, proposed = Loaded.of(config).settings, Loaded.of(new).settings
        before, after = policy_of(settings), policy_of(proposed)
    decisions = Decisions(settings, since or "", until or "")
    if before.needs.input or after.needs.input:
        decisions.declared = Declared({name: server.prefix for name, server in settings.servers.items()})
    found = replay(before, after, decisions.read(f"policy simulate {new}"))
    if format_ is Format.JSON:
        told = {
            "requests": found.requests,
            "unreadable": decisions.unreadable,
            "earlier": found.earlier,
            "others": found.others,
            "changes": [_shape(shift) for shift in found.shifts],
        }
        typer.echo(json.dumps(told, indent=2))
    else:
        if found.shifts:
            head = ("CHANGE", "WHO", "ACTION", "WHAT", "BEFORE", "AFTER", "TIMES", "LAST", "DECISIONS")
            table(head, map(_row, found.shifts))
        touched = sum(shift.count for shift in found.shifts) + found.others
        people = len({shift.change.principal.grantees for shift in found.shifts})
        typer.echo(
            f"{touched} of {found.requests} recorded requests would be decided otherwise, of {people} principals"
        )
        for count, what in (
            (found.others, "more of them than are listed one by one"),
            (found.earlier, "were let through by an earlier policy and would not be by the one of today"),
            (decisions.unreadable, "records do not say what policy was asked, and were passed over"),
        ):
            if count:
                typer.echo(f"note: {count} {what}")
    raise typer.Exit(1 if found.shifts else 0)


def _shape(shift: Shift) -> dict[str, Any]:
    times = {"count": shift.count, "first": shift.first, "last": shift.last, "decisions": shift.samples}
    return shape(shift.change) | times


def _row(shift: Shift) -> tuple[str, ...]:
    return (*cells(shift.change), str(shift.count), f"{shift.last[:19]}Z", " ".join(shift.samples))
