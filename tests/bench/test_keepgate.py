"""keepgate as the bench runs it."""

import json
from pathlib import Path

import pytest

from bench import keepgate, measure, yardstick
from bench.contender import Site
from bench.processes import Stage, UnfitError
from bench.scenarios import SCENARIOS

MISSING = yardstick.missing()


def site(tmp_path, scenario):
    return Site(Stage(tmp_path), SCENARIOS[scenario], 1, Path("/bin/true"), tmp_path / "certificate.pem")


def test_the_policy_is_of_ten_roles_and_a_hundred_patterns():
    roles = keepgate.access()["roles"]
    assert len(roles) == 10
    assert sum(len(role.get(kind, ())) for role in roles.values() for kind in ("allow", "deny")) >= 99


@pytest.mark.parametrize("profile", ["P0", "P1", "P2", "P3", "P1sync", "P1jwt"])
@pytest.mark.parametrize("scenario", ["S1", "S7", "S8", "S9"])
def test_profiles_are_configurations_that_load(tmp_path, profile, scenario):
    from keepgate.config.load import load

    yardstick.certify(tmp_path)
    whole = keepgate.config(profile, site(tmp_path, scenario), 8700, tmp_path / "state", "http://127.0.0.1:1")
    file = tmp_path / "keepgate.yaml"
    file.write_text(json.dumps(whole))
    load(file, env={})


def log(state, *records):
    place = state / "audit" / "writer"
    place.mkdir(parents=True)
    lines = [{"format": "keepgate-audit/1"}, *records]
    (place / "00000001.log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return state


def request(trace, effect="allow"):
    return {"trace": trace, "method": "tools/call", "kind": "request", "verdict": {"effect": effect}}


def reply(trace):
    return {"trace": trace, "method": "", "kind": "result", "verdict": {"effect": "allow"}}


LISTED = {"trace": "l", "method": "tools/list", "kind": "request", "verdict": {"effect": "allow"}}


def test_records_fit_the_calls(tmp_path):
    state = log(
        tmp_path, LISTED, reply("l"), request("a"), request("b"), reply("b"), reply("a"), request("c")
    )
    assert "3 calls recorded" in keepgate.account(state, SCENARIOS["S1"], 2, 1)


@pytest.mark.parametrize(
    ("records", "answered", "besides"),
    [
        ([request("a"), reply("a")], 2, 5),  # a call without any record
        ([request("a"), request("b"), reply("a")], 2, 5),  # a reply without one
        ([request("a"), reply("a"), request("b"), request("c")], 1, 1),  # records that no call made
        ([request("a"), reply("a"), request("b", "deny")], 1, 5),  # a call that was stopped
    ],
)
def test_records_that_do_not_fit_the_calls_are_said(tmp_path, records, answered, besides):
    with pytest.raises(UnfitError, match="DO NOT FIT"):
        keepgate.account(log(tmp_path, *records), SCENARIOS["S1"], answered, besides)


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
@pytest.mark.parametrize("scenario", ["S7", "S8", "S9"])
def test_a_round_measures_everybody_and_every_call_has_its_records(scenario):
    """The machinery, not the speed: on a shared machine a clock is no judge."""
    contenders = [yardstick.DIRECT, yardstick.NGINX, keepgate.PROFILES[1]]
    result = measure.measure(SCENARIOS[scenario], contenders, rounds=1, seconds=1)
    assert result.out == {}
    assert [list(each) for each in result.rounds] == [["direct", "nginx", "P1"]]
    assert "recorded" in result.notes["P1"]
    assert "verified" in result.notes["P1"]
    assert all(run.cpu > 0 for run in (result.rounds[0]["nginx"], result.rounds[0]["P1"]))
