"""`keepgate audit rotate-key`: care for the log over years."""

from __future__ import annotations

import os

import typer

from keepgate.cli.audit.shared import settings_of
from keepgate.cli.keys import Config


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
