"""The table of tasks: lifetimes, bounds, names that come again."""

from __future__ import annotations

import pytest

from keepgate.gateway.settings import Limits, ServerSettings
from keepgate.gateway.task_table import GRACE, TaskTable
from keepgate.protocol.eras import Era
from keepgate.protocol.tasks import State
from tests.gateway.lab import settings
from tests.gateway.task_lab import Tasks


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def table(clock):
    return TaskTable(Limits(tasks=3, task_ttl=100.0), clock)


def server(name: str = "a") -> ServerSettings:
    return settings(name, Tasks().server)


A = server()


def add(table, who="alice", own="1", tool="job", *, ttl=50_000, status="working", where=A, receiver=0):
    state = State(own, status, ttl, None)
    return table.add(who, where, receiver, tool, Era.STATELESS, state)


@pytest.mark.parametrize(("ttl", "seconds"), [(50_000, 50), (None, 100), (10**12, 100), (0, 0)])
def test_a_task_is_kept_as_long_as_its_server_says_and_never_without_end(table, clock, ttl, seconds):
    known = add(table, ttl=ttl)
    clock.now += seconds + GRACE - 1
    assert table.find(known.id, "alice") is known, "never earlier"
    clock.now += 1
    assert table.find(known.id, "alice") is None
    assert len(table) == 0


def test_a_server_may_change_the_lifetime_but_not_beyond_the_limit(table, clock):
    known = add(table, ttl=1000)
    table.seen(known, State("1", "working", 90_000, None))
    clock.now += 89
    assert table.find(known.id, "alice") is known
    table.seen(known, State("1", "working", 10**9, None))
    clock.now += 100 + GRACE - 89
    assert table.find(known.id, "alice") is None


def test_sweeping_forgets_what_has_expired_and_nothing_else(table, clock):
    add(table, own="1", ttl=1000)
    kept = add(table, own="2", ttl=90_000)
    clock.now += 2 + GRACE
    table.sweep()
    assert table.of("alice") == [kept]


def test_another_principals_id_an_unknown_one_and_no_id_are_the_same(table):
    known = add(table)
    for task_id, who in ((known.id, "bob"), ("x", "alice"), (None, "alice"), (7, "alice"), ([], "alice")):
        assert table.find(task_id, who) is None


def test_ids_cannot_be_guessed(table):
    ids = {add(table, own=str(number)).id for number in range(50)}
    assert len(ids) == 50
    assert all(len(each) >= 32 for each in ids)


def test_the_same_handle_once_more_is_the_same_task(table):
    assert add(table) is add(table)
    assert len(table) == 1


@pytest.mark.parametrize("again", [{"who": "bob"}, {"tool": "other"}])
def test_a_name_that_comes_again_names_the_newest_task_only(table, again):
    first = add(table)
    second = add(table, **again)
    assert second.id != first.id
    assert table.find(first.id, "alice") is None
    assert table.called(A, Era.STATELESS, 0, "1", second.principal) is second


def test_an_ended_name_that_comes_again_is_a_new_task(table):
    first = add(table, status="completed")
    assert add(table) is not first


def test_processes_number_for_themselves(table):
    first, second = add(table, receiver=1), add(table, receiver=2)
    assert first is not second
    assert table.called(A, Era.STATELESS, 1, "1", "alice") is first
    assert table.called(A, Era.STATELESS, 2, "1", "alice") is second
    assert table.called(A, Era.HANDSHAKE, 1, "1", "alice") is None
    assert table.called(A, Era.STATELESS, 1, "1", "bob") is None
    assert table.called(A, Era.STATELESS, 1, 7, "alice") is None


def test_a_server_of_the_same_name_is_another_server(table):
    add(table)
    assert table.called(server(), Era.STATELESS, 0, "1", "alice") is None


def test_there_is_room_until_there_is_not(table):
    first, *_ = [add(table, own=str(number)) for number in range(3)]
    assert not table.room("alice")
    assert table.room("bob")
    table.seen(first, State("0", "failed", 50_000, None))
    assert table.room("alice"), "an ended one gives way"
    add(table, own="9")
    assert table.find(first.id, "alice") is None
    assert not table.room("alice")


def test_expired_tasks_leave_room(table, clock):
    for number in range(3):
        add(table, own=str(number), ttl=0)
    clock.now += GRACE
    assert table.room("alice")


def test_whatever_servers_do_there_are_no_more_than_allowed(table):
    known = [add(table, own=str(number)) for number in range(10)]
    assert table.of("alice") == known[-3:]


def test_an_ended_task_does_not_begin_again(table):
    known = add(table, status="completed")
    table.seen(known, State("1", "working", 1, None))
    assert known.ended


def test_what_is_kept_for_lists_is_small(table):
    known = add(table)
    task = {
        "taskId": "1",
        "status": "working",
        "statusMessage": "x" * 100_000,
        "result": {"content": []},
        "n": None,
    }
    table.seen(known, State("1", "working", 1, None), task)
    assert len(known.task["statusMessage"]) == 4096
    assert "result" not in known.task


def test_a_server_cannot_fill_the_memory_with_members_of_its_own(table):
    known = add(table)
    extra = {f"x-{number}": "y" * 100_000 for number in range(1000)}
    table.seen(
        known, State("1", "working", 1, None), {"taskId": "1", "status": "working", **extra, "z" * 9000: 1}
    )
    assert (known.task["taskId"], known.task["status"]) == ("1", "working")
    assert sum(len(name) + len(str(value)) for name, value in known.task.items()) < 200_000


def test_tasks_go_with_their_server(table):
    gone, kept = add(table), add(table, own="2", where=server("b"))
    table.forget_servers({"a"})
    assert table.find(gone.id, "alice") is None
    assert table.of("alice") == [kept]
