"""`keepgate scan`: what is configured on this machine or in these files, and what is wrong with it (docs/scan.md)."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from keepgate.cli.screen import fail, safe

if TYPE_CHECKING:
    from keepgate.model.scan import ScanReport

NOTHING: Final = 3
"""The exit code where there is nothing to scan."""
_CODES: Final = {"low": 11, "medium": 12, "high": 13, "critical": 14}


class Format(StrEnum):
    """The form of the report."""

    TERMINAL = "terminal"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"
    HTML = "html"
    CYCLONEDX = "cyclonedx"


class Level(StrEnum):
    """A severity, or none."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    NEVER = "never"


def scan(  # noqa: PLR0917 # an option each
    targets: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[TARGET]...",
            help="Files and directories; without one: this machine.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="The form of the report.")] = Format.TERMINAL,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the report to this file.", show_default=False)
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Never use the network. A scan never does so far.")
    ] = False,
    fail_on: Annotated[
        Level, typer.Option("--fail-on", help="The least severity that makes the exit code 11 to 14.")
    ] = Level.LOW,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="Findings that were accepted before.", show_default=False),
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option("--write-baseline", help="Accept what is found now, in this file.", show_default=False),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="With --write-baseline: why.", show_default=False)
    ] = "",
    until: Annotated[
        str,
        typer.Option("--until", help="With --write-baseline: the last day, YYYY-MM-DD.", show_default=False),
    ] = "",
    require: Annotated[
        bool, typer.Option("--require", help="Fail if something could not be checked.")
    ] = False,
    advisories: Annotated[
        list[Path] | None,
        typer.Option("--advisories", help="More advisories: an OSV dump.", show_default=False),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Every finding and every gap.")] = False,
) -> None:
    """Find MCP configurations and check them, without starting or contacting anything.

    Exit codes: 0 clean, 1 error, 2 usage, 3 nothing to scan; 11, 12, 13, 14: the worst finding is low, medium, high,
    critical.
    """
    from keepgate.compose.scan import Options
    from keepgate.compose.scan import scan as look

    _ = offline  # nothing that is asked here needs a network
    options = Options(baseline, tuple(advisories or ()), progress=progress())
    report = look(targets or [], options)
    options.progress("")
    if report is None:
        print("nothing to scan was found", file=sys.stderr)
        raise typer.Exit(NOTHING)
    if write_baseline is not None:
        _accept(report, write_baseline, reason, until)
    show(report, form, output, verbose=verbose)
    raise typer.Exit(code(report, fail_on, require=require))


def code(report: ScanReport, fail_on: Level, *, require: bool) -> int:
    """The exit code for a report."""
    from keepgate.model.finding import Severity

    if fail_on is not Level.NEVER:
        least = Severity[fail_on.name]
        worst = max(
            (each.severity for each in report.findings if each.severity >= least), default=Severity.INFO
        )
        if worst > Severity.INFO:
            return _CODES[worst.name.lower()]
    if require and report.gaps:
        print(
            f"error: {len(report.gaps)} checks could not be made, and --require asks for all", file=sys.stderr
        )
        return 1
    return 0


def show(report: ScanReport, form: Format, output: Path | None, *, verbose: bool) -> None:
    """Write the report."""
    colour = output is None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    body = render(report, form, colour=colour, verbose=verbose)
    if output is not None:
        try:
            output.write_bytes(body)
        except OSError as error:
            fail(safe(f"`{output}` cannot be written: {error.strerror}"))
    else:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()


def render(report: ScanReport, form: Format, *, colour: bool = False, verbose: bool = False) -> bytes:
    """The report in one of its forms."""
    from keepgate import __version__, reports  # noqa: F401

    if form is Format.JSON:
        from keepgate.reports import json

        return json.render(report)
    if form is Format.SARIF:
        from keepgate.reports import sarif

        return sarif.render(report, __version__)
    if form is Format.CYCLONEDX:
        from keepgate.reports import cyclonedx

        return cyclonedx.render(report, __version__)
    if form is Format.MARKDOWN:
        from keepgate.reports import markdown

        return markdown.render(report).encode()
    if form is Format.HTML:
        from keepgate.reports import html

        return html.render(report).encode()
    from keepgate.reports import terminal

    return terminal.render(report, colour=colour, verbose=verbose).encode(errors="backslashreplace")


def progress() -> Callable[[str], None]:
    """What is being done, on one line of a terminal, a few times a second; nothing where stderr is none."""
    if not sys.stderr.isatty():
        return lambda _: None
    last = time.monotonic()

    def tell(text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if not text or now - last > 0.2:
            last = now
            sys.stderr.write("\r\x1b[K" + safe(text, 100).replace("\n", " "))
            sys.stderr.flush()

    return tell


def _accept(report: ScanReport, path: Path, reason: str, until: str) -> None:
    from datetime import date

    from keepgate.scanner import baseline

    try:
        if until:
            date.fromisoformat(until)
    except ValueError:
        fail("--until must be a day as YYYY-MM-DD", 2)
    known = baseline.parse(path.read_bytes(), str(path)) if path.exists() else {}
    everything = replace(report).findings + report.suppressed
    path.write_bytes(baseline.written(everything, known, reason, until))
