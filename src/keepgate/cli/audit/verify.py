"""`keepgate audit verify`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepgate.cli.audit.shared import Format, settings_of
from keepgate.cli.keys import Config
from keepgate.cli.screen import fail, safe

if TYPE_CHECKING:
    from keepgate.audit.verify import Report
    from keepgate.compose.evidence import Elsewhere
    from keepgate.config import Settings


def verify(
    against: Annotated[
        list[str],
        typer.Option(
            help="Checkpoints kept elsewhere: a file, or `witness` or `git`: those configured. May be repeated.",
            show_default=False,
        ),
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

    settings = settings_of(config)
    known = _elsewhere(settings, against)
    files = [Path(each) for each in against if each not in ("witness", "git")]
    try:
        reports = examine(settings.state, elsewhere=files, more=known.notes)
    except OSError as error:
        fail(f"cannot read `{safe(str(error.filename))}`: {error.strerror}", 2)
    _say_witnessed(reports, known)
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


def _elsewhere(settings: Settings, against: Sequence[str]) -> Elsewhere:
    """What the witnesses and repositories of the configuration know, as far as they are asked."""
    from keepgate.compose.evidence import Elsewhere, ask_witnesses, read_git

    found = Elsewhere()
    for word, given, ask in (
        ("witness", settings.audit.witnesses, ask_witnesses),
        ("git", settings.audit.git, read_git),
    ):
        if word in against:
            if not given:
                fail(
                    f"the configuration names none: set `audit.{'witnesses' if word == 'witness' else word}`",
                    2,
                )
            told = ask(settings)
            found.witnessed += told.witnessed
            found.unknown += told.unknown
            for writer, notes in told.notes.items():
                found.notes.setdefault(writer, []).extend(notes)
    return found


def _say_witnessed(reports: Sequence[Report], known: Elsewhere) -> None:
    """What witnesses said of each writer goes into its report; what could not be asked into all."""
    from keepgate.stores.audit.witnessing import Answer

    for report in reports:
        report.unknown += known.unknown
        for each in known.witnessed:
            if each.writer == report.writer:
                text = f"witness {each.witness}: {each.text}"
                match each.answer:
                    case Answer.MISSING | Answer.FORKED:
                        report.fail(text)
                    case Answer.UNKNOWN:
                        report.unknown.append(text)
                    case Answer.SIGNED:
                        report.witnessed.append(text)


def _overall(reports: Iterable[Report]) -> str:
    from keepgate.audit.verify import Status

    found = {report.status for report in reports}
    return next((status for status in (Status.FAIL, Status.PASS) if status in found), Status.UNKNOWN)


def _shape(report: Report) -> dict[str, Any]:
    return {**asdict(report), "status": report.status, "unsigned": report.unsigned}


def _print(report: Report) -> None:
    typer.echo(f"writer {report.writer}: {report.status}")
    typer.echo(f"  records   {report.records}, of these not signed yet: {report.unsigned}")
    if report.pruned:
        typer.echo(
            f"  past      {report.pruned} records before these were past their time: their hashes are left"
        )
    typer.echo(f"  signed    {report.checkpoints} checkpoints, key {safe(report.key) or 'missing'}")
    for line in report.witnessed:
        typer.echo(f"  witnessed {safe(line)}")
    for problem in report.failed:
        typer.echo(f"  FAIL      {safe(problem)}")
    for question in report.unknown:
        typer.echo(f"  unknown   {safe(question)}")
