"""The terminal: calm, worst first, one paragraph a cause, with what to do. No text of an outsider reaches it raw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from keepgate.model.finding import Severity
from keepgate.model.scan import ScanFinding, ScanReport
from keepgate.reports.text import visible

_COLOURS: Final = {
    Severity.INFO: "2", Severity.LOW: "36", Severity.MEDIUM: "33", Severity.HIGH: "31", Severity.CRITICAL: "1;31",
}  # fmt: skip
_MOST_PLACES: Final = 3
_MOST_TARGETS: Final = 4


def render(report: ScanReport, *, colour: bool = False, verbose: bool = False) -> str:
    """The report as text."""
    lines = [
        *_findings(report, colour=colour, verbose=verbose),
        *_inventory(report),
        *_coverage(report, verbose=verbose),
        _summary(report),
    ]
    return "\n".join(lines) + "\n"


def _findings(report: ScanReport, *, colour: bool, verbose: bool) -> Iterator[str]:
    shown = [finding for finding in report.findings if verbose or finding.severity > Severity.INFO]
    key = lambda finding: (finding.severity, finding.rule)  # noqa: E731
    ordered = sorted(shown, key=lambda finding: (-finding.severity, finding.rule))
    for (severity, rule), group in groupby(ordered, key=key):
        alike = list(group)
        name = severity.name.lower()
        yield f"{_paint(name, severity, colour=colour)}  {safe(alike[0].title)}  [{rule}]"
        if len(alike) > _MOST_TARGETS and severity <= Severity.LOW and not verbose:
            yield f"    {len(alike)} times: {', '.join(_named(each) for each in alike[:_MOST_TARGETS])}, …"
        else:
            for finding in alike:
                yield from _one(finding)
        for fix in dict.fromkeys(finding.fix for finding in alike[:20]):
            yield f"    do: {safe(fix)}"
        yield ""


def _one(finding: ScanFinding) -> Iterator[str]:
    yield f"    {safe(str(finding.location))}  {safe(finding.target)}"
    if finding.evidence:
        yield f"        {safe(finding.evidence)}"
    places = [safe(str(each)) for each in finding.also[:_MOST_PLACES]]
    more = len(finding.also) - len(places)
    if places:
        yield f"        also: {', '.join(places)}{f' and {more} more' if more > 0 else ''}"


def _named(finding: ScanFinding) -> str:
    return safe(finding.target.partition(":")[2] or finding.target)


def _inventory(report: ScanReport) -> Iterator[str]:
    servers = [each for each in report.inventory if each.get("kind") == "server"]
    if not servers:
        return
    clients = Counter(str(each.get("client")) for each in servers)
    tiers = Counter(str(each.get("tier")) for each in servers)
    told = ", ".join(f"{safe(name)} {n}" for name, n in clients.most_common())
    yield f"{len(servers)} servers of {len(clients)} clients ({told})"
    yield f"published by: {', '.join(f'{name} {n}' for name, n in tiers.most_common())}"
    yield ""


def _coverage(report: ScanReport, *, verbose: bool) -> Iterator[str]:
    if report.gaps:
        yield "not checked:"
        shown = report.gaps if verbose else report.gaps[:12]
        for gap in shown:
            yield f"    {safe(gap.what)}: {safe(gap.why)}"
        if len(shown) < len(report.gaps):
            yield f"    and {len(report.gaps) - len(shown)} more (--verbose)"
        yield ""


def _summary(report: ScanReport) -> str:
    counts = Counter(finding.severity for finding in report.findings)
    told = [
        f"{counts[severity]} {severity.name.lower()}" for severity in reversed(Severity) if counts[severity]
    ]
    text = ", ".join(told) if told else "no findings in what was checked"
    accepted = f"; {len(report.suppressed)} accepted by the baseline" if report.suppressed else ""
    gaps = f"; {len(report.gaps)} checks not made" if report.gaps else ""
    return f"{text}{accepted}{gaps}"


def _paint(text: str, severity: Severity, *, colour: bool) -> str:
    return f"\x1b[{_COLOURS[severity]}m{text}\x1b[0m" if colour else text


def safe(text: str) -> str:
    """A text of an outsider, of a bearable length."""
    return visible(text[:2000])
