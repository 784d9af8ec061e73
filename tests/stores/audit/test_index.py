"""The index: nothing but the records, rebuilt at will, never in the way."""

import sqlite3
import stat

import orjson
import pytest

from keepgate.model.errors import LocalError
from keepgate.stores.audit import Pace
from keepgate.stores.audit.index import Filter, Index
from keepgate.stores.audit.reading import records
from tests.audit.made import ENTRY, entry

PACE = Pace(segment_bytes=3000)


@pytest.fixture
def index(state):
    made = Index(state / "index.db", state)
    yield made
    made.close()


@pytest.fixture
def two_logs(opened):
    """Two writers, several segments; times interleave."""
    logs = [opened(pace=PACE), opened(pace=PACE)]
    for number in range(20):
        logs[number % 2].append(
            entry(
                time_ns=ENTRY.time_ns + number,
                trace=f"t{number // 2}",
                principal=f"key:{number % 3}",
                server=("files", "crm")[number % 2],
                name=f"tool{number % 4}",
                method=("tools/call", "prompts/get")[number % 5 == 0],
                effect=("allow", "deny")[number % 7 == 0],
            )
        )
    return logs


def everything(logs) -> list[dict]:
    found = [orjson.loads(stored.data) for log in logs for stored in records(log.directory, 0, 0)]
    return sorted(found, key=lambda record: record["time"])


def answers(index, **wanted) -> list[dict]:
    index.catch_up()
    return [record for _, record in index.query(Filter(**wanted), limit=1000)]


def test_every_record_is_found_once_in_the_order_of_time(index, two_logs):
    assert index.catch_up() == 20
    assert index.catch_up() == 0
    assert answers(index) == everything(two_logs)


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ({"server": "crm"}, lambda r: r["server"] == "crm"),
        ({"method": "prompts/get"}, lambda r: r["method"] == "prompts/get"),
        ({"effect": "deny"}, lambda r: r["verdict"]["effect"] == "deny"),
        ({"trace": "t3"}, lambda r: r["trace"] == "t3"),
        ({"names": frozenset({"tool1", "tool2"})}, lambda r: r["name"] in {"tool1", "tool2"}),
        ({"since": "2026-11-21T08:33:20.123456795Z"}, lambda r: r["time"] >= "2026-11-21T08:33:20.123456795Z"),
        ({"until": "2026-11-21T08:33:20.123456795Z"}, lambda r: r["time"] < "2026-11-21T08:33:20.123456795Z"),
        ({"server": "files", "effect": "deny"}, lambda r: (r["server"], r["verdict"]["effect"]) == ("files", "deny")),
    ],
    ids=["server", "method", "effect", "trace", "names", "since", "until", "server and effect"],
)  # fmt: skip
def test_each_filter_finds_what_a_walk_over_the_records_finds(index, two_logs, wanted, matches):
    expected = [record for record in everything(two_logs) if matches(record)]
    assert expected
    assert answers(index, **wanted) == expected


def test_principals_are_found_by_any_of_their_pseudonyms(index, two_logs):
    some = {record["principal"] for record in everything(two_logs)[:2]}
    found = answers(index, principals=frozenset(some))
    assert {record["principal"] for record in found} == some


def test_limit_keeps_the_newest_and_after_leaves_out_the_known(index, two_logs):
    index.catch_up()
    newest = index.query(Filter(), limit=3)
    assert [record for _, record in newest] == everything(two_logs)[-3:]
    known = max(number for number, _ in index.query(Filter(), limit=100))
    two_logs[0].append(entry(trace="new"))
    index.catch_up()
    ((_, record),) = index.query(Filter(), limit=100, after=known)
    assert record["trace"] == "new"


def test_an_index_that_was_deleted_is_the_same_again(index, two_logs, state):
    before = answers(index)
    for path in state.glob("index.db*"):
        path.unlink()
    assert answers(Index(state / "index.db", state)) == before


def test_an_index_that_grew_with_the_log_is_the_one_built_at_once(index, opened, state):
    log = opened(pace=PACE)
    for _ in range(12):
        log.append(ENTRY)
        index.catch_up()
    fresh = Index(state / "fresh.db", state)
    fresh.catch_up()
    assert index.query(Filter(), limit=100) == fresh.query(Filter(), limit=100)


def test_tables_of_another_version_are_replaced(index, two_logs, state):
    index.catch_up()
    with sqlite3.connect(state / "index.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    assert len(answers(index)) == 20


def test_a_damaged_index_says_how_to_get_a_new_one(index, state):
    state.mkdir()
    (state / "index.db").write_bytes(b"not a database" * 100)
    with pytest.raises(LocalError, match="delete it"):
        index.catch_up()


def test_an_unfinished_record_waits_and_what_is_none_is_passed_over(index, two_logs, opened):
    path = max(two_logs[0].directory.glob("*.log"))
    two_logs[0].close()
    with path.open("ab") as stream:
        stream.write(b'{"no":"record"}\n{"unfinished')
    assert len(answers(index)) == 20


def test_records_that_are_gone_are_not_found(index, two_logs):
    index.catch_up()
    for path in two_logs[0].directory.glob("*.log"):
        path.unlink()
    assert {record["writer"] for record in answers(index)} == {two_logs[1].writer}


@pytest.mark.parametrize("regrown", [0, 1, 6])
def test_records_that_a_power_failure_took_are_forgotten(index, opened, state, regrown):
    log = opened()
    for number in range(4):
        log.append(entry(trace=f"lost{number}"))
    before = answers(index)
    path = log.directory / "00000001.log"
    lines = path.read_bytes().splitlines(keepends=True)
    log.close()
    for name in ("checkpoints", "00000001.log"):
        (log.directory / name).write_bytes(b"")
    path.write_bytes(b"".join(lines[:2]))
    again = opened()
    assert again.writer == log.writer
    for number in range(regrown):
        again.append(entry(trace=f"new{number}", reason="longer"))
    found = answers(Index(state / "index.db", state))
    assert found == everything([again])
    assert found[0] == before[0]


def test_the_thread_follows_the_log(index, two_logs):
    index.start()
    while len(index.query(Filter(), limit=100)) < 20:
        index._thread.join(0.01)
    index.close()
    assert not index._thread.is_alive()


def test_only_the_owner_reads_it(index, two_logs, state):
    index.catch_up()
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.glob("index.db*")} == {0o600}


def test_nothing_private_is_in_the_index(index, opened, state):
    log = opened()
    log.append(
        entry(payload=b'"NEEDLE"', private="NEEDLE", principal="NEEDLE", name="file:///NEEDLE", method="x")
    )
    index.catch_up()
    assert b"NEEDLE" not in b"".join(path.read_bytes() for path in state.glob("index.db*"))


@pytest.mark.parametrize("rare", [3, 50_000])
def test_many_kinds_of_records_are_found_whether_they_are_rare_or_not(index, opened, monkeypatch, rare):
    monkeypatch.setattr("keepgate.stores.audit.search._RARE", rare)
    log = opened()
    for number in range(150):
        log.append(
            entry(time_ns=ENTRY.time_ns + number, name=f"tool{number}", effect=("allow", "deny")[number % 2])
        )
    expected = [record for record in everything([log]) if record["verdict"]["effect"] == "deny"]
    assert answers(index, effect="deny") == expected
    assert [record for _, record in index.query(Filter(effect="deny"), limit=5)] == expected[-5:]


def test_conditions_narrow_together(index, two_logs):
    everyone = everything(two_logs)
    who, trace = everyone[3]["principal"], everyone[3]["trace"]
    wanted = [record for record in everyone if (record["principal"], record["trace"]) == (who, trace)]
    assert answers(index, principals=frozenset({who}), trace=trace) == wanted
    denied = [each for each in everyone if each["principal"] == who and each["verdict"]["effect"] == "allow"]
    assert answers(index, principals=frozenset({who}), effect="allow") == denied
    assert answers(index, trace=trace, effect="nothing") == []
