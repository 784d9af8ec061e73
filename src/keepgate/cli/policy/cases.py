"""`keepgate policy test`: the policy held against cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.cli.keys import Config
from keepgate.cli.policy.shared import Loaded, carried, table, usage

if TYPE_CHECKING:
    from keepgate.policy.cases import Failure


def hold(
    file: Annotated[Path, typer.Argument(help="The cases (docs/policy.md).", show_default=False)],
    config: Config = None,
) -> None:
    """Hold the policy against cases: who may do what. Exit code 1 if it answers one of them otherwise."""
    from keepgate.compose import policy_of
    from keepgate.config.cases import read_cases
    from keepgate.policy.cases import failures

    with usage():
        cases = read_cases(file)
        engine = policy_of(Loaded.of(config).settings)
    failed = list(failures(engine, cases))
    if failed:
        table(("CASE", "WHO", "ACTION", "WHAT", "EXPECTED", "DECIDED", "BY"), map(_failure, failed))
    typer.echo(f"{len(failed)} of {len(cases)} cases failed" if failed else f"{len(cases)} cases passed")
    raise typer.Exit(1 if failed else 0)


def _failure(failure: Failure) -> tuple[str, ...]:
    from keepgate.policy.question import shown

    case, decision = failure.case, failure.decision
    by = ", ".join(decision.rules) or "; ".join(decision.errors) or decision.reason
    return (
        f"{case.where}{f' ({case.note})' if case.note else ''}",
        " with ".join(carried(case.request.principal)),
        str(case.request.action),
        shown(case.request.resource),
        case.expect.name.lower(),
        decision.effect.name.lower(),
        by,
    )
