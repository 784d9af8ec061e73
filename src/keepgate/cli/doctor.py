"""`keepgate doctor`: looks at everything that can be wrong before a client notices, and says what to change."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keepgate.cli.screen import safe
from keepgate.model.errors import KeepgateError

if TYPE_CHECKING:
    from keepgate.config import Settings

FINE, WARN, FAIL = "ok", "warning", "fail"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at. `cure` says what to do unless the state is ok."""

    state: str
    what: str
    cure: str = ""


def doctor(path: Path | None) -> int:
    """Print every finding; 1 if anything failed, else 0."""
    failed = False
    for line in examine(path):
        failed = failed or line.state == FAIL
        print(f"{line.state:<8} {safe(line.what)}")
        if line.cure:
            print(f"         -> {safe(line.cure)}")
    return 1 if failed else 0


def examine(path: Path | None) -> Iterator[Line]:
    """Configuration, state directory, keys, log, inspection, sandbox, servers, in this order."""
    from keepgate import config

    try:
        settings = config.load(path, env=os.environ)
    except KeepgateError as error:
        yield Line(FAIL, str(error), "correct the configuration; docs/configuration.md describes every key")
        return
    yield Line(FINE, f"configuration {settings.file}")
    for warning in settings.warnings:
        yield Line(WARN, warning)
    yield from _state(settings.state)
    yield from _keys(settings)
    yield from _log(settings)
    yield _inspection(settings)
    yield from _sandbox(settings)
    yield from _servers(settings)


def _state(state: Path) -> Iterator[Line]:
    if not state.exists():
        yield Line(FINE, f"state directory {state} is made at the first start")
        return
    mode = state.stat().st_mode & 0o777
    if mode & 0o077:
        yield Line(
            FAIL, f"state directory {state} has mode {mode:o}: others may read it", f"chmod 700 {state}"
        )
    else:
        yield Line(FINE, f"state directory {state}")


def _keys(settings: Settings) -> Iterator[Line]:
    from keepgate.stores.keys import JsonKeyStore

    try:
        keys = JsonKeyStore(settings.state).read()
    except KeepgateError as error:
        yield Line(FAIL, str(error))
        return
    now = time.time()
    live = [key for key in keys if key.live(now)]
    if not live and not settings.identity.anonymous:
        yield Line(WARN, "no API key is live: no HTTP client can connect", "keepgate keys create NAME")
    else:
        yield Line(FINE, f"{len(live)} live API keys")
    for key in live:
        if key.expires is not None and key.expires - now < 7 * 86_400:
            yield Line(WARN, f"key `{key.name}` expires within a week", f"keepgate keys rotate {key.name}")


def _log(settings: Settings) -> Iterator[Line]:
    from keepgate.stores.audit import load_kek
    from keepgate.stores.audit.kek import FILE, VARIABLE
    from keepgate.stores.audit.reading import verify

    try:
        if VARIABLE in os.environ or (settings.state / FILE).exists():
            load_kek(settings.state, os.environ, create_file=False)
        reports = verify(settings.state)
    except (KeepgateError, OSError) as error:
        yield Line(FAIL, f"audit log: {error}", "see docs/audit.md")
        return
    if VARIABLE not in os.environ:
        yield Line(
            WARN,
            "protection of a stolen disk: failed, the master key lies in a file beside the data",
            f"keep it elsewhere and give it as ${VARIABLE}",
        )
    for report in reports:
        state = {"pass": FINE, "unknown": WARN}.get(report.status, FAIL)
        what = f"audit log {report.writer}: {report.records} records, {report.unsigned} not signed yet"
        problems = "; ".join(report.failed or report.unknown)
        yield Line(state, f"{what}: {problems}" if problems else what)


def _inspection(settings: Settings) -> Line:
    from keepgate.detect.matcher import available
    from keepgate.detect.rules import RULES

    if not settings.content.inspect:
        return Line(WARN, "what messages say is not inspected", "set `content.inspect` to true")
    matcher = "Hyperscan" if available() else "RE2"
    return Line(FINE, f"inspection `{settings.content.profile}`: {len(RULES)} rules, by {matcher}")


def _sandbox(settings: Settings) -> Iterator[Line]:
    from keepgate.compose.sandbox import notes, outcomes_of

    for outcome in outcomes_of(settings, fresh=True):
        cure = "" if outcome.holds else "see docs/sandbox.md"
        yield Line(FINE if outcome.holds else WARN, f"sandbox: {outcome}", cure)
    for note in notes(settings):
        yield Line(WARN, note, "see docs/sandbox.md")


def _servers(settings: Settings) -> Iterator[Line]:
    from keepgate.compose import list_servers
    from keepgate.compose.vetting import refused_of

    if not settings.servers:
        yield Line(WARN, "no server is configured", "keepgate up finds the servers your clients use")
        return
    answers = list_servers(settings)
    for name, found in answers.items():
        if isinstance(found, KeepgateError):
            yield Line(FAIL, f"server {name}: {found}")
        else:
            yield Line(
                FINE,
                f"server {name}: {found.server or 'unnamed'}, {found.revision}, {len(found.tools)} tools",
            )
            for tool, why in found.unusable:
                cure = "tell its maker; `schemas.unusable` says what follows"
                yield Line(WARN, f"server {name}: tool `{tool}` cannot be checked: {why}", cure)
    for what in refused_of(settings, answers):
        thing = what.kind if not what.name else f"{what.kind} `{what.name[:200]}`"
        cure = "tell its maker, or see `content.servers` in docs/content.md if you trust it"
        yield Line(WARN, f"server {what.server}: {thing} is withheld: {what.why}", cure)
