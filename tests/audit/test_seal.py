"""Keys for one purpose each, payloads bound to their record, names that say no more than they must."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.audit.checkpoint import EvidenceError
from keepgate.audit.seal import KEY, NONCE, DataKey, binding, subkey, unwrap, wrap

KEK = b"K" * KEY
KEY_ = DataKey(b"k" * KEY, "key:cursor", "2026-11")
N = b"n" * NONCE


@given(st.binary(max_size=300), st.text(max_size=20))
def test_what_is_wrapped_is_unwrapped_by_the_same_key_for_the_same_purpose(plain, purpose):
    assert unwrap(KEK, purpose, wrap(KEK, purpose, N, plain)) == plain


@pytest.mark.parametrize(
    ("kek", "purpose", "stored"),
    [
        (b"L" * KEY, "signing-key", wrap(KEK, "signing-key", N, b"seed")),
        (KEK, "data-key", wrap(KEK, "signing-key", N, b"seed")),
        (KEK, "signing-key", wrap(KEK, "signing-key", N, b"seed")[:-1]),
        (KEK, "signing-key", b""),
    ],
)
def test_another_key_purpose_or_text_opens_nothing(kek, purpose, stored):
    with pytest.raises(EvidenceError):
        unwrap(kek, purpose, stored)


def test_purposes_have_different_keys():
    assert len({subkey(KEK, purpose) for purpose in ("payload", "digest", "pseudonym", "")} | {KEK}) == 5


def test_a_data_key_survives_the_way_through_its_file():
    again = DataKey.unwrapped(KEK, KEY_.wrapped(KEK, N))
    assert (again.id, again.principal, again.period) == (KEY_.id, "key:cursor", "2026-11")
    assert again.unseal(N, KEY_.seal(N, b"secret", b"aad"), b"aad") == b"secret"


def test_a_payload_opens_only_at_its_own_record():
    sealed = KEY_.seal(N, b"secret", binding("w", 7))
    assert b"secret" not in sealed
    assert KEY_.unseal(N, sealed, binding("w", 7)) == b"secret"
    for aad in (binding("w", 8), binding("v", 7)):
        with pytest.raises(EvidenceError):
            KEY_.unseal(N, sealed, aad)


def test_pseudonym_and_digest_mean_nothing_without_the_key():
    other = DataKey(b"o" * KEY, "key:cursor", "2026-11")
    assert other.id != KEY_.id
    assert other.digest(b"yes") != KEY_.digest(b"yes")
    assert KEY_.digest(b"yes") == KEY_.digest(b"yes") != KEY_.digest(b"no")


D = KEY_.digest


@pytest.mark.parametrize(
    ("method", "name", "shown"),
    [
        ("tools/call", "read_file", "read_file"),
        ("tools/call", "server:tool", "server:tool"),
        ("prompts/get", "a:b", "a:b"),
        ("resources/read", "file:///home/alice/x?token=1", "file:#"),
        ("resources/read", "https://u:p@host.example:8443/a?b#c", "https://host.example:8443#"),
        ("resources/read", "https://host?token=1", "https://host#"),
        ("resources/read", "https://host#token", "https://host#"),
        ("resources/read", "data:text/plain,secret", "data:#"),
        ("completion/complete", "mailto:alice@example.com", "mailto:#"),
        ("notifications/resources/updated", "memo://notes/1", "memo://notes#"),
        ("logging/setLevel", "", ""),
    ],
)
def test_a_uri_is_shown_by_scheme_and_host(method, name, shown):
    digest = KEY_.digest(name.encode())[:16] if shown.endswith("#") else ""
    assert KEY_.shown(method, name) == shown + digest
