"""`keepgate policy`: ask the policy instead of guessing (docs/policy.md).

Exit codes: 0 fine, 1 something was found, 2 wrong usage or a file that cannot be read. Names come from outside: what is
printed is escaped.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepgate.cli.audit import Format
from keepgate.cli.keys import Config
from keepgate.cli.screen import fail, safe
from keepgate.model.errors import ConfigError

if TYPE_CHECKING:
    from keepgate.config import Settings
    from keepgate.config.tree import Tree
    from keepgate.model.access import Principal, Request
    from keepgate.policy.cases import Failure
    from keepgate.policy.diff import Change
    from keepgate.policy.explain import Explanation
    from keepgate.policy.lint import Finding

app = typer.Typer(
    no_args_is_help=True, help="Ask the policy: why it decides so, and whether it says what is meant."
)

Format_ = Annotated[Format, typer.Option("--format", help="A table, or JSON.")]

With = Annotated[
    list[str],
    typer.Option(
        "--with",
        metavar="NAME",
        help="What else it carries, as `group:devs`. May be repeated.",
        show_default=False,
    ),
]


@contextmanager
def usage() -> Iterator[None]:
    """What is wrong with the words or files that were given ends the command with exit code 2."""
    try:
        yield
    except (ConfigError, ValueError) as error:
        fail(safe(str(error)), 2)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and where everything in it stands."""

    settings: Settings
    tree: Tree

    @classmethod
    def of(cls, path: Path | None) -> Loaded:
        """Raises ConfigError."""
        from keepgate import config

        settings = config.load(path, env=os.environ)
        return cls(settings, config.read_tree(settings.file))

    def where(self, *path: str | int) -> str:
        """`file:line:column`."""
        return self.tree.where(path)


@app.command()
def check(
    live: Annotated[
        bool, typer.Option("--live", help="Also against what the servers list, and the keys there are.")
    ] = False,
    config: Config = None,
) -> None:
    """Look for rules that cannot be meant: shadowed, written twice, without effect, matching nothing."""
    from keepgate.compose import policy_of
    from keepgate.config import check as remarks
    from keepgate.policy.lint import findings

    try:
        loaded = Loaded.of(config)
        policy_of(loaded.settings)
    except ConfigError as error:
        # A mistake with a place, or one that Cedar found, is what was looked for; a file that is not there is not.
        fail(safe(str(error)), 1 if error.where or error.code == "policy" else 2)
    access = loaded.settings.access
    found = [remark for remark in remarks.warnings(loaded.settings) if remark[0][0] == "access"]
    found += findings(access.roles, access.grants)
    if live:
        found += _against_what_is(loaded.settings)
    marks = loaded.tree.marks
    found.sort(key=lambda finding: marks.get(finding[0], (0, 0)))
    _print(f"{loaded.where(*path)}: {text}" for path, text in found)
    sizes = f"{len(access.roles)} roles, {len(access.grants)} grants"
    typer.echo(f"{len(found) or 'no'} finding{'' if len(found) == 1 else 's'}: {sizes}")
    raise typer.Exit(1 if found else 0)


def _against_what_is(settings: Settings) -> Iterator[Finding]:
    from keepgate.cli.policy_names import resources
    from keepgate.compose import list_servers
    from keepgate.model.errors import KeepgateError
    from keepgate.policy.lint import unmatched
    from keepgate.stores.keys import JsonKeyStore

    listed, templates, unasked = {}, set(), set()
    for server, answer in list_servers(settings).items():
        if isinstance(answer, KeepgateError):
            unasked.add(server)
            yield ("servers", server), f"server `{server}` cannot be listed: {answer}"
            continue
        listed[server] = resources(server, answer)
        if any("{" in uri for uri in answer.resources):
            templates.add(server)
    yield from unmatched(settings.access.roles, listed, unasked=unasked, templates=templates)
    now = time.time()
    live = {f"key:{key.name}" for key in JsonKeyStore(settings.state).read() if key.live(now)}
    for number, grant in enumerate(settings.access.grants):
        if grant.to.startswith("key:") and grant.to not in live:
            yield ("access", "grants", number, "to"), f"`{grant.to}` matches nobody: no such key is live"


@app.command()
def why(
    principal: Annotated[str, typer.Argument(help="As in a grant: `key:cursor`.", show_default=False)] = "",
    action: Annotated[str, typer.Argument(help="`call_tool`, `read_resource`, ...", show_default=False)] = "",
    resource: Annotated[str, typer.Argument(help="`files/read_file`.", show_default=False)] = "",
    also: With = [],  # noqa: B006 - how typer wants the default of a list
    decision: Annotated[
        str, typer.Option(help="Why the log says what it says: a decision id.", show_default=False)
    ] = "",
    config: Config = None,
) -> None:
    """Say how a request is decided, by what, and what would change it."""
    from keepgate.policy.explain import explain
    from keepgate.policy.question import question

    if decision and not principal:
        raise typer.Exit(_recorded(decision, config))
    if decision or not resource:
        fail("give PRINCIPAL, ACTION and RESOURCE, or `--decision ID`", 2)
    with usage():
        request = question([principal, *also], action, resource)
        loaded = Loaded.of(config)
        access = loaded.settings.access
        found = explain(access.roles, access.grants, request)
    _print(_told(loaded, request, found))


@app.command("test")
def hold(
    file: Annotated[Path, typer.Argument(help="The cases (docs/policy.md).", show_default=False)],
    config: Config = None,
) -> None:
    """Hold the policy against cases: who may do what. Exit code 1 if it answers one of them otherwise."""
    from keepgate.compose import policy_of
    from keepgate.config.cases import read_cases
    from keepgate.policy.cases import failures

    with usage():
        cases = read_cases(file)
        engine = policy_of(Loaded.of(config).settings)
    failed = list(failures(engine, cases))
    if failed:
        _table(("CASE", "WHO", "ACTION", "WHAT", "EXPECTED", "DECIDED", "BY"), map(_failure, failed))
    typer.echo(f"{len(failed)} of {len(cases)} cases failed" if failed else f"{len(cases)} cases passed")
    raise typer.Exit(1 if failed else 0)


@app.command()
def diff(  # noqa: PLR0917 - each is an option
    old: Annotated[Path, typer.Argument(help="A configuration.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="The one that shall replace it.", show_default=False)],
    resource: Annotated[
        list[str],
        typer.Option(
            metavar="NAME", help="Compare `files/read_file` as well. May be repeated.", show_default=False
        ),
    ] = [],  # noqa: B006 - how typer wants the default of a list
    names: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Such names, one a line.", show_default=False)
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Ask the servers what they have.")] = False,
    principal: Annotated[
        list[str],
        typer.Option(
            metavar="NAMES",
            help="A principal as well: its names, with blanks between. May be repeated.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    format_: Format_ = Format.TABLE,
) -> None:
    """Say who gains and who loses what, from one configuration to another. Exit code 1 if anybody does."""
    from keepgate.cli.policy_names import listed_by, read_names
    from keepgate.compose import policy_of
    from keepgate.policy.diff import changes, named, spelled_out
    from keepgate.policy.question import listed, shown, subject

    with usage():
        before, after = Loaded.of(old).settings, Loaded.of(new).settings
        told = [*resource, *(read_names(names) if names else ())]
        things = spelled_out([*before.access.roles.values(), *after.access.roles.values()])
        things |= {listed(text) for text in told}
        if live:
            things |= listed_by(before, after)
        who = [[name] for name in named((*before.access.grants, *after.access.grants))]
        people = [subject(each) for each in (*who, *map(str.split, principal))]
        compared = changes(policy_of(before), policy_of(after), people, sorted(things, key=shown))
    if not things:
        fail("there is nothing to compare: give `--live`, `--resource` or `--names`", 2)
    found = list(compared)
    if format_ is Format.JSON:
        typer.echo(json.dumps([_shape(change) for change in found], indent=2))
    else:
        if found:
            _table(("CHANGE", "WHO", "ACTION", "WHAT", "BEFORE", "AFTER"), map(_change, found))
        gains = sum(change.gains for change in found)
        typer.echo(
            f"{gains} gained, {len(found) - gains} lost: {len(people)} principals, {len(things)} names"
        )
    raise typer.Exit(1 if found else 0)


def _shape(change: Change) -> dict[str, Any]:
    from keepgate.policy.question import shown

    return {
        "change": "gains" if change.gains else "loses",
        "principal": list(change.principal.grantees),
        "action": str(change.action),
        "resource": shown(change.resource),
        "before": change.before.name.lower(),
        "after": change.after.name.lower(),
    }


def _change(change: Change) -> tuple[str, ...]:
    shape = _shape(change) | {"principal": " with ".join(_carried(change.principal))}
    return tuple(shape.values())


def _failure(failure: Failure) -> tuple[str, ...]:
    from keepgate.policy.question import shown

    case, decision = failure.case, failure.decision
    by = ", ".join(decision.rules) or "; ".join(decision.errors) or decision.reason
    return (
        f"{case.where}{f' ({case.note})' if case.note else ''}",
        " with ".join(_carried(case.request.principal)),
        str(case.request.action),
        shown(case.request.resource),
        case.expect.name.lower(),
        decision.effect.name.lower(),
        by,
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print cells in columns, each cut to a length that one can read."""
    cells = [head, *([safe(cell.replace("\n", "\\n"), 200) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(safe(line.replace("\n", "\\n")))


def _told(loaded: Loaded, request: Request, found: Explanation) -> Iterator[str]:
    from keepgate.policy.question import shown

    who = " with ".join(_carried(request.principal))
    yield f"{found.decision.effect.name}: {who} {request.action} {shown(request.resource)}"
    if found.decision.reason:
        yield f"  {found.decision.reason}"
    yield from (f"  {error}" for error in found.decision.errors)
    if request.resource.server not in loaded.settings.servers:
        yield f"  note: no server `{request.resource.server}` is configured"
    yield "because"
    yield from _sources(loaded, found)
    yield from _held(loaded, found)
    yield "otherwise"
    yield from (f"  {line}" for line in _otherwise(found))


def _carried(principal: Principal) -> Iterator[str]:
    first, *rest = principal.grantees
    yield first
    if rest:
        yield ", ".join(rest)


def _sources(loaded: Loaded, found: Explanation) -> Iterator[str]:
    for source in found.sources:
        verb = {"allow": "allows", "ask": "asks for", "deny": "denies"}[source.verb]
        yield f"  role `{source.role}` {verb} `{source.pattern}`  {loaded.where(*source.path)}"
    if not found.sources:
        yield "  no role it holds names this: what no policy allows is denied"


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


def _recorded(trace: str, path: Path | None) -> int:
    """Print what the log holds under a decision id; 1 if there is nothing."""
    from keepgate.cli.audit import open_log
    from keepgate.policy.explain import sources
    from keepgate.stores.audit.index import Filter

    with usage():
        loaded = Loaded.of(path)
    log = open_log(path)
    log.index.catch_up()
    records = [record for _, record in log.index.query(Filter(trace=trace), limit=1000)]
    if not records:
        fail(f"nothing is recorded under `{safe(trace)}`")
    from keepgate.compose import policy_of

    now, known = policy_of(loaded.settings).hash, sources(loaded.settings.access.roles)
    for record in records:
        _print(_record(record, log.who(record)))
        if record["rules"]:
            same = record["policy"] == now
            typer.echo("because" if same else "because, by a policy that has changed since")
            places = [(rule, known.get(rule, ())) for rule in record["rules"]]
            _print(_rules(loaded, places, same=same))
    return 0


def _record(record: dict[str, Any], who: str) -> Iterator[str]:
    effect, reason = record["verdict"]["effect"].upper(), record["verdict"]["reason"]
    what = f"{record['server']}/{record['name']}" if record["name"] else record["server"]
    yield f"{effect}: {' '.join(filter(None, (who or 'keepgate', record['kind'], record['method'], what)))}"
    yield f"  {record['time']}{f'  {reason}' if reason else ''}"
    if record["findings"]:
        yield f"  found: {', '.join(record['findings'])}"


def _rules(loaded: Loaded, places: list[tuple[str, Any]], *, same: bool) -> Iterator[str]:
    for rule, found in places:
        for source in found:
            yield f"  {rule}  {loaded.where(*source.path)}"
        if not found:
            # Limits and checks are named where rules of policy are, without a colon.
            gone = ":" in rule and not same
            yield f"  {rule}  no longer in the policy" if gone else f"  {rule}"
