"""`keepgate vet`: one package or path, before it is installed (docs/scan.md)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from keepgate.cli.scan import NOTHING, Format, Level, code, progress, show


def vet(  # noqa: PLR0917 # an option each
    target: Annotated[
        str, typer.Argument(help="npm:NAME@VERSION, pypi:NAME==VERSION, a directory, a file or an archive.")
    ],
    form: Annotated[Format, typer.Option("--format", help="The form of the report.")] = Format.TERMINAL,
    output: Annotated[Path | None, typer.Option("--output", help="Write the report to this file.")] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Fetch nothing: only what is known here.")
    ] = False,
    fail_on: Annotated[
        Level, typer.Option("--fail-on", help="The least severity that makes the exit code 11 to 14.")
    ] = Level.LOW,
    require: Annotated[
        bool, typer.Option("--require", help="Fail if something could not be checked.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Every finding and every gap.")] = False,
) -> None:
    """Fetch a package with all it needs, without running any of it, and check names, advisories, scripts and source.

    Exit codes as of `keepgate scan`.
    """
    from keepgate.compose.scan import Options
    from keepgate.compose.scan import vet as look

    options = Options(progress=progress())
    report = look(target, options, offline=offline)
    options.progress("")
    if report is None:
        print("nothing to vet was found", file=sys.stderr)
        raise typer.Exit(NOTHING)
    show(report, form, output, verbose=verbose)
    raise typer.Exit(code(report, fail_on, require=require))
