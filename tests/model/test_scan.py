"""The nouns of the scanner."""

from dataclasses import replace

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import ConfiguredServer, Coverage, Location, ScanFinding, ScanReport
from keepgate.model.upstream import LaunchEntry, Origin, Transport

FINDING = ScanFinding(
    "a.b", Severity.LOW, Confidence.LIKELY, "t", "server x", Location("f.json", 3, 4), "args"
)


def test_a_fingerprint_survives_edits_above_and_tells_causes_apart():
    assert replace(FINDING, location=Location("f.json", 90, 1)).fingerprint == FINDING.fingerprint
    for other in (
        replace(FINDING, rule="a.c"),
        replace(FINDING, target="server y"),
        replace(FINDING, evidence="env"),
        replace(FINDING, location=Location("g.json", 3, 4)),
    ):
        assert other.fingerprint != FINDING.fingerprint


def test_a_report_knows_its_worst_and_its_gaps():
    gap = Coverage("go", checked=False, why="no grammar")
    report = ScanReport(
        (FINDING, replace(FINDING, severity=Severity.HIGH)), coverage=(gap, Coverage("py", checked=True))
    )
    assert report.highest is Severity.HIGH
    assert report.gaps == (gap,)
    assert ScanReport().highest is None


def test_a_value_is_found_where_it_stands_and_else_at_the_entry():
    origin = Origin("cursor", "user", "mcp.json", "/mcpServers/x", 5, 7)
    server = ConfiguredServer(
        LaunchEntry("x", Transport.STDIO, origin, command="npx"), spots={"/args/0": (6, 9)}
    )
    assert str(server.at("/args/0")) == "mcp.json:6:9"
    assert str(server.at("/args/1")) == "mcp.json:5:7"
    assert str(Location("f")) == "f"
