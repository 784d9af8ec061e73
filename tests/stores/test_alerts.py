"""alerts.db: sealed, bounded, and not to be fooled by who can write it."""

import sqlite3

import pytest

from keepgate.model.errors import LocalError
from keepgate.model.finding import Severity
from keepgate.stores import alerts
from keepgate.stores.alerts import Alerts, Raised
from keepgate.watch.alert import Alert, Sign, Subject
from keepgate.watch.engine import Watch
from keepgate.watch.silence import Silence
from tests.watch.made import weeks

MASTER = b"m" * 32


@pytest.fixture
def store(tmp_path):
    return Alerts(tmp_path, MASTER, lambda: 1000.0)


def raised(at=1.0, **subject):
    return Raised(Alert(at, Sign.RATE, Severity.HIGH, Subject(**subject), "seen", "expected", ("t1",), "i1"))


def test_what_was_raised_comes_back_whole_the_newest_first(store):
    first, second = raised(1.0, principal="user:ann"), raised(2.0, server="crm", name="read")
    store.add(first)
    store.add(second)
    assert store.newest() == [second, first]
    assert store.newest(since=1.5) == [second]
    assert store.get(first.alert.id) == first
    assert store.get("nothing") is None


def test_somebody_looks_after_it(store):
    store.add(raised())
    assert store.acknowledge(raised().alert.id, "local:me").acknowledged == "local:me"
    assert store.newest()[0].acknowledged == "local:me"
    with pytest.raises(LocalError, match="there is no alert"):
        store.acknowledge("x\x1b", "local:me")


def test_silences_end(store):
    store.silence(Silence("s1", 2000.0, "local:me", "known", "rate"))
    store.silence(Silence("s2", 900.0, "local:me", "known", "rate"))
    assert [one.id for one in store.silences()] == ["s1"]
    store.unsilence("s1")
    assert store.silences() == []
    with pytest.raises(LocalError, match="there is no silence"):
        store.unsilence("s1")


def test_neither_alerts_nor_silences_grow_without_end(store, monkeypatch):
    monkeypatch.setattr(alerts, "MAX_ALERTS", 5)
    monkeypatch.setattr(alerts, "MAX_SILENCES", 2)
    for at in range(9):
        store.add(raised(float(at)))
    assert [one.alert.time for one in store.newest()] == [8, 7, 6, 5, 4]
    for name in "ab":
        store.silence(Silence(name, 2000.0, "local:me", "known", "rate"))
    with pytest.raises(LocalError, match="there are 2 silences"):
        store.silence(Silence("c", 2000.0, "local:me", "known", "rate"))


def test_baselines_are_kept(store):
    assert store.baselines() is None
    watch = Watch()
    for event in weeks(9):
        watch.see(event)
    store.keep(watch.state())
    assert Watch.restored(store.baselines()).learning() == watch.learning()


def test_nothing_can_be_read_or_forged_without_the_key(store, tmp_path):
    store.add(raised(1.0, principal="user:ann"))
    store.silence(Silence("s1", 2000.0, "local:me", "known", "rate"))
    assert b"user:ann" not in (tmp_path / "alerts.db").read_bytes()
    with sqlite3.connect(tmp_path / "alerts.db") as database:
        database.execute("INSERT INTO silence SELECT 's2', until, sealed FROM silence")
        database.execute("UPDATE alert SET sealed = zeroblob(60)")
    assert [one.id for one in store.silences()] == ["s1"]
    assert store.newest() == []
    with pytest.raises(LocalError, match="without the key"):
        store.get(raised(1.0, principal="user:ann").alert.id)
    assert Alerts(tmp_path, b"n" * 32, lambda: 1000.0).silences() == []
