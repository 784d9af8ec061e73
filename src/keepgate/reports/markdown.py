"""Markdown, for comments and documents. Texts of outsiders stand in code spans that they cannot leave."""

from __future__ import annotations

from collections.abc import Iterator

from keepgate.model.scan import ScanFinding, ScanReport
from keepgate.reports.text import visible


def render(report: ScanReport) -> str:
    """The report as one document."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: ScanReport) -> Iterator[str]:
    yield "# keepgate scan"
    yield ""
    if report.findings:
        yield "| severity | what | where | evidence | what to do |"
        yield "|---|---|---|---|---|"
        yield from (_row(finding) for finding in report.findings)
    else:
        yield "No findings in what was checked."
    if report.suppressed:
        yield ""
        yield f"{len(report.suppressed)} findings are accepted by the baseline."
    if report.gaps:
        yield ""
        yield "## Not checked"
        yield ""
        yield from (f"- {code(gap.what)}: {code(gap.why)}" for gap in report.gaps)


def _row(finding: ScanFinding) -> str:
    more = f" and {len(finding.also)} more" if finding.also else ""
    cells = (
        finding.severity.name.lower(),
        f"{finding.title} ({code(finding.rule)}) in {code(finding.target)}",
        code(str(finding.location)) + more,
        code(finding.evidence) if finding.evidence else "",
        code(finding.fix) if finding.fix else "",
    )
    return f"| {' | '.join(cells)} |"


def code(text: str) -> str:
    """A code span of one line, whatever the text holds: no back-tick, bar or line end is left in it."""
    clean = visible(text).replace("`", "'").replace("|", "\u2223")
    return f"`{clean.strip() or ' '}`"
