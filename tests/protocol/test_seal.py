"""Sealed handles open only whole, unexpired, and for what they were bound to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.errors import RemoteError
from keepgate.protocol.seal import Sealer, derive

SEALER = Sealer(b"k" * 32)
NONCE = b"n" * 12
HANDLE = SEALER.seal({"state": "s"}, bound_to=b"alice", expires=100, nonce=NONCE)


def test_round_trip() -> None:
    assert SEALER.unseal(HANDLE, bound_to=b"alice", now=99) == {"state": "s"}


@pytest.mark.parametrize(
    ("handle", "bound_to", "now"),
    [
        (HANDLE, b"alice", 100),
        (HANDLE, b"bob", 1),
        (HANDLE + "-TAMPERED", b"alice", 1),
        (HANDLE[:-2], b"alice", 1),
        ("", b"alice", 1),
        (None, b"alice", 1),
        (7, b"alice", 1),
        ("ü", b"alice", 1),
        ("A" * 100_000, b"alice", 1),
    ],
)
def test_refused(handle: object, bound_to: bytes, now: int) -> None:
    with pytest.raises(RemoteError) as caught:
        SEALER.unseal(handle, bound_to=bound_to, now=now)
    assert caught.value.rpc_code == -32602


def test_keys_of_different_purposes_differ() -> None:
    keys = {derive(b"m" * 32, purpose) for purpose in ("request-state", "cursor", "secrets")}
    assert len(keys) == 3
    assert all(len(key) == 32 for key in keys)


def test_another_key_does_not_open() -> None:
    with pytest.raises(RemoteError):
        Sealer(b"o" * 32).unseal(HANDLE, bound_to=b"alice", now=1)


@given(st.integers(0, len(HANDLE) - 1), st.sampled_from("ABCabc019-_"))
def test_any_changed_character_is_refused(at: int, character: str) -> None:
    changed = HANDLE[:at] + character + HANDLE[at + 1 :]
    if changed == HANDLE:
        return
    with pytest.raises(RemoteError):
        SEALER.unseal(changed, bound_to=b"alice", now=1)
