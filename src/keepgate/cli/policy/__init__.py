"""`keepgate policy`: ask the policy instead of guessing (docs/policy.md). One file for each command.

Exit codes: 0 fine, 1 something was found, 2 wrong usage or a file that cannot be read. Names come from outside: what is
printed is escaped.
"""

from __future__ import annotations

import typer

from keepgate.cli.policy.cases import hold
from keepgate.cli.policy.check import check
from keepgate.cli.policy.diff import diff
from keepgate.cli.policy.simulate import simulate
from keepgate.cli.policy.suggest import suggest
from keepgate.cli.policy.why import why

app = typer.Typer(
    no_args_is_help=True, help="Ask the policy: why it decides so, and whether it says what is meant."
)
app.command()(check)
app.command()(why)
app.command("test")(hold)
app.command()(diff)
app.command()(simulate)
app.command()(suggest)
