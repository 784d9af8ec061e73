"""The stateless envelope."""

from typing import Any

import pytest

from keepgate.model.errors import RemoteError
from keepgate.model.message import Kind, Message
from keepgate.protocol.envelope import (
    CAPABILITIES_KEY,
    CLIENT_INFO_KEY,
    VERSION_KEY,
    UnsupportedVersionError,
    display,
    has_envelope,
    read_envelope,
    with_meta,
)


def request(meta: Any) -> Message:
    return Message(
        Kind.REQUEST, {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}}
    )


def test_a_complete_envelope_is_read() -> None:
    message = request(
        {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {"roots": {}}, CLIENT_INFO_KEY: {"name": "c"}}
    )
    envelope = read_envelope(message)
    assert has_envelope(message)
    assert (envelope.version, envelope.capabilities, envelope.client_info) == (
        "2026-07-28",
        {"roots": {}},
        {"name": "c"},
    )


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {VERSION_KEY: "2026-07-28"},
        {CAPABILITIES_KEY: {}},
        {VERSION_KEY: 7, CAPABILITIES_KEY: {}},
        {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: []},
    ],
    ids=str,
)
def test_an_incomplete_envelope_is_invalid_params(meta: dict[str, Any]) -> None:
    with pytest.raises(RemoteError) as caught:
        read_envelope(request(meta))
    assert (caught.value.rpc_code, caught.value.status) == (-32602, 400)


def test_client_info_is_optional_and_never_trusted_to_be_an_object() -> None:
    assert (
        read_envelope(
            request({VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {}, CLIENT_INFO_KEY: "x"})
        ).client_info
        == {}
    )


def test_an_unknown_version_names_what_is_supported() -> None:
    with pytest.raises(UnsupportedVersionError) as caught:
        read_envelope(request({VERSION_KEY: "v999.0.0", CAPABILITIES_KEY: {}}))
    assert caught.value.data == {"supported": ["2026-07-28"], "requested": "v999.0.0"}


def test_with_meta_sets_and_removes_without_touching_the_original() -> None:
    params = {"a": 1, "_meta": {"x": 1, "y": 2}}
    assert with_meta(params, x=None, z=3) == {"a": 1, "_meta": {"y": 2, "z": 3}}
    assert with_meta({"_meta": {"x": 1}}, x=None) == {}
    assert params == {"a": 1, "_meta": {"x": 1, "y": 2}}


def test_display_is_bounded_and_survives_nonsense() -> None:
    assert display({"name": "c", "version": "1"}) == "c/1"
    assert display({}) == ""
    assert display({"name": 7}) == ""
    assert len(display({"name": "n" * 999})) == 128
