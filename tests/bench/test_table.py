"""Ratios are taken within a round."""

import pytest

from bench import load, table
from bench.load import Run, judge
from bench.measure import Result
from bench.processes import UnfitError
from bench.scenarios import SCENARIOS


def run(cpu, rate=1000.0, p50=100.0):
    return Run(calls=10, rate=rate, p50=p50, p99=2 * p50, cpu=cpu, memory=1_000_000)


def result(*rounds):
    return Result(SCENARIOS["S1"], list(rounds), loads=[0.5] * len(rounds))


BUSY = result(
    {"direct": run(0, 4000, 10), "nginx": run(10, 2000), "P1": run(30)},
    {"direct": run(0, 4000, 20), "nginx": run(20, 2000), "P1": run(50)},
    {"direct": run(0, 4000, 30), "nginx": run(10, 2000), "P1": run(40)},
)


def test_the_median_is_that_of_the_ratios_of_each_round():
    nginx, p1 = table.rows(BUSY)[1:]
    assert (p1.cpu_x.low, p1.cpu_x.median, p1.cpu_x.high) == (2.5, 3.0, 4.0)
    assert (nginx.cpu_x.low, nginx.cpu_x.high) == (1.0, 1.0)
    assert p1.rate_x == 0.5
    assert (p1.p50.low, p1.p50.median, p1.p50.high) == (70, 80, 90)


def test_who_is_out_has_a_reason_and_no_row():
    BUSY.out["sdk"] = "not installed"
    assert "sdk" not in [row.name for row in table.rows(BUSY)]
    assert "sdk: not installed" in table.plain(BUSY)
    assert "- sdk: not installed" in table.markdown(BUSY)


def test_nobody_at_all_is_a_table_without_rows():
    assert table.rows(result()) == []
    assert table.rows(result({})) == []


FINE = {"n": 10, "failed": 0, "refused": 0, "bytes": 10 * 400}


@pytest.mark.parametrize(
    ("change", "scenario", "why"),
    [
        ({"n": 0}, "S1", "no call"),
        ({"failed": 1}, "S1", "broke"),
        ({"failed": 1}, "S9", "broke"),
        ({"refused": 1}, "S1", "error status"),
        ({"bytes": 1999}, "S1", "shorter"),
    ],
)
def test_a_run_with_an_error_is_discarded(change, scenario, why):
    judge(FINE, SCENARIOS[scenario])
    with pytest.raises(UnfitError, match=why):
        judge({**FINE, **change}, SCENARIOS[scenario])


def test_refusals_are_what_the_denied_scenario_is_about():
    judge({**FINE, "refused": 10}, SCENARIOS["S9"])


def test_the_headers_of_a_call_agree_with_its_body():
    head = load.headers(
        load.Running("http://x", headers={"Authorization": "Bearer k"}), SCENARIOS["S1"], "echo"
    )
    assert (
        head
        == "MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/call\nMcp-Name: echo\nAuthorization: Bearer k"
    )
