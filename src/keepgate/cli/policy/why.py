"""`keepgate policy why`: what determines a decision, and what would change it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from keepgate.cli.audit import moment
from keepgate.cli.keys import Config
from keepgate.cli.policy.recorded import recorded
from keepgate.cli.policy.shared import Loaded, carried, say, usage
from keepgate.cli.screen import fail

if TYPE_CHECKING:
    from keepgate.model.access import Request
    from keepgate.policy.explain import Explanation

With = Annotated[
    list[str],
    typer.Option(
        "--with",
        metavar="NAME",
        help="What else it carries, as `group:devs`. May be repeated.",
        show_default=False,
    ),
]

Arguments = Annotated[
    list[str],
    typer.Option(
        "--argument",
        metavar="NAME=VALUE",
        help="An argument of the call; the value is JSON, or else text. May be repeated.",
        show_default=False,
    ),
]
At = Annotated[str, typer.Option(metavar="TIME", help="When: `2026-11-21T09:00`.", show_default=False)]
Acr = Annotated[str, typer.Option(metavar="LEVEL", help="Level of login.", show_default=False)]

Labels = Annotated[
    list[str],
    typer.Option(
        "--label",
        metavar="LABEL",
        help="Of what the caller was shown: `private:crm`. May be repeated.",
        show_default=False,
    ),
]
Carries = Annotated[
    list[str],
    typer.Option(
        metavar="LABEL", help="Of what the arguments repeat of it. May be repeated.", show_default=False
    ),
]
Sink = Annotated[bool, typer.Option("--sink", help="The call leads outside.")]


def arguments_of(given: Iterable[str]) -> dict[str, Any]:
    """`name=value` as arguments of a call. Raises ValueError."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ValueError(f"`{text}` is no argument: write `name=value`")
        try:
            found[name] = orjson.loads(value)
        except ValueError:
            found[name] = value
    return found


def why(  # noqa: PLR0917 - each is an option
    principal: Annotated[str, typer.Argument(help="As in a grant: `key:cursor`.", show_default=False)] = "",
    action: Annotated[str, typer.Argument(help="`call_tool`, `read_resource`, ...", show_default=False)] = "",
    resource: Annotated[str, typer.Argument(help="`files/read_file`.", show_default=False)] = "",
    also: With = [],  # noqa: B006 - how typer wants the default of a list
    decision: Annotated[
        str, typer.Option(help="Why the log says what it says: a decision id.", show_default=False)
    ] = "",
    argument: Arguments = [],  # noqa: B006
    at: At = "",
    acr: Acr = "",
    label: Labels = [],  # noqa: B006
    carries: Carries = [],  # noqa: B006
    sink: Sink = False,
    config: Config = None,
) -> None:
    """Say how a request is decided, by what, and what would change it."""
    from keepgate.compose import compiler_of, policy_of
    from keepgate.policy.explain import explain
    from keepgate.policy.question import Situation, question

    if decision and not principal:
        raise typer.Exit(recorded(decision, config))
    if decision or not resource:
        fail("give PRINCIPAL, ACTION and RESOURCE, or `--decision ID`", 2)
    with usage():
        situation = Situation(arguments_of(argument), moment(at) / 1e9 if at else time.time(), acr)
        flow = {"labels": sorted(label), "values": sorted(carries), "sink": sink}
        situation = replace(situation, flow=flow)
        request = situation.of(question([principal, *also], action, resource))
        loaded = Loaded.of(config)
        access = loaded.settings.access
        found = explain(access.roles, access.grants, request, compiler_of(loaded.settings))
        observed = policy_of(loaded.settings).decide(request).observed
    say(_told(loaded, request, found, observed=observed))


def _told(loaded: Loaded, request: Request, found: Explanation, *, observed: bool) -> Iterator[str]:
    from keepgate.policy.question import shown

    who = " with ".join(carried(request.principal))
    yield f"{found.decision.effect.name}: {who} {request.action} {shown(request.resource)}"
    if found.decision.reason:
        yield f"  {found.decision.reason}"
    yield from (f"  {error}" for error in found.decision.errors)
    if observed:
        yield "  but observe mode lets it through and only records that"
    if request.resource.server not in loaded.settings.servers:
        yield f"  note: no server `{request.resource.server}` is configured"
    yield "because"
    yield from _sources(loaded, found)
    yield from _held(loaded, found)
    yield "otherwise"
    yield from (f"  {line}" for line in _otherwise(found))


def _sources(loaded: Loaded, found: Explanation) -> Iterator[str]:
    for source in found.sources:
        verb = {"allow": "allows", "ask": "asks for", "deny": "denies"}[source.verb]
        under = " under its condition" if source.conditional else ""
        yield f"  role `{source.role}` {verb} `{source.pattern}`{under}  {loaded.where(*source.path)}"
    for rule, where in found.experts:
        yield f"  policy `{rule}`  {where}"
    if not (found.sources or found.experts):
        unmet = found.decision.shown and "  it is named, but under conditions that are not met"
        yield unmet or "  no role it holds names this: what no policy allows is denied"


def _held(loaded: Loaded, found: Explanation) -> Iterator[str]:
    for number, grant in found.held:
        said = "; ".join(
            f"{word} {text}" for word, text in (("reason:", grant.reason), ("owner:", grant.owner)) if text
        )
        place = loaded.where("access", "grants", number)
        yield f"  `{grant.to}` has role `{grant.role}`{f' ({said})' if said else ''}  {place}"
    if not found.held:
        yield "  no grant reaches it: it holds no role"


def _otherwise(found: Explanation) -> Iterator[str]:
    from keepgate.model.verdict import Effect

    written = ", ".join(
        f"`{source.verb}: {source.pattern}` of role `{source.role}`" for source in found.deciding
    )
    if found.otherwise is not None:
        yield f"without {written}: {found.otherwise.effect.name}"
    for role, effect in found.helpful:
        first = "without that, and " if found.deciding else ""
        yield f"{first}with role `{role}` granted to it: {effect.name}"
    if found.decision.effect is not Effect.DENY:
        yield "with a `deny` that names it, in any role it holds: DENY"
    elif not found.helpful and (found.otherwise is None or found.otherwise.effect is Effect.DENY):
        yield "no role that exists allows it: one must name it under `allow` or `ask`, and be granted"
