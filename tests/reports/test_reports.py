"""Every form of the report: valid, complete, and no text of an outsider does anything in it."""

import json
from html.parser import HTMLParser
from pathlib import Path

import jsonschema_rs
import pytest

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import Component, Coverage, Location, ScanFinding, ScanReport
from keepgate.reports import cyclonedx, html, markdown, sarif, terminal
from keepgate.reports import json as json_report

NASTY = "\x1b[2J\x1b]0;owned\x07<script>alert(1)</script> `|` \u202egnp\n# head\r](http://e) \ud800 \"'"


def finding(severity=Severity.HIGH, **changed):
    told = {
        "rule": "config.inline-code", "severity": severity, "confidence": Confidence.LIKELY, "title": "an interpreter runs code",
        "target": "server:a", "location": Location("/home/ada/a b.json", 3, 7), "evidence": "-c", "fix": "put it into a file",
        "taxonomy": ("OWASP-MCP05", "CWE-78"),
    }  # fmt: skip
    return ScanFinding(**{**told, **changed})


REPORT = ScanReport(
    (finding(), finding(Severity.LOW, rule="package.unpinned", also=(Location("b.json", 1, 1),))),
    ({"kind": "server", "name": "a", "client": "cursor", "command": "npx", "url": "", "tier": "official"},),
    (Coverage("tools", checked=False, why="no server is started"), Coverage("files", checked=True)),
    (Component("pkg:npm/x@1", "x", "1", "npm", "sha512-AAAA", "MIT"),),
    (finding(Severity.MEDIUM, target="server:b"),),
)
HOSTILE = ScanReport(
    (finding(target=NASTY, evidence=NASTY, location=Location(NASTY, 1, 1)),),
    ({"kind": "server", "name": NASTY, "client": NASTY, "command": NASTY, "url": "", "tier": "unknown"},),
    (Coverage(NASTY, checked=False, why=NASTY),),
    (Component(f"pkg:npm/{NASTY}", NASTY),),
)


@pytest.mark.parametrize("report", [REPORT, HOSTILE, ScanReport()])
def test_sarif_is_valid_by_its_schema(report):
    schema = json.loads((Path(__file__).parent / "sarif-2.1.0-rtm.5.json").read_text())
    for part in ("run", "toolComponent"):  # their patterns are no regular expressions of JSON Schema
        del schema["definitions"][part]["properties"]["language"]["pattern"]
    log = json.loads(sarif.render(report, "0.1.0"))
    jsonschema_rs.validator_for(schema).validate(log)
    assert len(log["runs"][0]["results"]) == len(report.findings) + len(report.suppressed)


def test_sarif_has_places_fingerprints_and_rules():
    run = json.loads(sarif.render(REPORT, "0.1.0"))["runs"][0]
    first, second, accepted = run["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "file:///home/ada/a%20b.json"
    assert place["region"] == {"startLine": 3, "startColumn": 7}
    assert second["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "b.json"
    assert accepted["suppressions"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["partialFingerprints"]["keepgate/v1"]
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].startswith("not checked")


def test_json_has_the_shape_that_is_promised():
    value = json.loads(json_report.render(REPORT))
    assert set(value) == {"version", "findings", "inventory", "coverage", "suppressed"}
    first = value["findings"][0]
    assert {
        "rule",
        "severity",
        "confidence",
        "title",
        "target",
        "location",
        "evidence",
        "fix",
        "taxonomy",
    } <= set(first)
    assert first["location"] == {"file": "/home/ada/a b.json", "line": 3, "column": 7}
    assert value["coverage"][0] == {"what": "tools", "checked": False, "why": "no server is started"}
    json.loads(json_report.render(HOSTILE))


def test_nothing_reaches_the_terminal_raw():
    shown = terminal.render(HOSTILE)
    assert all(sign.isprintable() or sign == "\n" for sign in shown)
    assert "\n# head" not in shown
    assert "3:7  server:a" in terminal.render(REPORT)
    assert "checks not made" in terminal.render(REPORT)
    assert "\x1b[" in terminal.render(REPORT, colour=True)
    assert terminal.render(ScanReport()) == "no findings in what was checked\n"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_html_runs_nothing():
    page = html.render(HOSTILE)
    parser = Tags()
    parser.feed(page)
    assert {tag for tag, _ in parser.seen} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "table", "thead", "tbody", "tr", "th", "td", "code", "br",
        "p", "ul", "li",
    }  # fmt: skip
    assert all(not name.startswith("on") for _, attributes in parser.seen for name in attributes)
    page.encode()


def test_markdown_stays_in_its_cells():
    lines = markdown.render(HOSTILE).splitlines()
    assert not [line for line in lines if line.startswith("# head")]
    row = next(line for line in lines if line.startswith("| high"))
    assert row.replace("\\|", "").count("|") == 6
    assert row.count("`") % 2 == 0


def test_cyclonedx_names_components_with_their_hashes():
    bom = json.loads(cyclonedx.render(REPORT, "0.1.0"))
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    (component,) = bom["components"]
    assert component["purl"] == "pkg:npm/x@1"
    assert component["hashes"] == [{"alg": "SHA-512", "content": "000000"}]
    assert component["licenses"]
    json.loads(cyclonedx.render(HOSTILE, "0.1.0"))
