"""Keeps what was measured, and writes it into docs/benchmarks.md between two markers."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import about, table, targets
from bench.load import Run
from bench.measure import Result
from bench.scenarios import SCENARIOS

KEPT = about.ROOT / ".cache" / "bench" / "results"
PAGE = about.ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def keep(result: Result, build: str, seconds: int) -> None:
    """The newest result of a scenario takes the place of the one before."""
    KEPT.mkdir(parents=True, exist_ok=True)
    facts = {
        "when": about.now(),
        "build": build,
        "machine": about.machine(),
        "versions": about.versions(),
        "seconds": seconds,
    }
    whole = asdict(result) | {"scenario": result.scenario.name, "facts": facts}
    (KEPT / f"{result.scenario.name}.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False))


def kept() -> dict[str, tuple[Result, dict[str, Any]]]:
    """What there is, with what it was measured on, in the order of the scenarios."""
    found = {}
    for name, scenario in SCENARIOS.items():
        file = KEPT / f"{name}.json"
        if file.exists():
            whole = json.loads(file.read_text())
            rounds = [{who: Run(**run) for who, run in each.items()} for each in whole["rounds"]]
            result = Result(scenario, rounds, whole["out"], whole["notes"], whole["loads"])
            found[name] = result, whole["facts"]
    return found


def section(result: Result, facts: Mapping[str, Any]) -> str:
    low, high = min(result.loads, default=0.0), max(result.loads, default=0.0)
    head = f"### {result.scenario.name}: {result.scenario.title}"
    seconds = facts["seconds"] * result.scenario.longer
    line = f"{facts['when']}, commit {facts['build']}, {len(result.rounds)} rounds of {seconds} s"
    parts = [head, f"{line}, load average {low:.1f} to {high:.1f}.", table.markdown(result)]
    if result.notes:
        notes = (f"{name}: {note}" for name, note in result.notes.items())
        parts.append(f"Records: {'. '.join(notes)}.")
    return "\n\n".join(parts)


def page() -> str:
    """The measured part."""
    found = kept()
    results = {name: result for name, (result, _) in found.items()}
    machines = sorted({facts["machine"] for _, facts in found.values()})
    used = sorted({facts["versions"] for _, facts in found.values()})
    absent = [name for name in SCENARIOS if name not in found]
    parts = [
        "Measured on " + "; ".join(machines) + ". " + "; ".join(used) + ".",
        "### Targets",
        targets.markdown(results),
        *(section(result, facts) for result, facts in found.values()),
        *([f"Not measured in this run: {', '.join(absent)}."] if absent else []),
    ]
    return "\n\n".join(parts)


def write(file: Path = PAGE) -> None:
    """Replace what stands between the markers."""
    before, begin, rest = file.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{file}: the markers are gone: {BEGIN} and {END}")
    file.write_text(f"{before}{BEGIN}\n\n{page()}\n\n{END}{after}")
