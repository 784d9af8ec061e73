"""Schemathesis over the admin API: requests made from its document, good and bad, and the answers held against it."""

from functools import cache
from urllib.parse import quote, unquote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth

from keepgate.admin.face import ROOT
from keepgate.admin.openapi import document
from keepgate.admin.route import OPEN
from keepgate.admin.routes import routes
from keepgate.transports.http_rules import _PATH_SAFE

pytestmark = pytest.mark.e2e

EXAMPLES = 15
"""Of each kind, for each route: all of them in seconds."""


UNBREAKABLE = {"login.ask_passkey", "login.list_ways", "policy.why"}
"""The generator finds nothing that is wrong, or only after a minute (test_face.py has wrong queries)."""


@cache
def schema():
    return schemathesis.openapi.from_dict(document(routes(), ROOT, "0"))


def cases(each, mode):
    return schema()[ROOT + each.path][each.method.lower()].as_strategy(generation_mode=mode)


def held(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[*HealthCheck],
    )


def send(case, desk, key):
    """The answer; None if the server took the path for no path at all, before the face saw it."""
    parts = {
        name: quote(unquote(str(value)), safe=_PATH_SAFE.replace("/", ""))
        for name, value in case.path_parameters.items()
    }
    case.path_parameters = parts
    answer = case.call(base_url=desk.origin, headers={"Authorization": f"Bearer {key}"})
    if answer.status_code == 400 and "problem" not in answer.headers["content-type"][0]:
        assert "%" in "".join(parts.values()) or {".", "..", ""} & set(parts.values()), parts
        return None
    return answer


@pytest.mark.parametrize(
    ("each", "mode"),
    [
        pytest.param(each, mode, id=f"{each.name}-{mode.value}")
        for each in routes()
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or each.name not in UNBREAKABLE
    ],
)
def test_answers_are_as_the_document_says(desk, each, mode):
    who = "payloads" if each.name == "audit.read_payload" else "admin"

    @held(EXAMPLES)
    @given(data=st.data())
    def ask(data):
        try:
            strategy = cases(each, mode)
            case = data.draw(strategy)
        except schemathesis.errors.SchemathesisError:
            pytest.skip("nothing can be wrong with a request that takes nothing")
        # Requests with wrong credentials are `test_nobody_is_answered`: so many of them are slowed down.
        answer = send(case, desk, desk.keys[who])
        if answer is not None:
            case.validate_response(answer, excluded_checks=[ignored_auth])

    ask()


@pytest.mark.parametrize(
    "each", [each for each in routes() if each.permission != OPEN], ids=lambda each: each.name
)
def test_nobody_is_answered(desk, each):
    @held(3)
    @given(case=cases(each, GenerationMode.POSITIVE))
    def ask(case):
        answer = send(case, desk, "kga_aaaaaaaa_" + "A" * 43)
        assert answer is None or answer.status_code in (401, 429)

    ask()
