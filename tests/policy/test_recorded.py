"""What is recorded of a Cedar request, and that it comes back whole."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.access import ANONYMOUS, Action, Authentication, Principal, Resource, ResourceKind
from keepgate.model.verdict import Effect
from keepgate.policy.recorded import Facts, UnreadableError, recorded

KEY = Principal("key:cursor", "key")
RECORD = {
    "kind": "request",
    "method": "tools/call",
    "server": "files",
    "name": "read_file",
    "verdict": {"effect": "allow", "reason": ""},
    "rules": ["r:allow:*/*"],
    "policy": "abc",
    "time": "2026-11-21T00:00:00.000000000Z",
    "trace": "t",
}
CALL = {"body": {"name": "files_read_file", "arguments": {"path": "/x"}}, "request": {}}

words = st.text(max_size=8)
names = st.lists(words.filter(bool), unique=True, max_size=3).map(tuple)
auths = st.builds(
    Authentication,
    words,
    names.map(frozenset),
    words,
    st.none() | st.integers(0, 2**40).map(float),
    scheme=st.sampled_from(("Bearer", "DPoP")),
)
principals = st.one_of(
    st.just(ANONYMOUS),
    st.builds(
        Principal,
        st.sampled_from(("key:k", "local:u", "oauth:i/s/c", "cert:n")),
        st.sampled_from(("key", "local", "oauth", "cert")),
        names,
        words,
        words,
        words,
        names,
        st.none() | auths,
    ),
)


@given(principals)
def test_a_principal_comes_back_as_it_was(principal):
    asked = orjson.loads(Facts.of(principal).encoded)
    found = recorded(RECORD, CALL | {"request": asked}, principal.id)
    assert found is not None
    assert found.request.principal == principal


def test_a_caller_with_an_api_key_adds_nothing():
    assert Facts.of(KEY).encoded == b"{}"


def test_the_decision_comes_back_with_its_arguments_and_facts():
    asked = {"context": {"time": {"hour": 9}, "flow": {"labels": ["untrusted"]}}}
    found = recorded(RECORD, CALL | {"request": asked}, "key:cursor")
    assert found.request.action is Action.CALL_TOOL
    assert found.request.resource == Resource(ResourceKind.TOOL, "files", "read_file")
    assert found.request.context == {
        "arguments": {"path": "/x"},
        "time": 1_795_219_200.0,
        "flow": {"labels": ["untrusted"]},
        "told": asked["context"],
    }
    assert (found.effect, found.rules, found.policy) == (Effect.ALLOW, ("r:allow:*/*",), "abc")
    assert (found.time, found.trace) == (RECORD["time"], "t")


@pytest.mark.parametrize(
    ("method", "body", "action", "kind"),
    [
        ("prompts/get", {"name": "p"}, Action.GET_PROMPT, ResourceKind.PROMPT),
        ("resources/read", {"uri": "u"}, Action.READ_RESOURCE, ResourceKind.RESOURCE),
        ("resources/subscribe", {"uri": "u"}, Action.SUBSCRIBE_RESOURCE, ResourceKind.RESOURCE),
        ("resources/unsubscribe", {"uri": "u"}, Action.SUBSCRIBE_RESOURCE, ResourceKind.RESOURCE),
        ("completion/complete", {"ref": {"type": "ref/prompt"}}, Action.COMPLETE, ResourceKind.PROMPT),
        ("completion/complete", {"ref": {"type": "ref/resource"}}, Action.COMPLETE, ResourceKind.RESOURCE),
    ],
)
def test_method_and_body_say_what_was_asked_for(method, body, action, kind):
    found = recorded(RECORD | {"method": method}, {"body": body, "request": {}}, "key:cursor")
    assert (found.request.action, found.request.resource.kind) == (action, kind)


def test_a_name_that_the_record_hides_is_taken_from_the_payload():
    record = RECORD | {"method": "resources/read", "name": "file://#12ab"}
    found = recorded(record, {"body": {}, "name": "file:///srv/a", "request": {}}, "key:cursor")
    assert found.request.resource.name == "file:///srv/a"


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "result"},
        {"kind": "event"},
        {"method": "tools/list"},
        {"method": "tasks/get"},
        {"server": ""},
    ],
)
def test_other_records_hold_no_request(changed):
    assert recorded(RECORD | changed, CALL, "key:cursor") is None


@pytest.mark.parametrize(
    "envelope",
    [None, {}, {"body": {}}, {"request": {}}, {"body": [], "request": {}}, {"request": [], "body": {}}],
)
def test_a_record_that_does_not_say_enough_is_not_guessed_at(envelope):
    with pytest.raises(UnreadableError):
        recorded(RECORD, envelope, "key:cursor")


@pytest.mark.parametrize("principal", [KEY, ANONYMOUS, Principal("oauth:i/s/c", "oauth", groups=("a",))])
def test_what_policy_was_told_stands_beside_the_principal(principal):
    asked = orjson.loads(Facts.of(principal).with_context(b'{"flow":{}}'))
    assert asked == orjson.loads(Facts.of(principal).encoded) | {"context": {"flow": {}}}
