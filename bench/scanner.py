"""How much the scanner finds of its own test beds, and what it flags by mistake: `python -m bench.scanner`.

The beds are ours and were in sight while the rules were written, so these are numbers for regressions and not for
quality: that is judged on others.
"""

from __future__ import annotations

import json
import time

from keepgate.clients.wide.read import read_text
from keepgate.clients.wide.servers import Source
from keepgate.compose.scan.run import _detectors
from keepgate.model.finding import Severity
from keepgate.scanner import entries
from keepgate.scanner.detection import Detection
from keepgate.scanner.packages.advisories import bundled
from keepgate.scanner.source import besides, check
from keepgate.scanner.source.read import read
from keepgate.scanner.tools import check as tools
from keepgate.scanner.tools import listing
from tests.scanner.beds import BEDS
from tests.scanner.test_source import SUFFIX

DETECTION = Detection(_detectors)


def grave(findings):
    return any(finding.severity >= Severity.MEDIUM for finding in findings)


def of_entry(name, entry):
    reading = read_text(json.dumps({"mcpServers": {name: entry}}), Source("any", "project", "f"), "json")
    return grave(
        entries.findings(
            entries.Entries(reading.servers, reading.settings, reading.oddities), DETECTION, bundled()
        )
    )


def of_tools(name, value):
    found = listing.read(json.dumps(value), name)
    return found is not None and grave(tools.look(found, "f", DETECTION))


def of_source(language, code):
    unit, _ = read(code, f"x{SUFFIX[language]}", language)
    return unit is not None and grave([*check.look([unit]), *besides.look(unit, code, DETECTION)])


def rows():
    bed = json.loads((BEDS / "entries" / "entries.json").read_text())
    yield (
        "server entries",
        [of_entry(n, r["entry"]) for n, r in bed["bad"].items()],
        [of_entry(n, r["entry"]) for n, r in bed["good"].items()],
    )
    sets = json.loads((BEDS / "tools" / "tools.json").read_text())
    yield (
        "tool sets",
        [of_tools(*each) for each in sets["poisoned"].items()],
        [of_tools(*each) for each in sets["benign"].items()],
    )
    for path in sorted((BEDS / "source").glob("*.txt")):
        pairs = [
            case.partition("\n")[2].partition("--- good\n")[::2]
            for case in path.read_text().split("### ")[1:]
        ]
        yield (
            f"source: {path.stem}",
            [of_source(path.stem, bad) for bad, _ in pairs],
            [of_source(path.stem, good) for _, good in pairs],
        )


def main():
    print("| bed | found | flagged by mistake | seconds |\n|---|---|---|---|")
    started = time.perf_counter()
    for name, bad, good in rows():
        now = time.perf_counter()
        print(f"| {name} | {sum(bad)} of {len(bad)} | {sum(good)} of {len(good)} | {now - started:.2f} |")
        started = now


if __name__ == "__main__":
    main()
