"""Accessors read the body and keep nothing beside it."""

from keepgate.model.message import Kind, Message


def test_accessors_follow_the_body() -> None:
    message = Message(Kind.REQUEST, {"jsonrpc": "2.0", "id": "7", "method": "tools/call", "params": {"a": 1}})
    assert (message.id, message.method, message.params, message.is_reply) == (
        "7",
        "tools/call",
        {"a": 1},
        False,
    )
    message.body["params"] = {"b": 2}
    assert message.params == {"b": 2}


def test_absent_parts_are_empty() -> None:
    reply = Message(Kind.RESULT, {"jsonrpc": "2.0", "id": 1, "result": {}})
    assert (reply.method, reply.params, reply.is_reply) == ("", {}, True)
