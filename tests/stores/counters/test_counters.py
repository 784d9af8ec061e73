"""The contract of `ports.Counters`, for every store of them; then what only the one on disk does."""

import sqlite3
import threading

import pytest

from keepgate.model.errors import LocalError
from keepgate.ports import Counters
from keepgate.stores.counters import MemoryCounters, SqliteCounters
from keepgate.stores.counters.memory import REST


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def made(request, clock, tmp_path):
    """Makes a store, with a bound for its size if one is given."""
    stores = []

    def make(**options) -> Counters:
        store = (
            MemoryCounters(clock, **options)
            if request.param == "memory"
            else SqliteCounters(tmp_path / "b.db", clock, **options)
        )
        stores.append(store)
        return store

    yield make
    for store in stores:
        store.close()


# --- the contract ---------------------------------------------------------------------------------


def test_what_is_added_is_used_at_once_and_by_key(made):
    store = made()
    assert store.used("a") == 0
    store.add("a", 2000, 1.5)
    store.add("a", 2000, 2)
    store.add("b", 2000, 7)
    assert (store.used("a"), store.used("b"), store.used("c")) == (3.5, 7, 0)


def test_a_window_that_has_ended_is_empty_and_begins_anew(made, clock):
    store = made()
    store.add("a", 2000, 5)
    clock.now = 1999.9
    assert store.used("a") == 5
    clock.now = 2000.0
    assert store.used("a") == 0
    store.add("a", 3000, 1)
    assert store.used("a") == 1


def test_without_room_newcomers_share_one_counter_and_who_is_there_keeps_his(made):
    store = made(most=2)
    store.add("a", 2000, 1)
    store.add("b", 2000, 2)
    for key in ("c", "d", "e"):
        store.add(key, 2000, 10)
    assert (store.used("a"), store.used("b")) == (1, 2)
    assert store.used("c") == store.used("z") == 30


def test_what_has_ended_makes_room(made, clock):
    store = made(most=2)
    store.add("a", 2000, 1)
    store.add("b", 4000, 1)
    clock.now = 2500.0
    store.add("c", 4000, 5)
    assert (store.used("b"), store.used("c"), store.used("d")) == (1, 5, 0)


def test_closing_twice_is_closing(made):
    store = made()
    store.add("a", 2000, 1)
    store.close()
    store.close()


# --- on disk --------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "budgets.db"


def test_what_was_used_outlives_the_process_and_no_longer_than_its_window(path, clock):
    first = SqliteCounters(path, clock)
    first.add("day", 2000, 5)
    first.add("month", 9000, 6)
    first.close()
    assert path.stat().st_mode & 0o777 == 0o600
    clock.now = 3000.0
    second = SqliteCounters(path, clock)
    assert (second.used("day"), second.used("month")) == (0, 6)
    second.add("month", 9000, 1)
    second.close()
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT key, used FROM counter").fetchall() == [("month", 7.0)]


def test_processes_add_to_each_other(path, clock):
    one, two = SqliteCounters(path, clock), SqliteCounters(path, clock)
    one.add("a", 2000, 5)
    two.add("a", 2000, 2)
    one.flush()
    two.flush()
    assert two.used("a") == 7
    one.add("a", 2000, 1)
    one.flush()
    assert one.used("a") == 8
    one.close()
    two.close()


def test_a_store_that_cannot_be_written_counts_on_and_writes_later(path, clock, caplog):
    store = SqliteCounters(path, clock)
    store.add("a", 2000, 5)
    blocked = sqlite3.connect(path, isolation_level=None)
    blocked.execute("DROP TABLE counter")
    blocked.execute("CREATE VIEW counter AS SELECT 1 AS key, 2 AS until, 3 AS used")
    store.flush()
    store.flush()
    store.add("a", 2000, 1)
    assert store.used("a") == 6
    assert len([record for record in caplog.records if "cannot be written" in record.message]) == 1
    blocked.execute("DROP VIEW counter")
    blocked.close()
    store.close()
    again = SqliteCounters(path, clock)
    assert again.used("a") == 6
    again.close()


def test_a_file_that_is_no_database_is_an_error_with_its_name(path, clock):
    path.parent.mkdir()
    path.write_bytes(b"x" * 5000)
    with pytest.raises(LocalError, match=r"cannot use .*budgets\.db"):
        SqliteCounters(path, clock)


def test_more_than_there_is_room_for_is_not_read_back(path, clock):
    store = SqliteCounters(path, clock)
    for number in range(5):
        store.add(str(number), 2000 + number, 1)
    store.close()
    again = SqliteCounters(path, clock, most=3)
    assert [again.used(str(number)) for number in range(5)] == [0, 0, 1, 1, 1]
    again.add("new", 2000, 4)
    again.close()
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT used FROM counter WHERE key = ?", (REST,)).fetchone() == (4.0,)


def test_nothing_is_lost_between_the_thread_that_writes_and_who_counts(path, clock):
    store = SqliteCounters(path, clock)
    flushing = [threading.Thread(target=lambda: [store.flush() for _ in range(20)]) for _ in range(2)]
    for thread in flushing:
        thread.start()
    for _ in range(3000):
        store.add("a", 2000, 1)
    for thread in flushing:
        thread.join()
    assert store.used("a") == 3000
    store.close()
    again = SqliteCounters(path, clock)
    assert again.used("a") == 3000
    again.close()
