"""`keepgate audit decrypt` and `erase`: what is sealed is opened, or closed for ever."""

from __future__ import annotations

import json
import os
from contextlib import closing
from typing import Annotated

import typer

from keepgate.cli.audit.shared import open_log, settings_of
from keepgate.cli.keys import Config
from keepgate.cli.recorded import allow, permit
from keepgate.cli.screen import fail, safe
from keepgate.model.access import Administration

ERASED = "keys.erased"
"""`method` of the event that tells of an erasure."""
_MOST = 1000
_PURPOSE = 100


def decrypt(
    decision: Annotated[str, typer.Argument(metavar="ID", help="A decision id.")],
    config: Config = None,
) -> None:
    """Open what the records of a decision seal: arguments, results, private causes, one JSON object a line.

    Needs a role with `administer: [read_payloads]` for `local:<user>`, and the key. Each use is recorded before.
    """
    from keepgate.stores.audit import load_kek
    from keepgate.stores.audit.index import Filter
    from keepgate.stores.audit.payloads import Payloads

    log = open_log(config)
    permit(log.settings, f"audit decrypt {decision[:_PURPOSE]}")
    payloads = Payloads(log.settings.state, load_kek(log.settings.state, os.environ, create_file=False))
    log.index.catch_up()
    with closing(log.index.walk(Filter(trace=decision), limit=_MOST)) as newest:
        found = [payloads.open(*place) for place in newest]
    if not decision or not found:
        fail(f"nothing is recorded under `{safe(decision)}`")
    for opened in reversed(found):
        said = {"record": log.named(opened.record), "payload": opened.envelope}
        typer.echo(json.dumps(said | ({"why": opened.why} if opened.why else {})))


def erase(
    principal: Annotated[
        str, typer.Option(help="Whose: for instance `user:alice`, as `audit query` shows it.")
    ],
    until: Annotated[str, typer.Option(help="Only up to this month: `2026-10`.", show_default=False)] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
) -> None:
    """Destroy the keys of a person: payloads and name can be read by nobody any more, and the log still verifies.

    Also what the person was granted at servers. Needs a role with `administer: [erase]` for `local:<user>`, and the
    key. Recorded before it is done, by pseudonym. Copies of the key files, in backups, must be destroyed as well.
    """
    from keepgate.compose import grant_store
    from keepgate.stores.audit import load_kek
    from keepgate.stores.audit.data_keys import DataKeys
    from keepgate.stores.audit.files import KEYS, audit_directory

    settings = settings_of(config)
    if until and (len(until) != 7 or until[4] != "-" or not (until[:4] + until[5:]).isdecimal()):
        fail(f"`{safe(until)}` is no month: write `2026-10`", 2)
    keys = DataKeys(
        audit_directory(settings.state) / KEYS, load_kek(settings.state, os.environ, create_file=False)
    )
    grants = grant_store(settings)
    granted = [server for who, server in grants.names() if who == principal and not until]
    found = [
        key.id
        for key in keys.all().values()
        if key.principal == principal and (not until or key.period <= until)
    ]
    if not found and not granted:
        fail(f"there are no keys of `{safe(principal)}`: `keepgate audit query` shows principals by name")
    if not yes:
        text = (
            f"destroy {len(found)} keys and {len(granted)} grants of {safe(principal)}? This cannot be undone"
        )
        typer.confirm(text, abort=True)
    allow(settings, Administration.ERASE, ERASED, f"{len(found)} keys of one principal", tuple(found))
    keys.erase(principal, until=until)
    for server in granted:
        grants.remove(principal, server)
    typer.echo(f"erased {len(found)} keys, {len(granted)} grants")
