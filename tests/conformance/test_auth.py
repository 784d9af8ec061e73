"""The suite's client-side `auth/*` scenarios, with keepgate as the OAuth client of the suite's server.

Extension scenarios are apart: those keepgate takes part in, and those that it does not, by name.
"""

from pathlib import Path

import pytest

from tests.conformance.suite import HERE, run_client
from tests.support import peers

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

SCENARIOS = {
    "2026-07-28": {
        "metadata-default": 18,
        "metadata-var1": 18,
        "metadata-var2": 18,
        "metadata-var3": 18,
        "basic-cimd": 12,
        "scope-from-www-authenticate": 14,
        "scope-from-scopes-supported": 14,
        "scope-omitted-when-undefined": 14,
        "scope-step-up": 26,
        "scope-retry-limit": 11,
        "token-endpoint-auth-basic": 19,
        "token-endpoint-auth-post": 19,
        "token-endpoint-auth-none": 19,
        "pre-registration": 13,
        "resource-mismatch": 2,
        "offline-access-scope": 12,
        "offline-access-not-supported": 14,
        "authorization-server-migration": 27,
        "iss-supported": 14,
        "iss-not-advertised": 14,
        "iss-supported-missing": 8,
        "iss-wrong-issuer": 8,
        "iss-unexpected": 8,
        "iss-normalized": 8,
        "metadata-issuer-mismatch": 3,
    },
    "2025-11-25": {"metadata-default": 18, "basic-cimd": 13, "scope-step-up": 23, "pre-registration": 14},
    "2025-03-26": {"2025-03-26-oauth-metadata-backcompat": 12, "2025-03-26-oauth-endpoint-fallback": 7},
}
"""Revision, scenario and how many of its checks succeed; none fails. 2025-11-25 is the same code: a few of each."""

EXTENSIONS = {
    "client-credentials-jwt": 9,
    "client-credentials-basic": 9,
    "enterprise-managed-authorization": 10,
}
NOT_BUILT = ("dpop", "dpop-nonce", "wif-jwt-bearer")
"""Towards servers keepgate uses no DPoP and no workload identity federation; towards its callers it takes DPoP."""


def run(scenario: str, revision: str, out: Path):
    peers.need(peers.NODE, peers.CONFORMANCE)
    return run_client(f"auth/{scenario}", revision, out, script=HERE / "authclient.py")


def check(outcome, scenario: str, passed: int):
    assert not outcome.bad, f"{outcome.explain()}\n{outcome.text[-3000:]}"
    assert sum(outcome.passed.values()) >= passed, f"{scenario}\n{outcome.text[-3000:]}"
    assert outcome.status == 0, outcome.text[-3000:]


@pytest.mark.parametrize(
    ("revision", "scenario"), [(revision, name) for revision, names in SCENARIOS.items() for name in names]
)
def test_keepgate_is_a_conforming_client(revision, scenario, tmp_path: Path):
    check(run(scenario, revision, tmp_path / "out"), scenario, SCENARIOS[revision][scenario])


@pytest.mark.parametrize("scenario", EXTENSIONS)
def test_extensions_that_keepgate_takes_part_in(scenario, tmp_path: Path):
    check(run(scenario, "", tmp_path / "out"), scenario, EXTENSIONS[scenario])
