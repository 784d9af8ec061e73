"""What was measured is kept, and written where it belongs."""

import pytest

from bench import report, targets
from bench.load import Run
from bench.measure import Result
from bench.scenarios import SCENARIOS

PAGE = f"# Title\n\nprose\n\n{report.BEGIN}\nold\n{report.END}\n\nmore prose\n"


def run(cpu, p50=100.0):
    return Run(calls=10, rate=1000.0, p50=p50, p99=2 * p50, cpu=cpu, memory=1_000_000)


def result(name, **cpu):
    each = {"direct": run(0.0, 10), "nginx": run(10.0), **{who: run(used, 200) for who, used in cpu.items()}}
    return Result(SCENARIOS[name], [each] * 5, {"P2": "not yet: no"}, {"P1": "10 calls recorded"}, [1.0, 2.0])


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "KEPT", tmp_path / "results")
    return tmp_path


def test_only_what_stands_between_the_markers_is_replaced(kept):
    report.keep(result("S1", P1=25.0), "abc123", 2)
    page = kept / "page.md"
    page.write_text(PAGE)
    report.write(page)
    before, rest = page.read_text().split(report.BEGIN)
    measured, after = rest.split(report.END)
    assert (before, after) == ("# Title\n\nprose\n\n", "\n\nmore prose\n")
    assert "old" not in measured
    assert "| P1 | 2.50 | 2.50 to 2.50 |" in measured
    assert "commit abc123, 5 rounds of 2 s, load average 1.0 to 2.0." in measured
    assert "- P2: not yet: no" in measured
    assert "P1: 10 calls recorded" in measured
    assert "Not measured in this run: S1c8, S2, " in measured


def test_a_page_without_markers_is_not_touched(kept):
    page = kept / "page.md"
    page.write_text("prose")
    with pytest.raises(SystemExit, match="markers"):
        report.write(page)
    assert page.read_text() == "prose"


def test_the_page_of_the_repository_has_its_markers():
    text = report.PAGE.read_text()
    assert text.count(report.BEGIN) == text.count(report.END) == 1


def test_a_kept_result_is_read_as_it_was(kept):
    report.keep(result("S6", P0=30.0), "abc123", 2)
    found, facts = report.kept()["S6"]
    assert found == result("S6", P0=30.0)
    assert facts["build"] == "abc123"


@pytest.mark.parametrize(
    ("target", "measured", "verdict"),
    [
        (targets.Target("S1", "P1", 3.2), "3.00", "met"),
        (targets.Target("S1", "P1", 2.9), "3.00", "**missed**"),
        (targets.Target("S1", "P2", 4.2), "not yet", ""),
        (targets.Target("S1", "P3", 4.2), "not measured", ""),
        (targets.Target("S1", "P1", 20, "sdk"), "20.0", "met"),
        (targets.Target("S1", "P1", 21, "sdk"), "20.0", "**missed**"),
        (targets.Target("S1", "P1", 20, "litellm"), "`litellm`: not measured", ""),
        (targets.Target("S1", "P1", 0.19, latency=True), "0.190 ms", "met"),
        (targets.Target("S1", "P1", 0.18, latency=True), "0.190 ms", "**missed**"),
    ],
)
def test_targets_are_held_against_the_median(target, measured, verdict):
    value, said = targets.against(target, result("S1", P1=30.0, sdk=600.0))
    assert value.startswith(measured)
    assert said == verdict


def test_every_target_is_of_a_scenario_and_a_scenario_that_was_not_measured_says_so():
    assert {target.scenario for target in targets.TARGETS} <= set(SCENARIOS)
    assert targets.against(targets.TARGETS[0], None) == ("not measured", "")
