"""Source files together: read by language, analysed as one project each, with what was passed over."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import PurePath
from typing import Final

from keepgate.compose.scan.collect import Collected, Progress
from keepgate.compose.scan.part import ERROR, Part
from keepgate.model.scan import Coverage
from keepgate.scanner.detection import Detection
from keepgate.scanner.kinds import Kind, language_of
from keepgate.scanner.packages.osv import Advisories
from keepgate.scanner.source import besides, check
from keepgate.scanner.source.code import Unit
from keepgate.scanner.source.read import read
from keepgate.scanner.source.taint import Analysis

PATIENCE: Final = 60.0
"""Seconds for reading source; what is left then is said to be."""
FOLLOWING: Final = 60.0
"""Seconds more for following values through it."""
_TESTS: Final = frozenset(
    "test tests __tests__ spec specs testing e2e fixtures __mocks__ testdata example examples doc docs".split()
)


def sources(found: Collected, detection: Detection, _: Advisories, progress: Progress) -> Part:
    """The source files of all targets."""
    part = Part()
    units: list[Unit] = []
    passed: Counter[str] = Counter()
    started = time.monotonic()
    lines = 0
    for text in found.texts:
        if text.kind is not Kind.SOURCE:
            continue
        language = language_of(text.shown)
        why = _passed_over(text.shown, text.root, text.text)
        if not why and time.monotonic() - started > PATIENCE:
            why = f"no time left after {PATIENCE:.0f} s"
        if why:
            passed[why] += 1
            continue
        progress(f"reading {text.shown}")
        unit, why = None, ERROR
        with part.guarded(f"the syntax of {text.shown}"):
            unit, why = read(text.text, text.shown, language)
        if unit is None:
            passed[f"{language}: {why}"] += 1
            continue
        units.append(unit)
        lines += text.text.count("\n") + 1
        with part.guarded(f"what {text.shown} shows"):
            part.findings += besides.look(unit, text.text, detection)
    if units:
        progress(f"following values through {len(units)} files")
        with part.guarded("values followed through the source"):
            analysis = Analysis(units, lambda: time.monotonic() - started > PATIENCE + FOLLOWING)
            part.findings += check.judged(analysis)
            if not analysis.finished:
                part.coverage.append(
                    Coverage(
                        f"values followed to their end through {len(units)} source files",
                        checked=False,
                        why=f"no time left after {PATIENCE + FOLLOWING:.0f} s",
                    )
                )
        languages = ", ".join(
            f"{name} {number}" for name, number in Counter(u.language for u in units).most_common()
        )
        part.coverage.append(
            Coverage(f"{len(units)} source files with {lines} lines", checked=True, why=languages)
        )
        part.inventory.append(
            {
                "kind": "source",
                "files": len(units),
                "lines": lines,
                "tools": _tools(units),
                "hosts": besides.hosts(units),
            }
        )
    part.coverage += [
        Coverage(f"{number} source files", checked=False, why=why) for why, number in sorted(passed.items())
    ]
    return part


def _tools(units: list[Unit]) -> list[str]:
    return sorted(
        {function.tool for unit in units for function in unit.functions if function.handler and function.tool}
    )


def _passed_over(shown: str, root: str, text: str) -> str:
    """Why a file is not looked at; "" if it is."""
    inside = PurePath(shown).relative_to(root).parts[:-1] if root else ()
    name = PurePath(shown).name
    if (
        set(inside) & _TESTS
        or name.startswith("test_")
        or ".test." in name
        or ".spec." in name
        or name.endswith("_test.go")
    ):
        return "tests and examples"
    if name.endswith((".min.js", ".d.ts", ".d.mts", ".d.cts")):
        return "minified files and declarations"
    longest = max((len(line) for line in text[:200_000].split("\n")), default=0)
    return "bundled or minified (very long lines)" if longest > 20_000 else ""
