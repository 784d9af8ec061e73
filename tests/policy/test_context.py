"""The context holds what is read and nothing else."""

from datetime import UTC

import pytest

from keepgate.model.access import Action, Authentication, Principal, Request, Resource, ResourceKind
from keepgate.policy.context import Needs, arguments_of, context_of, input_of

ALICE = Principal(
    "oauth:i/a/c",
    "oauth",
    actors=("client:agent",),
    auth=Authentication("i", frozenset({"b", "a"}), "mfa", auth_time=100.0),
)
TOOL = Resource(ResourceKind.TOOL, "files", "read")


def asked(principal=ALICE, resource=TOOL, **context) -> Request:
    return Request(principal, Action.CALL_TOOL, resource, context)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("time", "hour"), {"time": {"hour": 0}}),
        (("auth", "acr"), {"auth": {"acr": "mfa"}}),
        (("auth", "scopes"), {"auth": {"scopes": ["a", "b"]}}),
        (("auth", "actors"), {"auth": {"actors": ["client:agent"]}}),
        (("auth", "method"), {"auth": {"method": "oauth"}}),
        (("auth", "age"), {"auth": {"age": 400}}),
        (("flow", "labels"), {"flow": {"labels": ["untrusted"]}}),
        (("flow", "sink"), {"flow": {"sink": False}}),
        (("approvals",), {"approvals": []}),
        (("facts", "n", "items"), {"facts": {"n": {"items": 1}}}),
        (("facts", "n"), {"facts": {"n": {}}}),
        (("facts", "other", "items"), {"facts": {}}),
        (("input", "n"), {}),
    ],
)
def test_only_what_is_read(path, told):
    request = asked(arguments={"n": 5}, time=500.0, flow={"labels": ["untrusted"]})
    assert context_of(Needs.of([path]), request, UTC) == told


def test_who_shows_no_token_has_no_level_and_no_age():
    key = asked(Principal("key:k", "key"), time=5.0)
    told = context_of(Needs.of([("auth", "acr"), ("auth", "age")]), key, UTC)
    assert told == {"auth": {"acr": ""}}


def test_without_the_time_nothing_that_needs_it_is_told():
    with pytest.raises(KeyError):
        context_of(Needs.of([("time", "hour")]), asked(), UTC)


@pytest.mark.parametrize(
    ("path", "timed"), [(("time", "hour"), True), (("auth", "age"), True), (("auth", "acr"), False)]
)
def test_needs_know_whether_they_need_the_time(path, timed):
    assert Needs.of([path]).timed is timed


def test_the_arguments_of_a_resource_are_its_uri():
    uri = Resource(ResourceKind.RESOURCE, "docs", "file:///srv/a")
    assert arguments_of(asked(resource=uri, arguments={"x": 1})) == {"uri": "file:///srv/a"}
    assert arguments_of(asked(arguments=[1])) == {}


def test_input_is_what_the_tool_declares():
    declared = {"properties": {"n": {"type": "integer"}, "m": {"type": "integer"}}}
    needs = Needs.of([("input", "n")])
    assert input_of(needs, asked(arguments={"n": 1, "m": 2, "x": 3}, schema=declared)) == {"n": 1}
    prompt = Resource(ResourceKind.PROMPT, "files", "p")
    assert input_of(needs, asked(resource=prompt, arguments={"n": 1})) == {}
