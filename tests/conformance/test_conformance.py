"""84 of 84, 152 of 152 and 56 of 56: keepgate scores what the fixture scores without it."""

from pathlib import Path

import pytest

from tests.conformance.suite import (
    BASELINE,
    EXPECTED_FAILURES,
    fixture_server,
    gateway_before,
    run_client,
    run_server,
)
from tests.support import peers

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]

TOTALS = {"2025-06-18": 56, "2025-11-25": 84, "2026-07-28": 152}

CLIENT_SCENARIOS = [
    (scenario, revision) for revision, scenarios in BASELINE["client"].items() for scenario in scenarios
]


@pytest.fixture(scope="module")
def fixture(tmp_path_factory):
    with fixture_server(tmp_path_factory.mktemp("fixture") / "server.log") as url:
        yield url


@pytest.fixture(scope="module")
def gateway(fixture, tmp_path_factory):
    with gateway_before(fixture, tmp_path_factory.mktemp("gateway")) as url:
        yield url


def check(outcome, revision):
    baseline = BASELINE["server"][revision]
    assert not outcome.bad, outcome.explain()
    assert outcome.passed == baseline, outcome.explain()
    assert outcome.total == TOTALS[revision] == sum(baseline.values())
    assert outcome.status == 0, outcome.text[-3000:]


def test_nothing_is_expected_to_fail():
    assert EXPECTED_FAILURES.read_bytes() == b""


@pytest.mark.parametrize("revision", TOTALS)
def test_the_fixture_alone_scores_the_baseline(fixture, revision, tmp_path: Path):
    """The control: what is red here is not keepgate's doing."""
    check(run_server(fixture, revision, tmp_path / "out"), revision)


@pytest.mark.parametrize("revision", TOTALS)
def test_a_server_behind_keepgate_scores_the_same(gateway, revision, tmp_path: Path):
    check(run_server(gateway, revision, tmp_path / "out"), revision)


@pytest.mark.parametrize(("scenario", "revision"), CLIENT_SCENARIOS)
def test_a_client_behind_keepgate_scores_the_same(scenario, revision, tmp_path: Path):
    peers.need(peers.NODE, peers.CONFORMANCE, peers.SDK_CLIENT)
    outcome = run_client(scenario, revision, tmp_path / "out")
    assert not outcome.bad, f"{outcome.explain()}\n{outcome.text[-3000:]}"
    # A gateway may ask the server more than a bare client does, and each method it uses is one check more.
    assert outcome.passed.get(scenario, 0) >= BASELINE["client"][revision][scenario], outcome.text[-3000:]
    assert outcome.status == 0, outcome.text[-3000:]
