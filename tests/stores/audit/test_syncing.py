"""Group commit: nobody is served by a commit that began before, and nobody is forgotten."""

import asyncio
import threading

import pytest

from keepgate.model.errors import AuditError
from keepgate.stores.audit.syncing import Syncer


class Disk:
    """A commit that takes as long as the test wants, and fails as it wants."""

    def __init__(self):
        self.began = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.turns = 0
        self.failure = None

    def commit(self):
        self.turns += 1
        self.began.release()
        assert self.gate.acquire(timeout=5)
        if self.failure:
            raise self.failure


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def syncer(disk):
    made = Syncer(disk.commit)
    yield made
    disk.gate.release(100)
    made.close()


async def begun(disk):
    assert await asyncio.to_thread(disk.began.acquire, timeout=5)


async def waiting(syncer, count):
    """So many tasks that wait, and have been handed to the thread."""
    tasks = [asyncio.ensure_future(syncer.wait()) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_all_who_come_in_one_turn_of_the_loop_are_served_by_one_turn_of_the_disk(disk, syncer):
    disk.gate.release(10)

    async def scenario():
        await asyncio.gather(*(syncer.wait() for _ in range(200)))

    asyncio.run(scenario())
    assert disk.turns == 1


def test_who_comes_while_the_disk_works_is_served_by_its_next_turn(disk, syncer):
    async def scenario():
        early = await waiting(syncer, 1)
        await begun(disk)
        late = await waiting(syncer, 50)
        disk.gate.release()
        await asyncio.gather(*early)
        assert not any(task.done() for task in late)
        disk.gate.release()
        await asyncio.gather(*late)

    asyncio.run(scenario())
    assert disk.turns == 2


@pytest.mark.parametrize(
    "failure", [AuditError("audit-sync", "the disk refuses"), ValueError("a fault of ours")]
)
def test_a_failure_is_told_to_all_it_concerns_and_to_nobody_else(disk, syncer, failure):
    async def scenario():
        disk.failure = failure
        disk.gate.release()
        answers = await asyncio.gather(*(syncer.wait() for _ in range(3)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {AuditError}
        assert len({id(answer) for answer in answers}) == 3
        disk.failure = None
        disk.gate.release(3)
        await syncer.wait()

    asyncio.run(scenario())


def test_a_waiter_that_gave_up_does_not_hold_up_the_others(disk, syncer):
    async def scenario():
        tasks = await waiting(syncer, 3)
        await begun(disk)
        tasks[0].cancel()
        disk.gate.release(2)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [asyncio.CancelledError, type(None), type(None)]

    asyncio.run(scenario())


def test_a_loop_that_is_gone_does_not_hold_up_others(disk, syncer):
    async def leave():
        (task,) = await waiting(syncer, 1)
        await begun(disk)
        task.cancel()

    async def stay():
        disk.gate.release(2)
        await syncer.wait()

    asyncio.run(leave())
    asyncio.run(stay())
    assert disk.turns == 2


def test_closing_serves_who_waits_and_ends_the_thread(disk):
    syncer = Syncer(disk.commit)

    async def scenario():
        tasks = await waiting(syncer, 2)
        disk.gate.release(2)
        await asyncio.to_thread(syncer.close)
        await asyncio.gather(*tasks)

    asyncio.run(scenario())
    assert not syncer._thread.is_alive()


def test_a_log_that_nobody_waits_for_has_no_thread_for_it(disk):
    syncer = Syncer(disk.commit)
    syncer.close()
    assert syncer._thread is None
