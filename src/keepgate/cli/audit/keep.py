"""`keepgate audit rotate-key` and `prune`: care for the log over years."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from keepgate.cli.audit.shared import settings_of, when
from keepgate.cli.keys import Config
from keepgate.cli.recorded import allow
from keepgate.model.access import Administration


def rotate_key(config: Config = None) -> None:
    """Sign with another key from now on; the old one is destroyed. keepgate must not run.

    Every log ends with a signed record that names the new key, and new ones begin under it, which `audit verify`
    follows. Tell the new key (`audit/<writer>/public.key`, after the next start) to whoever checks proofs, and to
    witnesses.
    """
    from keepgate.stores.audit import load_kek
    from keepgate.stores.audit.rotation import rotate_signing_key

    settings = settings_of(config)
    ended = rotate_signing_key(settings.state, load_kek(settings.state, os.environ, create_file=False))
    typer.echo(f"{ended} logs ended under the old key; the next start begins new ones")


def prune(
    before: Annotated[
        str,
        typer.Option(parser=when, metavar="TIME", help="`365d` ago, a date, or an RFC 3339 time."),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
) -> None:
    """Remove records that are past their time, segment by segment; their hashes stay, and the log still verifies.

    Needs a role with `administer: [erase]` for `local:<user>`. Recorded and signed before it is done: what is gone
    without that is tampering. Works while keepgate runs.
    """
    from keepgate.audit.record import PRUNED
    from keepgate.stores.audit.index import Index
    from keepgate.stores.audit.pruning import past
    from keepgate.stores.audit.pruning import prune as remove

    settings = settings_of(config)
    found = past(settings.state, before)
    segments = sum(len(each.numbers) for each in found)
    if not segments:
        typer.echo("no segment is past its time as a whole")
        return
    if not yes:
        typer.confirm(f"remove {segments} segments with all their records? This cannot be undone", abort=True)
    told = tuple(f"{each.writer.name}:{each.records}" for each in found)
    allow(settings, Administration.ERASE, PRUNED, f"records before {before}", told)
    index = Index(settings.database, settings.state)
    index.catch_up()
    for each in found:
        remove(each)
        index.forget(each.writer.name, max(each.numbers, default=0))
    typer.echo(f"removed {segments} segments")
