"""Translation between the eras, function by function."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.gateway import bridge

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(st.text(), JSON, max_size=4)

WITHIN = [
    ({}, {}, True),
    ({}, {"roots": {}}, True),
    ({"roots": {}}, {}, False),
    ({"roots": {}}, {"roots": {"listChanged": True}}, True),
    ({"roots": {"listChanged": True}}, {"roots": {}}, False),
    ({"sampling": {"tools": {}}}, {"sampling": {}}, False),
    ({"elicitation": {}}, {"elicitation": {}}, True),
    ({"elicitation": {}}, {"elicitation": {"form": {}}}, True),
    ({"elicitation": {"form": {}}}, {"elicitation": {}}, True),
    ({"elicitation": {}}, {"elicitation": {"url": {}}}, False),  # empty means forms
    ({"elicitation": {"url": {}}}, {"elicitation": {}}, False),
    ({"experimental": {"x": 1}}, {"experimental": {"x": 2}}, False),
    ({"experimental": {"x": 1}}, {"experimental": {"x": True}}, False),
    ({"roots": {}}, {"roots": True}, False),
]


@pytest.mark.parametrize(("less", "more", "expected"), WITHIN)
def test_a_session_serves_only_whoever_declares_as_much(less, more, expected):
    assert bridge.within(less, more) is expected


@given(OBJECT)
def test_what_is_declared_is_within_itself_and_nothing_is_within_it(declared):
    assert bridge.within(declared, declared)
    assert bridge.within({}, declared)


@given(OBJECT, OBJECT)
def test_a_session_of_some_capabilities_never_serves_one_that_lacks_a_key(less, more):
    if less.keys() - more.keys():
        assert not bridge.within(less, more)


def test_changes_of_roots_are_not_declared_for_those_who_cannot_tell_of_them():
    given_ = {"roots": {"listChanged": True, "x": 1}, "sampling": {}}
    assert bridge.declared_to_handshake(given_) == {"roots": {"x": 1}, "sampling": {}}
    assert given_["roots"]["listChanged"] is True, "the caller's own is left as it was"
    for odd in ({}, {"roots": True}, {"roots": {}}):
        assert bridge.declared_to_handshake(odd) == odd


@given(OBJECT)
def test_what_answers_questions_does_not_reach_a_handshake_server(params):
    whole = {**params, "inputResponses": {"q": {}}, "requestState": "s"}
    sent = bridge.params_to_handshake(whole)
    assert {"inputResponses", "requestState"}.isdisjoint(sent)
    assert {key: value for key, value in sent.items() if key != "_meta"} == {
        key: value for key, value in params.items() if key not in ("_meta", "inputResponses", "requestState")
    }


@given(OBJECT)
def test_an_input_request_cannot_pass_for_a_reply(asked):
    """A message with a method and a result means one thing to one reader and another to the next."""
    request = bridge.as_request({"method": "roots/list", **asked, "result": {}, "error": {}})
    assert {"result", "error"}.isdisjoint(request)
    assert (request["jsonrpc"], request["id"]) == ("2.0", 0)


def test_a_question_loses_its_id_and_the_token_of_progress_that_cannot_come():
    body = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "sampling/createMessage",
        "params": {"maxTokens": 1, "_meta": {"progressToken": 1, "x": 2}},
        "x-own": [1],
    }
    assert bridge.as_input(body) == {
        "method": "sampling/createMessage",
        "params": {"maxTokens": 1, "_meta": {"x": 2}},
        "x-own": [1],
    }
    assert body["params"]["_meta"]["progressToken"] == 1, "the recorded message is left as it was"
    assert bridge.as_input({"jsonrpc": "2.0", "id": 1, "method": "roots/list"}) == {"method": "roots/list"}


FIRST = {"code": -32042, "message": "m", "data": {"elicitations": [{"url": "x"}], "y": 1}}
URL = {"elicitation": {"url": {}}}
NEEDED = {"requiredCapabilities": URL}
TOLD = {**FIRST, "code": -32021, "data": {**FIRST["data"], **NEEDED}}


@pytest.mark.parametrize(
    ("error", "capabilities", "expected"),
    [
        ({"code": -32002, "message": "m"}, {}, {"code": -32602, "message": "m"}),
        ({"code": -32050, "message": "m", "x": 1}, {}, {"code": -32050, "message": "m", "x": 1}),
        (FIRST, URL, {**FIRST, "code": -32603}),
        (FIRST, {}, TOLD),
        (FIRST, {"elicitation": {}}, TOLD),
        ({**FIRST, "data": 7}, {}, {**TOLD, "data": NEEDED}),
    ],
)
def test_codes_that_the_stateless_era_does_not_have_become_those_it_has(error, capabilities, expected):
    assert bridge.error_to_stateless(error, capabilities) == expected
