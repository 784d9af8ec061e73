"""`keepgate audit export` and `follow`: events leave for other systems, once or as they are recorded."""

from __future__ import annotations

import os
import signal
import sys
import threading
from enum import StrEnum
from typing import Annotated

import typer

from keepgate.cli.audit.shared import When, open_log, settings_of
from keepgate.cli.keys import Config
from keepgate.cli.screen import safe

_NICE = 10


class ExportFormat(StrEnum):
    """Forms in which others read events."""

    JSON = "json"
    OCSF = "ocsf"
    CEF = "cef"


def export(
    format_: Annotated[
        ExportFormat, typer.Option("--format", help="JSON Lines, OCSF 1.9 as JSON Lines, or CEF.")
    ] = ExportFormat.JSON,
    since: Annotated[str | None, When] = None,
    until: Annotated[str | None, When] = None,
    config: Config = None,
) -> None:
    """Print all events for another system, one a line, newest last."""
    from keepgate.compose.exports import text_of
    from keepgate.stores.audit.reading import everything

    log = open_log(config)
    for record in everything(log.settings.state, since or "", until or ""):
        typer.echo(text_of(log.named(record), format_))


def follow(
    child: Annotated[bool, typer.Option("--child", hidden=True)] = False,
    config: Config = None,
) -> None:
    """Send events and checkpoints where the configuration says, until Ctrl-C or SIGTERM.

    A running keepgate starts this by itself where `audit.exports`, `audit.witnesses` or `audit.git` is configured.
    """
    from keepgate.compose.following import run_follow

    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    if child:  # beside a gateway: after it, never before it
        os.nice(_NICE)
        threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    run_follow(settings_of(config), stop, lambda text: print(safe(text), file=sys.stderr, flush=True))


def _wait_for_end(stop: threading.Event) -> None:
    """Whoever started us holds the other end of stdin; it closes with that process, however it ends."""
    while os.read(0, 1024):
        pass
    stop.set()
