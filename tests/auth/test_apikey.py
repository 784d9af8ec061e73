import hmac
import logging
from collections.abc import Callable

import pytest

from keepgate.auth import apikey
from keepgate.auth.apikey import KEY_CHARS, RECHECK, KeyRing, Keys, create, revoke, rotate
from keepgate.model.access import Principal
from keepgate.model.errors import LocalError


class Memory:
    """A store that can break, and counts how often it is read."""

    def __init__(self) -> None:
        self.keys: Keys = ()
        self.broken = False
        self.reads = 0
        self._version = 0

    def read(self) -> Keys:
        self.reads += 1
        if self.broken:
            raise LocalError("keys-damaged", "the file is damaged")
        return self.keys

    def update(self, change: Callable[[Keys], Keys]) -> None:
        self.keys = change(self.keys)
        self._version += 1

    def version(self) -> object:
        return self._version


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Memory:
    return Memory()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(store, clock) -> KeyRing:
    return KeyRing(store, clock=clock)


# --- making ---------------------------------------------------------------------------------------


def test_a_key_has_a_public_id_and_a_secret_that_is_not_kept(store):
    text = create(store, "cursor", now=1.0)
    (key,) = store.keys
    assert len(text) == KEY_CHARS
    assert text.isascii()
    assert text.startswith(f"kg_{key.id}_")
    assert text[12:] not in repr(store.keys)
    assert (key.name, key.created, key.expires, key.revoked) == ("cursor", 1.0, None, None)
    assert len(bytes.fromhex(key.digest)) == 32


def test_no_two_keys_are_alike(store):
    made = {create(store, f"n{number}", now=1.0) for number in range(200)}
    assert len(made) == len({text[12:] for text in made}) == len({text[3:11] for text in made}) == 200


@pytest.mark.parametrize("name", ["", "a b", "a\n", "a/b", "key:a", "é", "x" * 65, "\x1b[2J"])
def test_a_name_is_plain_words(store, name):
    with pytest.raises(LocalError, match="a key name has"):
        create(store, name, now=1.0)
    assert store.keys == ()


def test_a_live_name_is_unique_and_a_dead_one_can_be_given_again(store):
    create(store, "a", now=1.0, lifetime=10)
    with pytest.raises(LocalError, match="there is a key `a` already: rotate or revoke it"):
        create(store, "a", now=5.0)
    create(store, "a", now=11.0)
    revoke(store, "a", now=12.0)
    create(store, "a", now=13.0)
    assert len(store.keys) == 3


def test_an_id_that_is_taken_is_refused(store, monkeypatch):
    monkeypatch.setattr(apikey.secrets, "choice", lambda chars: chars[0])
    create(store, "a", now=1.0)
    with pytest.raises(LocalError, match="taken"):
        create(store, "b", now=1.0)


# --- recognising ----------------------------------------------------------------------------------


def test_a_key_is_its_principal(store, ring):
    assert ring.authenticate(create(store, "cursor", now=1.0)) == Principal("key:cursor", "key")


def test_keys_are_told_apart(store, ring):
    one, two = create(store, "one", now=1.0), create(store, "two", now=1.0)
    assert [ring.authenticate(text).id for text in (one, two, one)] == ["key:one", "key:two", "key:one"]
    assert ring.authenticate(one[:12] + two[12:]) is None
    assert ring.authenticate(two[:12] + one[12:]) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text.upper(),
        lambda text: "KG" + text[2:],
        lambda text: text[:11] + "-" + text[12:],
        lambda text: f" {text}"[:KEY_CHARS],
        lambda text: text[:-1] + "é",
        lambda text: text[:-1] + "\ud800",
        lambda text: "\0" * KEY_CHARS,
        lambda text: text * 100_000,
    ],
)
def test_anything_else_is_nobody(store, ring, spoil):
    text = create(store, "a", now=1.0)
    assert ring.authenticate(text) is not None
    assert ring.authenticate(spoil(text)) is None


def test_every_well_formed_key_costs_one_hash_and_one_comparison_known_or_not(store, ring, monkeypatch):
    text = create(store, "a", now=1.0)
    compared = []

    def compare(first: bytes, second: bytes) -> bool:
        compared.append((len(first), len(second)))
        return hmac.compare_digest(first, second)

    monkeypatch.setattr(apikey, "compare_digest", compare)
    assert ring.authenticate(text) is not None
    assert ring.authenticate(f"kg_zzzzzzzz_{text[12:]}") is None
    assert ring.authenticate(text[:-2] + "--") is None
    assert compared == [(32, 32)] * 3


def test_the_store_is_looked_at_once_a_second_and_read_when_it_changed(store, ring, clock):
    text = create(store, "a", now=1.0)
    for _ in range(5):
        ring.authenticate(text)
        clock.now += RECHECK
    assert store.reads == 1


def test_a_clock_that_is_set_back_is_a_reason_to_look(store, ring, clock):
    text = create(store, "a", now=1.0)
    ring.authenticate(text)
    revoke(store, "a", now=1000.0)
    clock.now -= 500
    assert ring.authenticate(text) is None


# --- ending ---------------------------------------------------------------------------------------


def test_a_key_ends_when_it_expires(store, ring, clock):
    text = create(store, "a", now=clock.now, lifetime=10)
    clock.now += 9.99
    assert ring.authenticate(text) is not None
    clock.now += 0.01
    assert ring.authenticate(text) is None


def test_a_revoked_key_ends_within_a_second(store, ring, clock):
    text = create(store, "a", now=1.0)
    assert ring.authenticate(text) is not None
    revoke(store, "a", now=clock.now)
    clock.now += RECHECK
    assert ring.authenticate(text) is None


def test_a_new_key_works_within_a_second(store, ring, clock):
    assert ring.authenticate("x" * KEY_CHARS) is None
    text = create(store, "a", now=1.0)
    clock.now += RECHECK
    assert ring.authenticate(text) is not None


def test_rotation_ends_the_old_key_at_once(store, ring, clock):
    old = create(store, "a", now=1.0)
    new = rotate(store, "a", now=clock.now)
    assert ring.authenticate(old) is None
    assert ring.authenticate(new) == Principal("key:a", "key")


def test_rotation_may_overlap(store, ring, clock):
    old = create(store, "a", now=1.0)
    new = rotate(store, "a", now=clock.now, overlap=60)
    assert ring.authenticate(old) == ring.authenticate(new) == Principal("key:a", "key")
    clock.now += 60
    assert ring.authenticate(old) is None
    assert ring.authenticate(new) is not None


def test_an_overlap_never_prolongs_a_key(store):
    create(store, "a", now=0.0, lifetime=10)
    rotate(store, "a", now=5.0, overlap=1000)
    assert [key.expires for key in store.keys] == [10.0, 15.0]


def test_a_rotated_key_lives_as_long_as_the_old_one_was_meant_to_unless_told(store):
    create(store, "a", now=0.0, lifetime=100)
    rotate(store, "a", now=50.0)
    assert store.keys[-1].expires == 150.0
    rotate(store, "a", now=60.0, lifetime=5)
    assert store.keys[-1].expires == 65.0


def test_revoking_ends_the_overlapping_key_as_well(store, ring, clock):
    old = create(store, "a", now=1.0)
    new = rotate(store, "a", now=clock.now, overlap=60)
    revoke(store, "a", now=clock.now)
    assert ring.authenticate(old) is None
    assert ring.authenticate(new) is None


def test_an_unknown_name_is_named(store):
    create(store, "a", now=1.0)
    for change in (rotate, revoke):
        with pytest.raises(LocalError, match="there is no live key `b`"):
            change(store, "b", now=1.0)
    revoke(store, "a", now=2.0)
    with pytest.raises(LocalError, match="there is no live key `a`"):
        rotate(store, "a", now=3.0)


def test_a_store_that_cannot_be_read_opens_nothing_until_it_can(store, ring, clock, caplog):
    text = create(store, "a", now=1.0)
    assert ring.authenticate(text) is not None
    store.broken = True
    store._version += 1
    clock.now += RECHECK
    with caplog.at_level(logging.ERROR):
        assert ring.authenticate(text) is None
    assert "no API key is accepted: the file is damaged" in caplog.text
    store.broken = False
    clock.now += RECHECK
    assert ring.authenticate(text) is not None


def test_a_principal_is_live_as_long_as_its_key() -> None:
    """What a revoked key has opened is ended by asking this."""
    store, now = Memory(), [1000.0]
    ring = KeyRing(store, clock=lambda: now[0])
    principal = ring.authenticate(create(store, "cursor", now=now[0], lifetime=100))
    assert principal is not None
    assert ring.live(principal)
    assert ring.live(Principal("anonymous", "anonymous"))
    now[0] += 101
    assert not ring.live(principal)
