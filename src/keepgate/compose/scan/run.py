"""One scan from targets to a report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from keepgate.clients.formats import Machine
from keepgate.compose.scan import collect
from keepgate.compose.scan.archives import opened
from keepgate.compose.scan.collect import Collected, Progress
from keepgate.compose.scan.masking import Mask
from keepgate.compose.scan.part import Part, failed
from keepgate.compose.scan.sources import sources
from keepgate.detect.detector import Detector
from keepgate.model.errors import ConfigError
from keepgate.model.scan import Coverage, ScanReport
from keepgate.scanner import baseline, entries
from keepgate.scanner.detection import Detection
from keepgate.scanner.kinds import Kind
from keepgate.scanner.merge import merged
from keepgate.scanner.packages.advisories import bundled, from_dump
from keepgate.scanner.packages.osv import Advisories


def _quiet(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Options:
    """What a scan is told."""

    baseline: Path | None = None
    advisories: tuple[Path, ...] = ()
    today: date = field(default_factory=date.today)
    progress: Progress = _quiet
    home: Path | None = None


def scan(targets: Sequence[Path], options: Options) -> ScanReport | None:
    """Look at these targets, or at this machine; None if there is nothing to look at. Raises ConfigError."""
    found = Collected()
    for path in targets:
        if not path.exists():
            raise ConfigError(f"there is no `{path}`", where=str(path))
        if not collect.target(found, path, options.progress):
            found.coverage.append(Coverage(str(path), checked=False, why="nothing in it that is known here"))
    if not targets:
        collect.machine(found, this_machine(options.home), options.progress)
    if not (found.files or found.texts or found.archives):
        return None
    report = examined(found, options)
    if options.baseline is not None and options.baseline.exists():
        accepted = baseline.parse(options.baseline.read_bytes(), str(options.baseline))
        report = baseline.applied(report, accepted, options.today)
    return report


def examined(found: Collected, options: Options) -> ScanReport:
    """Everything that was read, through every check."""
    detection, advisories = Detection(_detectors), known(options.advisories)
    unpacked = opened(found, options.progress)
    found.coverage += unpacked.coverage
    read = entries.Entries(tuple(found.servers), tuple(found.settings), tuple(found.oddities))
    options.progress("checking configurations")
    findings = list(unpacked.findings)
    findings += entries.findings(
        read, detection, advisories, lambda what, error: found.coverage.append(failed(what, error))
    )
    inventory: list[Any] = list(entries.inventory(read.servers))
    components = list(entries.components(read.servers))
    for step in _STEPS:
        part = step(found, detection, advisories, options.progress)
        findings += part.findings
        inventory += part.inventory
        components += part.components
        found.coverage += part.coverage
    coverage = (*found.coverage, *_coverage(found, advisories))
    mask = Mask(detection)
    return ScanReport(
        merged(mask.findings(findings)),
        tuple(each if each["kind"] == "source" else mask.value(each) for each in inventory),
        coverage,
        tuple(mask.components(components)),
    )


def _instructions(found: Collected, detection: Detection, _: Advisories, progress: Progress) -> Part:
    from keepgate.scanner.instructions import look

    part = Part()
    for text in found.texts:
        if text.kind is Kind.INSTRUCTIONS:
            progress(f"checking {text.shown}")
            with part.guarded(f"the text {text.shown}"):
                part.findings += look(text.shown, text.text, detection)
            part.inventory.append({"kind": "instructions", "file": text.shown})
    return part


def _listings(found: Collected, detection: Detection, _: Advisories, progress: Progress) -> Part:
    from keepgate.scanner.tools import check, flow, listing

    part = Part()
    for text in found.texts:
        if text.kind is not Kind.LISTING:
            continue
        progress(f"checking {text.shown}")
        with part.guarded(f"the listing {text.shown}"):
            read = listing.read(text.text, Path(text.shown).stem)
            if read is None:
                part.coverage.append(
                    Coverage(f"the listing {text.shown}", checked=False, why="no tools were found in it")
                )
                continue
            part.findings += check.look(read, text.shown, detection)
            part.findings += flow.look(read, text.shown)
            part.inventory += flow.inventory(read.sets, text.shown)
    return part


def _manifests(found: Collected, _: Detection, advisories: Advisories, progress: Progress) -> Part:
    from keepgate.scanner.packages import check, manifest

    part = Part()
    for text in found.texts:
        if text.kind is not Kind.MANIFEST:
            continue
        progress(f"checking {text.shown}")
        with part.guarded(f"the manifest {text.shown}"):
            declared = manifest.read(text.text, text.shown)
            part.findings += declared.findings
            part.components += declared.components
            for use in declared.uses:
                part.findings += check.check(use, advisories)
            why = declared.why or f"{len(declared.uses)} packages"
            part.coverage.append(Coverage(f"the manifest {text.shown}", checked=not declared.why, why=why))
    return part


Step = Callable[[Collected, Detection, Advisories, Progress], Part]
_STEPS: tuple[Step, ...] = (_instructions, _listings, _manifests, sources)


def _coverage(found: Collected, advisories: Advisories) -> Iterator[Coverage]:
    if found.files:
        yield Coverage(f"{found.files} configuration files with {len(found.servers)} servers", checked=True)
    if found.servers:
        yield Coverage(
            "what the servers offer (tools, prompts, resources)",
            checked=False,
            why="no server is started or contacted",
        )
        yield Coverage(
            "the source of the servers' packages",
            checked=False,
            why="not fetched: `keepgate vet PACKAGE` does",
        )
    yield Coverage(
        "advisories",
        checked=True,
        why=f"the set of {advisories.date} that came with keepgate; nothing was asked online",
    )


def known(more: Sequence[Path]) -> Advisories:
    """The bundled set, and what OSV dumps add. Raises LocalError."""
    base = bundled()
    advisories = Advisories(base.date, {package: list(found) for package, found in base.by_package.items()})
    for path in more:
        for package, found in from_dump(path.read_bytes()).by_package.items():
            advisories.by_package.setdefault(package, []).extend(found)
    return advisories


def _detectors() -> Sequence[Detector]:
    from keepgate.config.inspection import detectors

    return detectors("re2")  # a scan is over before Hyperscan had compiled


def this_machine(home: Path | None = None) -> Machine:
    """Whose files are looked at."""
    return Machine(home or Path.home(), sys.platform, Path.cwd(), dict(os.environ) if home is None else {})
