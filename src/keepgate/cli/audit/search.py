"""`keepgate audit tail` and `query`."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer

from keepgate.cli.audit.shared import EventFormat, When, open_log
from keepgate.cli.keys import Config

POLL = 0.5
"""Seconds between looks of `tail -f`."""


class Effect(StrEnum):
    """The verdicts one can search for."""

    ALLOW = "allow"
    REDACT = "redact"
    ASK = "ask"
    DENY = "deny"


Format_ = Annotated[
    EventFormat,
    typer.Option("--format", help="One event a line: table, JSON Lines, or CSV with a first line of names."),
]
Principal = Annotated[
    str, typer.Option(help="For instance `key:cursor`, or a pseudonym.", show_default=False)
]
Server = Annotated[str, typer.Option(help="Id of a server.", show_default=False)]
Named = Annotated[
    str,
    typer.Option("--name", help="Tool, prompt or resource URI, as its server calls it.", show_default=False),
]
Verdict = Annotated[Effect | None, typer.Option(help="What was decided.", show_default=False)]
Observed = Annotated[
    Effect | None,
    typer.Option(help="What policy said of what observe mode let through: deny or ask.", show_default=False),
]
Client = Annotated[
    str, typer.Option(help="As it names itself: `cursor`, or `cursor/1.0`.", show_default=False)
]
Kind = Annotated[
    str, typer.Option(help="request, notification, result, error, or event.", show_default=False)
]
Rule = Annotated[
    str,
    typer.Option(help="Id of a rule that determined the decision, or found something.", show_default=False),
]
Text = Annotated[
    str,
    typer.Option(
        help="In what is sealed. Needs the role to read payloads, and is recorded.", show_default=False
    ),
]
Method = Annotated[str, typer.Option(help="For instance `tools/call`.", show_default=False)]
Trace = Annotated[
    str, typer.Option(help="A decision id: the request, its reply, and all between.", show_default=False)
]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="The newest so many.")]


def tail(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as decisions are made.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="The newest so many.")] = 20,
    format_: Format_ = EventFormat.TABLE,
    config: Config = None,
) -> None:
    """Show the newest decisions."""
    from keepgate.stores.audit.index import Filter

    log = open_log(config)
    newest = log.show(Filter(), format_, limit=lines)
    while follow:
        time.sleep(POLL)
        newest = log.show(Filter(), format_, limit=100_000, after=newest)


def query(  # noqa: PLR0917 - each is an option
    principal: Principal = "",
    client: Client = "",
    server: Server = "",
    name: Named = "",
    verdict: Verdict = None,
    observed: Observed = None,
    method: Method = "",
    kind: Kind = "",
    rule: Rule = "",
    text: Text = "",
    trace: Trace = "",
    since: Annotated[str | None, When] = None,
    until: Annotated[str | None, When] = None,
    limit: Limit = 1000,
    format_: Format_ = EventFormat.JSON,
    config: Config = None,
) -> None:
    """Search the log: every option narrows, the oldest match is printed first.

    In JSON, `principal` is the name if the keys are at hand, `pseudonym` what the record itself says.
    """
    from keepgate.stores.audit.index import Filter

    log = open_log(config)
    wanted = Filter(
        principals=log.pseudonyms(principal) if principal else frozenset(),
        names=log.names(name) if name else frozenset(),
        server=server,
        method=method,
        effect=verdict or "",
        observed=observed or "",
        trace=trace,
        since=since or "",
        until=until or "",
        client=client,
        kind=kind,
        rule=rule,
    )
    if text:
        from keepgate.cli.recorded import permit

        permit(log.settings, "audit query --text")
        log.show_text(wanted, text, format_, limit=limit)
    else:
        log.show(wanted, format_, limit=limit)
