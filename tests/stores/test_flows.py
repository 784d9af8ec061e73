"""Flows that are kept: by several processes, over a restart, against whoever has not the key."""

import os
import sqlite3
from pathlib import Path

import pytest

from keepgate.model.errors import LocalError
from keepgate.model.flow import KeptFlow, Origin
from keepgate.stores.flows import Flows

MASTER = os.urandom(32)
A, B = Origin("private", "crm", "get", 5.0, said=True), Origin("untrusted", "web", "get", 6.0)


def store(state: Path, master: bytes = MASTER) -> Flows:
    return Flows(state, master, keep=100)


def test_what_is_kept_is_there_again(tmp_path):
    first = store(tmp_path)
    assert first.load("key:a") is None
    first.add("key:a", [A], 10.0)
    first.add("key:a", [A, B], 12.0)
    first.touch("key:a", 11.0)
    first.touch("key:nobody", 11.0)
    again = store(tmp_path)
    kept = again.load("key:a")
    assert (kept.principal, kept.last, set(kept.origins)) == ("key:a", 12.0, {A, B})
    assert again.load("key:b") is None
    assert [each.principal for each in again.every()] == ["key:a"]
    assert again.clear("key:a")
    assert not again.clear("key:a")
    assert first.load("key:a") is None


def test_two_processes_never_overwrite_each_other_and_hear_of_it(tmp_path):
    first, second = store(tmp_path), store(tmp_path)
    assert not first.changed()
    assert not second.changed()
    first.add("key:a", [A], 10.0)
    second.add("key:a", [B], 10.0)
    assert first.changed()
    assert not first.changed()
    assert set(first.load("key:a").origins) == {A, B} == set(second.load("key:a").origins)


def test_what_nothing_was_heard_of_for_long_goes(tmp_path):
    flows = store(tmp_path)
    flows.add("key:a", [A], 10.0)
    flows.add("key:b", [B], 111.0)
    assert flows.every() == [KeptFlow("key:b", 111.0, (B,))]


def test_the_file_tells_nothing_without_the_key(tmp_path):
    store(tmp_path).add(
        "key:alice-in-wonderland", [Origin("private", "payroll-server", "get_salary", 1.0)], 1.0
    )
    raw = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert not any(word in raw for word in (b"alice", b"payroll", b"salary", b"private"))
    assert (tmp_path / "flows.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE origin SET sealed = (SELECT sealed FROM origin LIMIT 1 OFFSET 1)",
        "UPDATE flow SET sealed = zeroblob(60)",
        "UPDATE origin SET sealed = x'00'",
        "UPDATE flow SET flow = zeroblob(32)",
    ],
)
def test_what_was_changed_without_the_key_is_an_error(tmp_path, change):
    flows = store(tmp_path)
    flows.add("key:a", [A, B], 10.0)
    with sqlite3.connect(tmp_path / "flows.db") as database:
        database.execute(change)
    with pytest.raises(LocalError):
        flows.every()


def test_another_key_opens_nothing(tmp_path):
    store(tmp_path).add("key:a", [A], 10.0)
    other = store(tmp_path, os.urandom(32))
    assert other.load("key:a") is None
    with pytest.raises(LocalError):
        other.every()


def test_what_cannot_be_used_says_so(tmp_path):
    (tmp_path / "flows.db").write_bytes(b"nonsense" * 1000)
    flows = store(tmp_path)
    for use in (flows.changed, flows.every, lambda: flows.load("a"), lambda: flows.add("a", [A], 1.0)):
        with pytest.raises(LocalError, match=r"flows\.db"):
            use()
    flows.close()


def test_there_is_an_end_to_it(tmp_path, monkeypatch):
    flows = store(tmp_path)
    flows.add("key:a", [A], 10.0)
    monkeypatch.setattr("keepgate.stores.flows.PAGES", 1)
    with pytest.raises(LocalError, match="clear some"):
        flows.add("key:a", [B], 10.0)
    assert flows.load("key:a").origins == (A,)
    flows.close()
    flows.close()
