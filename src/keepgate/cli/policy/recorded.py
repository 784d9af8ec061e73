"""`keepgate policy why --decision`: what the log holds under a decision id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from keepgate.cli.policy.shared import Loaded, say, usage
from keepgate.cli.screen import fail, safe


def recorded(trace: str, path: Path | None) -> int:
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
        say(_record(record, log.who(record)))
        if record["rules"]:
            same = record["policy"] == now
            typer.echo("because" if same else "because, by a policy that has changed since")
            places = [(rule, known.get(rule, ())) for rule in record["rules"]]
            say(_rules(loaded, places, same=same))
    return 0


def _record(record: dict[str, Any], who: str) -> Iterator[str]:
    effect, reason = record["verdict"]["effect"].upper(), record["verdict"]["reason"]
    what = f"{record['server']}/{record['name']}" if record["name"] else record["server"]
    yield f"{effect}: {' '.join(filter(None, (who or 'keepgate', record['kind'], record['method'], what)))}"
    yield f"  {record['time']}{f'  {reason}' if reason else ''}"
    if "observed" in record["verdict"]:
        yield f"  observe mode let it through: policy said {record['verdict']['observed']}"
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
