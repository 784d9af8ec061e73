"""`keepgate audit`: follow, search, verify and prove the log of every decision (docs/audit.md). One file a command.

Names in records come from clients and servers: everything printed is escaped, JSON down to ASCII.
"""

from __future__ import annotations

import typer

from keepgate.cli.audit.anchor import anchor
from keepgate.cli.audit.export import export, follow
from keepgate.cli.audit.keep import prune, rotate_key
from keepgate.cli.audit.payloads import decrypt, erase
from keepgate.cli.audit.proof import prove, verify_proof
from keepgate.cli.audit.search import query, tail
from keepgate.cli.audit.shared import Format, When, moment, open_log
from keepgate.cli.audit.verify import verify

__all__ = ["Format", "When", "app", "moment", "open_log", "tail"]

app = typer.Typer(no_args_is_help=True, help="Follow, search, verify and prove the log of every decision.")
app.command()(tail)
app.command()(query)
app.command()(verify)
app.command()(prove)
app.command("verify-proof")(verify_proof)
app.command()(anchor)
app.command()(export)
app.command()(follow)
app.command("rotate-key")(rotate_key)
app.command()(prune)
app.command()(decrypt)
app.command()(erase)
