"""The scenarios of the tasks extension, against a server with the tools that they name, alone and behind keepgate.

`tasks-status-notifications` checks nothing in this version of the suite: it says so itself. tests/gateway and tests/e2e
do what it does not.
"""

from pathlib import Path

import pytest

from tests.conformance.suite import BASELINE, gateway_before, run_extension
from tests.e2e.upstreams import task_brain
from tests.e2e.upstreams.start import over_http
from tests.support import peers

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    peers.need(peers.NODE, peers.CONFORMANCE)
    with over_http(tmp_path_factory.mktemp("tasks"), "tasks", task_brain.table("stateless")) as server:
        yield server.entry["url"].replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def behind(alone, tmp_path_factory):
    with gateway_before(alone, tmp_path_factory.mktemp("gateway")) as url:
        yield url


@pytest.mark.parametrize("place", ["alone", "behind"])
@pytest.mark.parametrize("scenario", BASELINE["tasks"])
def test_a_server_with_tasks_scores_the_same(request, scenario, place, tmp_path: Path):
    outcome = run_extension(request.getfixturevalue(place), scenario, tmp_path / "out")
    assert not outcome.bad, outcome.explain()
    assert outcome.passed == {scenario: BASELINE["tasks"][scenario]}, outcome.explain()
    assert outcome.status == 0, outcome.text[-3000:]
