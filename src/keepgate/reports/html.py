"""HTML: one page without scripts, styles of others or anything loaded; every text is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Final

from keepgate.model.scan import ScanFinding, ScanReport
from keepgate.reports.text import visible

_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>keepgate scan</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #d0d7de}
code{font:13px ui-monospace,monospace;word-break:break-word;background:#f6f8fa;padding:.1rem .2rem}
.critical,.high{color:#a40e26;font-weight:600}.medium{color:#8a5300;font-weight:600}.low,.info{color:#57606a}
</style></head><body><h1>keepgate scan</h1>
"""


def render(report: ScanReport) -> str:
    """The report as one page."""
    return _HEAD + "\n".join(_body(report)) + "\n</body></html>\n"


def _body(report: ScanReport) -> Iterator[str]:
    if report.findings:
        yield "<table><thead><tr><th>severity</th><th>what</th><th>where</th><th>what to do</th></tr></thead><tbody>"
        yield from (_row(finding) for finding in report.findings)
        yield "</tbody></table>"
    else:
        yield "<p>No findings in what was checked.</p>"
    if report.suppressed:
        yield f"<p>{len(report.suppressed)} findings are accepted by the baseline.</p>"
    if report.gaps:
        yield "<h2>Not checked</h2><ul>"
        yield from (f"<li>{escape(gap.what)}: {escape(gap.why)}</li>" for gap in report.gaps)
        yield "</ul>"
    servers = [each for each in report.inventory if each.get("kind") == "server"]
    if servers:
        yield "<h2>Servers</h2><table><thead><tr><th>name</th><th>client</th>"
        yield "<th>started by</th><th>publisher</th></tr></thead><tbody>"
        for each in servers:
            cells = (each["name"], each["client"], each["command"] or each["url"], each["tier"])
            yield "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"
        yield "</tbody></table>"


def _row(finding: ScanFinding) -> str:
    name = finding.severity.name.lower()
    places = "<br>".join(
        f"<code>{escape(str(each))}</code>" for each in (finding.location, *finding.also[:10])
    )
    evidence = f"<br><code>{escape(finding.evidence)}</code>" if finding.evidence else ""
    return (
        f'<tr><td class="{name}">{name}</td><td>{escape(finding.title)}<br><code>{escape(finding.rule)}</code> '
        f"in <code>{escape(finding.target)}</code>{evidence}</td><td>{places}</td><td>{escape(finding.fix)}</td></tr>"
    )


def escape(text: str) -> str:
    """Text for any place in the page."""
    return html.escape(visible(text), quote=True)
