"""Tasks as data: what counts as one, what is declared, one era's task in the other's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.protocol import jsonrpc, tasks
from keepgate.protocol.envelope import CAPABILITIES_KEY

ON = {"extensions": {tasks.EXTENSION: {}}}
OLD = {
    "tasks": {
        "list": {},
        "cancel": {},
        "requests": {"tools": {"call": {}}, "sampling": {"createMessage": {}}},
    }
}


@pytest.mark.parametrize("status", sorted(tasks.STATUSES))
@pytest.mark.parametrize(("ttl", "poll"), [("ttl", "pollInterval"), ("ttlMs", "pollIntervalMs")])
def test_a_task_of_either_era_is_read(status, ttl, poll):
    state = tasks.read({"taskId": "t", "status": status, ttl: 5, poll: 7, "x": 1})
    assert state == tasks.State("t", status, 5, 7)
    assert state.ended is (status in ("completed", "failed", "cancelled"))


def test_a_task_without_times_is_unlimited():
    assert tasks.read({"taskId": "t", "status": "working", "ttlMs": None}) == tasks.State(
        "t", "working", None, None
    )


BAD = [
    None, [], "t", {}, {"taskId": "t"}, {"status": "working"}, {"taskId": 7, "status": "working"},
    {"taskId": "", "status": "working"}, {"taskId": "t" * (tasks.MAX_ID_CHARS + 1), "status": "working"},
    {"taskId": "t", "status": "running"}, {"taskId": "t", "status": ["working"]},
    {"taskId": "t", "status": "working", "ttl": -1}, {"taskId": "t", "status": "working", "ttlMs": True},
    {"taskId": "t", "status": "working", "ttlMs": "60"}, {"taskId": "t", "status": "working", "pollInterval": -0.5},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_what_is_no_task_is_the_servers_fault(bad):
    with pytest.raises(UpstreamError) as caught:
        tasks.read(bad)
    assert caught.value.kind == "protocol"


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(
                        ["taskId", "status", "ttl", "ttlMs", "x"]), inner)))  # fmt: skip
def test_anything_is_a_task_or_a_protocol_error(value):
    try:
        assert tasks.read(value).status in tasks.STATUSES
    except UpstreamError as error:
        assert error.kind == "protocol"  # noqa: PT017


@pytest.mark.parametrize(
    ("asked", "ttl"), [({}, None), ({"ttl": None}, None), ({"ttl": 0}, 0), ({"ttl": 1e3}, 1000)]
)
def test_a_caller_may_ask_for_a_lifetime(asked, ttl):
    assert tasks.wanted_ttl({"task": asked}) == ttl


@pytest.mark.parametrize(
    "bad", [7, "x", [], None, {"ttl": -1}, {"ttl": "7"}, {"ttl": True}, {"ttl": {}}], ids=repr
)
def test_a_strange_lifetime_is_refused(bad):
    with pytest.raises(RemoteError) as caught:
        tasks.wanted_ttl({"task": bad})
    assert caught.value.rpc_code == jsonrpc.INVALID_PARAMS


def test_the_extension_is_declared_by_an_object_only():
    assert tasks.declared(ON)
    for other in (None, [], {}, {"extensions": []}, {"extensions": {tasks.EXTENSION: None}}, OLD):
        assert not tasks.declared(other)


def test_only_a_declaring_tool_call_may_become_a_task():
    declaring = {"_meta": {CAPABILITIES_KEY: ON}}
    assert tasks.may_create("tools/call", declaring)
    assert not tasks.may_create("prompts/get", declaring)
    assert not tasks.may_create("tools/call", {"_meta": {CAPABILITIES_KEY: {}}})
    assert not tasks.may_create("tools/call", {})


def test_what_can_be_a_task_before_2026_is_said_exhaustively():
    assert tasks.augmentable(OLD, "tools/call")
    assert tasks.augmentable(OLD, "sampling/createMessage")
    for capabilities, method in [(OLD, "elicitation/create"), ({"tasks": {}}, "tools/call"), ({}, "tools/call"),
                                 ({"tasks": {"requests": {"tools": True}}}, "tools/call"), (None, "x")]:  # fmt: skip
        assert not tasks.augmentable(capabilities, method)


def test_operations_follow_what_is_declared():
    assert tasks.operations(OLD) == {"tasks/get", "tasks/result", "tasks/list", "tasks/cancel"}
    assert tasks.operations({"tasks": {"cancel": {}}}) == {"tasks/get", "tasks/result", "tasks/cancel"}
    assert tasks.operations({"tasks": True}) == tasks.operations({}) == frozenset()


def test_declarations_come_and_go_and_leave_the_rest():
    whole = {**OLD, "extensions": {tasks.EXTENSION: {}, "example.com/x": {"a": 1}}, "roots": {}}
    assert tasks.without(whole) == {"extensions": {"example.com/x": {"a": 1}}, "roots": {}}
    assert tasks.with_extension({"roots": {}}) == {"roots": {}, **ON}
    params = {"name": "t", "_meta": {CAPABILITIES_KEY: whole, "x": 1}}
    assert not tasks.may_create("tools/call", tasks.envelope_declares(params, tasks=False))
    assert tasks.may_create("tools/call", tasks.envelope_declares({}, tasks=True))
    assert params["_meta"][CAPABILITIES_KEY] is whole, "nothing is changed in place"


@pytest.mark.parametrize(
    ("said", "support"),
    [({"taskSupport": "required"}, "required"), ({"taskSupport": "optional"}, "optional"),
     ({"taskSupport": "forbidden"}, "forbidden"), ({}, "forbidden"), (None, "forbidden"),
     ({"taskSupport": 7}, "forbidden")],
)  # fmt: skip
def test_support_of_a_tool(said, support):
    assert tasks.support({"name": "t", "execution": said}) == support
    assert tasks.support(None) == "forbidden"


def test_a_server_that_needs_the_extension_says_so():
    data = {"requiredCapabilities": ON}
    assert tasks.needs_extension({"code": jsonrpc.MISSING_CAPABILITY, "message": "m", "data": data})
    assert not tasks.needs_extension({"code": jsonrpc.MISSING_CAPABILITY, "message": "m"})
    assert not tasks.needs_extension({"code": jsonrpc.MISSING_CAPABILITY, "message": "m", "data": tasks.REQUIRED | {
        "requiredCapabilities": {"sampling": {}}}})  # fmt: skip
    assert not tasks.needs_extension({"code": -32602, "message": "m", "data": data})


def test_a_task_gets_another_name_and_its_real_lifetime():
    task = {"taskId": "own", "status": "working", "ttl": None, "x": [1]}
    assert tasks.named(task, "ours", 9) == {"taskId": "ours", "status": "working", "ttl": 9, "x": [1]}
    assert task["taskId"] == "own"


def test_an_older_task_in_newer_words():
    task = {"taskId": "t", "status": "working", "ttl": 5, "pollInterval": 7, "createdAt": "c", "x": {"y": 1}}
    newer = {
        "taskId": "t",
        "status": "working",
        "ttlMs": 5,
        "pollIntervalMs": 7,
        "createdAt": "c",
        "x": {"y": 1},
    }
    assert tasks.to_extension(task) == newer
    assert tasks.to_extension({"taskId": "t"}) == {"taskId": "t", "ttlMs": None}
    assert tasks.read(tasks.to_extension(task)) == tasks.read(task)


def test_what_belongs_to_a_task():
    params = {"a": 1, "_meta": {tasks.RELATED_KEY: {"taskId": "own", "x": 1}, "other": 2}}
    assert tasks.related(params) == "own"
    assert tasks.relate(params, "ours")["_meta"] == {
        tasks.RELATED_KEY: {"taskId": "ours", "x": 1},
        "other": 2,
    }
    assert tasks.relate(params, None) == {"a": 1, "_meta": {"other": 2}}
    for strange in (
        None,
        {},
        {"_meta": []},
        {"_meta": {tasks.RELATED_KEY: 7}},
        {"_meta": {tasks.RELATED_KEY: {}}},
    ):
        assert tasks.related(strange) is None
    assert tasks.mentions({"_meta": {tasks.RELATED_KEY: 7}}), "a malformed one is taken off as well"
    assert tasks.relate({"_meta": {tasks.RELATED_KEY: 7}}, None) == {}
