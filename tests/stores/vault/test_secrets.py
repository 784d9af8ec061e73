"""The sealed store of secrets: what it keeps, what it refuses, what its file gives away."""

import stat
from multiprocessing.pool import ThreadPool

import pytest

from keepgate.model.errors import LocalError
from keepgate.stores.vault import SecretStore
from keepgate.stores.vault.secrets import MAX_NAMES, MAX_VALUE
from tests.stores.vault.made import keys


@pytest.fixture
def store(tmp_path):
    return SecretStore(keys(tmp_path / "state"))


def test_what_was_put_is_had_and_names_are_sorted(store):
    assert store.names() == ()
    store.put({"b.TOKEN": "two", "a.TOKEN": "one é"})
    store.put({"b.TOKEN": "three"})
    assert store.names() == ("a.TOKEN", "b.TOKEN")
    assert (store.get("a.TOKEN"), store.get("b.TOKEN")) == ("one é", "three")
    store.remove("a.TOKEN")
    assert store.names() == ("b.TOKEN",)


def test_the_file_gives_away_neither_names_nor_values_and_is_its_owners_alone(store):
    store.put({"github.TOKEN": "ghp_secret"})
    data = store.path.read_bytes()
    assert b"ghp_secret" not in data
    assert b"github" not in data
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_the_same_content_is_never_sealed_alike(store):
    store.put({"a": "b"})
    first = store.path.read_bytes()
    store.put({"a": "b"})
    assert store.path.read_bytes() != first


def test_any_change_of_the_file_is_noticed(store):
    store.put({"a": "b"})
    data = store.path.read_bytes()
    for index in range(len(data)):
        store.path.write_bytes(data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :])
        with pytest.raises(LocalError, match="does not open"):
            store.get("a")
    for short in (b"", data[:10], data[:-1]):
        store.path.write_bytes(short)
        with pytest.raises(LocalError, match="does not open"):
            store.names()


def test_another_key_does_not_open_it_and_does_not_replace_it(store):
    store.put({"a": "b"})
    other = SecretStore(keys(store.path.parent, 1))
    with pytest.raises(LocalError, match="wrapped by another key"):
        other.put({"c": "d"})
    assert store.get("a") == "b"


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../x", "é", "x" * 129])
def test_a_malformed_name_is_refused(store, name):
    with pytest.raises(LocalError, match="name has"):
        store.put({name: "x"})


@pytest.mark.parametrize("value", ["", "x" * (MAX_VALUE + 1), "a\0b"])
def test_a_malformed_value_is_refused_and_not_repeated(store, value):
    with pytest.raises(LocalError) as caught:
        store.put({"good": "x", "bad": value})
    assert len(str(caught.value)) < 100
    assert store.names() == ()


def test_an_unknown_name_is_named_with_the_way_out(store):
    with pytest.raises(LocalError, match="`keepgate secrets set a`"):
        store.get("a")
    with pytest.raises(LocalError, match="no secret `a`"):
        store.remove("a")


def test_there_is_a_bound(store):
    with pytest.raises(LocalError, match="more than"):
        store.put({f"n{number}": "x" for number in range(MAX_NAMES + 1)})


def test_a_disk_that_fails_is_said(store, monkeypatch):
    import os

    def full(descriptor):
        raise OSError(28, "No space left on device")

    store.put({"a": "b"})
    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(LocalError, match="No space"):
        store.put({"a": "c"})
    monkeypatch.undo()
    assert store.get("a") == "b"


def test_writers_at_the_same_time_lose_nothing(store):
    with ThreadPool(8) as pool:
        pool.map(
            lambda number: SecretStore(keys(store.path.parent)).put({f"n{number}": str(number)}), range(40)
        )
    assert len(store.names()) == 40
