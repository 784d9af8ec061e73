"""`keepgate audit anchor`: the newest checkpoints are taken where nobody here can change them."""

from __future__ import annotations

import typer

from keepgate.cli.audit.shared import settings_of
from keepgate.cli.keys import Config
from keepgate.cli.screen import fail, safe


def anchor(config: Config = None) -> None:
    """Send the newest checkpoints to the witnesses and Git repositories of the configuration.

    A running keepgate does so by itself, every `audit.anchor_every` seconds. Exit code 1 if any of them refuses, or
    cannot be asked.
    """
    from keepgate.compose.evidence import ask_witnesses, keep_in_git
    from keepgate.model.errors import KeepgateError
    from keepgate.stores.audit.witnessing import Answer

    settings = settings_of(config)
    if not settings.audit.witnesses and not settings.audit.git:
        fail("there is nowhere to send checkpoints to: set `audit.witnesses` or `audit.git`")
    wrong = False
    for each in ask_witnesses(settings).witnessed:
        typer.echo(f"{safe(each.witness)}: {each.writer}: {each.answer}: {safe(each.text)}")
        wrong |= each.answer is not Answer.SIGNED
    try:
        for line in keep_in_git(settings):
            typer.echo(safe(line))
    except KeepgateError as error:
        fail(safe(error.public))
    raise typer.Exit(1 if wrong else 0)
