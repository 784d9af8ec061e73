"""`keepgate audit verify`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepgate.cli.audit.shared import Format, settings_of
from keepgate.cli.keys import Config
from keepgate.cli.screen import safe

if TYPE_CHECKING:
    from keepgate.audit.verify import Report


def verify(
    against: Annotated[
        list[Path], typer.Option(help="Checkpoints kept elsewhere. May be repeated.", show_default=False)
    ] = [],  # noqa: B006 - how typer wants the default of a list
    strict: Annotated[bool, typer.Option(help="Fail if anything could not be checked.")] = False,
    format_: Annotated[
        Format, typer.Option("--format", help="For reading, or one JSON object.")
    ] = Format.TABLE,
    config: Config = None,
) -> None:
    """Check that no record was changed, added, moved or removed. Needs no secret key.

    Exit code 0: the signed records are sound. 1: they are not. 3: there is nothing signed to check.
    """
    from keepgate.audit.verify import Status
    from keepgate.stores.audit.reading import verify as examine

    reports = examine(settings_of(config).state, elsewhere=against)
    verdict = _overall(reports)
    if format_ is Format.JSON:
        typer.echo(json.dumps({"verdict": verdict, "writers": [_shape(report) for report in reports]}))
    else:
        for report in reports:
            _print(report)
        typer.echo(f"verdict: {verdict}" if reports else "verdict: unknown, nothing was recorded yet")
    open_questions = any(report.unknown for report in reports)
    if verdict is Status.FAIL or (strict and open_questions):
        raise typer.Exit(1)
    raise typer.Exit(0 if verdict is Status.PASS else 3)


def _overall(reports: Iterable[Report]) -> str:
    from keepgate.audit.verify import Status

    found = {report.status for report in reports}
    return next((status for status in (Status.FAIL, Status.PASS) if status in found), Status.UNKNOWN)


def _shape(report: Report) -> dict[str, Any]:
    return {**asdict(report), "status": report.status, "unsigned": report.unsigned}


def _print(report: Report) -> None:
    typer.echo(f"writer {report.writer}: {report.status}")
    typer.echo(f"  records   {report.records}, of these not signed yet: {report.unsigned}")
    typer.echo(f"  signed    {report.checkpoints} checkpoints, key {safe(report.key) or 'missing'}")
    for problem in report.failed:
        typer.echo(f"  FAIL      {safe(problem)}")
    for question in report.unknown:
        typer.echo(f"  unknown   {safe(question)}")
