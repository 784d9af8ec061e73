"""The test bed: server entries, tool sets, sources and packages, bad and good; and the scanner over them in one process."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from keepgate.clients.wide.read import read_text
from keepgate.clients.wide.servers import Source
from keepgate.compose.scan import collect, run
from keepgate.model.finding import Severity
from keepgate.model.scan import ScanFinding
from keepgate.scanner import entries
from keepgate.scanner.detection import Detection
from keepgate.scanner.packages.advisories import bundled

BEDS = Path(__file__).resolve().parents[1] / "beds"


@functools.cache
def detection() -> Detection:
    return Detection(run._detectors)


@functools.cache
def entry_bed() -> dict[str, dict[str, dict]]:
    return json.loads((BEDS / "entries" / "entries.json").read_text())


def scanned(config: object, name: str = "mcp.json") -> list[ScanFinding]:
    """The findings about a client's file with this content."""
    text = config if isinstance(config, str) else json.dumps(config, indent=2)
    from keepgate.clients.wide.dialects import dialect_of

    reading = read_text(text, Source("any", "project", name), dialect_of(name))
    read = entries.Entries(reading.servers, reading.settings, reading.oddities)
    return list(entries.findings(read, detection(), bundled()))


def grave(findings: list[ScanFinding]) -> list[ScanFinding]:
    return [each for each in findings if each.severity >= Severity.MEDIUM]


def looked(path: Path):
    """A whole scan of a file or directory."""
    return run.scan([path], run.Options())


__all__ = ["BEDS", "collect", "detection", "entry_bed", "grave", "looked", "scanned"]
