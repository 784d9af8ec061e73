import multiprocessing
import os
import time
from pathlib import Path

import pytest

from keepgate.auth.apikey import RECHECK, KeyRing, create, revoke, rotate
from keepgate.model.errors import LocalError
from keepgate.model.keys import ApiKey
from keepgate.stores.keys import JsonKeyStore

KEY = ApiKey("abcdefgh", "cursor", "00" * 32, 1.5)


@pytest.fixture
def store(tmp_path) -> JsonKeyStore:
    return JsonKeyStore(tmp_path / "state")


def test_a_store_that_was_never_written_is_empty(store):
    assert store.read() == ()
    assert store.version() is None
    assert not store.path.parent.exists()


def test_what_was_written_is_read_back(store):
    keys = (KEY, ApiKey("ijklmnop", "claude", "11" * 32, 2.0, 3.0, 4.0))
    store.update(lambda old: keys)
    assert JsonKeyStore(store.path.parent).read() == keys


def test_directory_and_files_are_the_users_own(store):
    store.update(lambda old: (KEY,))
    assert store.path.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in store.path.parent.iterdir()} == {0o600}


def test_every_change_changes_the_version(store):
    seen = {store.version()}
    for number in range(5):
        store.update(lambda old, number=number: (ApiKey("abcdefgh", f"n{number}", "00" * 32, 1.0),))
        seen.add(store.version())
    assert len(seen) == 6


def test_a_change_that_raises_leaves_everything_as_it_was(store):
    store.update(lambda old: (KEY,))
    before = store.path.read_bytes(), store.version()

    def fail(keys):
        raise LocalError("x", "no")

    with pytest.raises(LocalError):
        store.update(fail)
    assert (store.path.read_bytes(), store.version()) == before
    store.update(lambda old: old)


def test_a_failing_disk_leaves_the_old_keys(store, monkeypatch):
    store.update(lambda old: (KEY,))

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(LocalError, match=r"cannot write .*No space left"):
        store.update(lambda old: ())
    assert store.read() == (KEY,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"version": 2, "keys": []}',
        '{"version": 1}',
        '{"version": 1, "keys": [{"id": "abcdefgh", "name": "n"}]}',
        '{"version": 1, "keys": [{"id": "a", "name": "n", "digest": "00", "created": 1, "expires": "never"}]}',
    ],
)
def test_a_damaged_file_is_an_error_and_not_an_empty_store(store, text):
    store.update(lambda old: (KEY,))
    store.path.write_text(text)
    with pytest.raises(LocalError, match="is damaged"):
        store.read()
    with pytest.raises(LocalError, match="is damaged"):
        store.update(lambda old: ())
    assert store.path.read_text() == text


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_can_touch_is_not_trusted(store, mode):
    store.update(lambda old: (KEY,))
    store.path.chmod(mode)
    with pytest.raises(LocalError, match="open to other users: chmod 600"):
        store.read()


def test_a_file_that_cannot_be_read_is_an_error(store):
    store.path.mkdir(parents=True)
    with pytest.raises(LocalError, match="cannot read"):
        store.read()


def add(directory: Path, start: int) -> None:
    for number in range(start, start + 10):
        create(JsonKeyStore(directory), f"n{number}", now=1.0)


def test_writers_in_several_processes_lose_nothing(store):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=add, args=(store.path.parent, start)) for start in (0, 10, 20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert {key.name for key in store.read()} == {f"n{number}" for number in range(30)}


def test_a_key_lives_through_its_whole_life_on_disk(store):
    clock = [time.time()]
    ring = KeyRing(store, clock=lambda: clock[0])
    old = create(store, "cursor", now=clock[0])
    new = rotate(store, "cursor", now=clock[0], overlap=10)
    assert ring.authenticate(old) == ring.authenticate(new)
    assert old[12:] not in store.path.read_text()
    revoke(store, "cursor", now=clock[0])
    clock[0] += RECHECK
    assert ring.authenticate(old) is None
    assert ring.authenticate(new) is None


def test_a_deleted_file_closes_every_door(store):
    clock = [time.time()]
    ring = KeyRing(store, clock=lambda: clock[0])
    text = create(store, "cursor", now=clock[0])
    assert ring.authenticate(text) is not None
    store.path.unlink()
    clock[0] += RECHECK
    assert ring.authenticate(text) is None
