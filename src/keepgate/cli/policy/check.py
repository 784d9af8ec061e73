"""`keepgate policy check`: rules that cannot be meant."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepgate.cli.keys import Config
from keepgate.cli.policy.shared import Loaded, say
from keepgate.cli.screen import fail, safe
from keepgate.model.errors import ConfigError

if TYPE_CHECKING:
    from keepgate.config import Settings
    from keepgate.policy.lint import Finding


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
    marks, mild = loaded.tree.marks, list(remarks.observed(loaded.settings))
    found = [remark for remark in found if remark not in mild]
    found.sort(key=lambda finding: marks.get(finding[0], (0, 0)))
    say(f"{loaded.where(*path)}: {text}" for path, text in found)
    say(f"{loaded.where(*path)}: note: {text}" for path, text in mild)
    sizes = f"{len(access.roles)} roles, {len(access.grants)} grants"
    typer.echo(f"{len(found) or 'no'} finding{'' if len(found) == 1 else 's'}: {sizes}")
    raise typer.Exit(1 if found else 0)


def _against_what_is(settings: Settings) -> Iterator[Finding]:
    from keepgate.cli.policy.names import resources
    from keepgate.compose import list_servers
    from keepgate.model.errors import KeepgateError
    from keepgate.policy.lint import unmatched
    from keepgate.stores.keys import JsonKeyStore

    listed, templates, unasked = {}, set(), set()
    declared: dict[str, dict[str, Any]] = {}
    for server, answer in list_servers(settings).items():
        if isinstance(answer, KeepgateError):
            unasked.add(server)
            yield ("servers", server), f"server `{server}` cannot be listed: {answer}"
            continue
        listed[server] = resources(server, answer)
        tools = answer.definitions.get("tools/list", ())
        declared[server] = {tool["name"]: tool.get("inputSchema") for tool in tools}
        if any("{" in uri for uri in answer.resources):
            templates.add(server)
    yield from unmatched(settings.access.roles, listed, unasked=unasked, templates=templates)
    yield from _misread(settings, declared)
    now = time.time()
    live = {f"key:{key.name}" for key in JsonKeyStore(settings.state).read() if key.live(now)}
    for number, grant in enumerate(settings.access.grants):
        if grant.to.startswith("key:") and grant.to not in live:
            yield ("access", "grants", number, "to"), f"`{grant.to}` matches nobody: no such key is live"


def _misread(settings: Settings, declared: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    """Conditions that no listed tool can meet, where they are written."""
    from keepgate.compose import compiler_of
    from keepgate.policy.explain import sources
    from keepgate.policy.live import misread

    written = sources(settings.access.roles)
    engine = compiler_of(settings)(settings.access.roles, settings.access.grants)
    for rule, text in misread(engine.rules, declared):
        places = [source.path for source in written.get(rule.id, ())]
        for place in places or [("access", "policies")]:
            yield place, f"`{rule.id}`: {text}" if places else f"{rule.where}: `{rule.id}`: {text}"
