"""The attack: a member that only a reader who ignores case takes for the one that decides (CVE-2026-27896)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.errors import RemoteError
from keepgate.protocol import jsonrpc
from keepgate.protocol.lookalike import ENVELOPE, META, PARAMS, REFERENCE, check_names

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "open", "arguments": {"a": 1}}}


def decode(message):
    return jsonrpc.decode(json.dumps(message).encode())


@pytest.mark.parametrize(
    "more",
    [
        {"Method": "tools/call"},
        {"PARAMS": {"name": "secret"}},
        {"Id": 2},
        {"paramſ": {"name": "secret"}},
        {"Result": {}},
    ],
)
def test_the_envelope_has_one_spelling(more):
    with pytest.raises(RemoteError, match="another spelling"):
        decode(CALL | more)
    reply = {"jsonrpc": "2.0", "id": 1, "result": {}}
    with pytest.raises(RemoteError, match="another spelling"):
        decode(reply | more)


@pytest.mark.parametrize(
    "params",
    [
        {"name": "open", "Name": "secret"},
        {"NAME": "secret"},
        {"name": "open", "Arguments": {"path": "/etc"}},
        {"uri": "a:b", "URI": "c:d"},
        {"taskId": "a", "tasKId": "b"},
        {"tasKId": "b"},
        {"ref": {"type": "ref/prompt", "name": "open", "Name": "secret"}},
        {"_meta": {"io.modelcontextprotocol/ClientCapabilities": {"sampling": {}}}},
        {"_Meta": {}},
    ],
)
def test_what_decides_has_one_spelling(params):
    with pytest.raises(RemoteError, match="another spelling"):
        decode(CALL | {"params": params})


@pytest.mark.parametrize(
    "params",
    [
        {"name": "open", "arguments": {"Name": "x", "name": "y"}},
        {"name": "open", "names": 1, "x-Name": 2, "other": {"Name": 1}},
        {"_meta": {"Traceparent": "x", "traceparent": "y"}},
    ],
)
def test_other_names_are_whatever_they_are(params):
    assert decode(CALL | {"params": params}).body["params"] == params


def swapped(name, mask):
    return "".join(c.swapcase() if mask >> at & 1 else c for at, c in enumerate(name))


@given(
    st.sampled_from([(names, name) for names in (ENVELOPE, PARAMS, REFERENCE, META) for name in names]),
    st.integers(0, 2**50),
)
def test_any_other_case_of_a_deciding_name_is_refused(place, mask):
    names, name = place
    other = swapped(name, mask)
    if other in names:
        check_names({other: 1}, names)
    else:
        with pytest.raises(RemoteError):
            check_names({other: 1}, names)
