"""The watch beside a gateway: no alert depends on what is only there to tell people, and none is lost at the end."""

import asyncio
import contextlib
import os
from collections import deque
from types import SimpleNamespace

import pytest

from keepgate import config
from keepgate.audit.record import Entry, Heard
from keepgate.compose import watching
from keepgate.compose.watching import Watching
from keepgate.stores.files import only_one
from keepgate.stores.quarantine import QuarantineFile
from tests.audit.made import entry
from tests.gateway.lab import MemoryLog

RESPOND = "respond: [{sign: honeytoken, quarantine: principal}]"


def heard(**changes) -> Heard:
    made = entry(payload=b"", **changes)
    return Heard(made[2 : Entry._fields.index("size")], made.time_ns, made.trace, made.size, b"")


def leaked(who: str) -> Heard:
    return heard(principal=who, findings=("honeytoken.1234",), effect="deny")


@pytest.fixture
def watch(tmp_path, monkeypatch):
    """A watch with what it hears, and the log that it writes to."""
    monkeypatch.delenv("KEEPGATE_KEY", raising=False)
    monkeypatch.setattr(watching, "PAUSE", 0.001)
    path = tmp_path / "keepgate.yaml"
    path.write_text(f"version: 1\nstate: state\nalerts: {{{RESPOND}}}\n")
    settings = config.load(path, env=os.environ)
    log, said = MemoryLog(), []
    enforcer = SimpleNamespace(audit=log, note=lambda name, why: said.append((name, why)))
    heard: deque[Heard] = deque()
    lock = only_one(settings.state / "alerts.lock")
    made = Watching(SimpleNamespace(enforcer=enforcer), settings, heard, lock)
    return SimpleNamespace(run=made.run, heard=heard, log=log, said=said, state=settings.state)


async def until(truth):
    while not truth():
        await asyncio.sleep(0.001)


def stopped(watch) -> set[str]:
    return {hold.target for hold in QuarantineFile(watch.state).read().holds}


async def ended(task):
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def run(watch, during):
    async def conversation():
        task = asyncio.create_task(watch.run())
        try:
            async with asyncio.timeout(10):
                await during()
        finally:
            await ended(task)

    asyncio.run(conversation())


def test_who_can_break_the_store_of_alerts_does_not_escape_the_response(watch):
    (watch.state / "alerts.db").write_bytes(b"this is no database" * 100)
    watch.heard += [leaked("key:ann"), leaked("key:bob")]

    async def during():
        await until(lambda: watch.log.methods().count("quarantine.added") == 2)

    run(watch, during)
    assert stopped(watch) == {"principal:key:ann", "principal:key:bob"}


def test_one_response_that_fails_takes_no_other_with_it(watch):
    watch.heard += [leaked("key:" + "x" * 600), leaked("key:bob")]

    async def during():
        await until(lambda: len(watch.log.methods()) == 3)

    run(watch, during)
    assert stopped(watch) == {"principal:key:bob"}
    assert watch.log.methods() == ["alert.raised", "alert.raised", "quarantine.added"]
    assert [name for name, _ in watch.said] == ["alert.unanswered"]


def test_nothing_follows_before_the_log_has_it_and_nothing_is_lost_meanwhile(watch):
    watch.log.broken = True
    watch.heard.append(leaked("key:ann"))

    async def during():
        await until(lambda: not watch.heard)
        await asyncio.sleep(0.02)
        assert not stopped(watch)
        watch.log.broken = False
        await until(lambda: "quarantine.added" in watch.log.methods())

    run(watch, during)
    assert watch.log.methods() == ["alert.raised", "quarantine.added"]


def test_what_is_recorded_just_before_the_end_is_watched(watch, monkeypatch):
    monkeypatch.setattr(watching, "PAUSE", 60)

    async def during():
        await asyncio.sleep(0)
        watch.heard.append(leaked("key:ann"))

    run(watch, during)
    assert watch.log.methods() == ["alert.raised", "quarantine.added"]
    assert stopped(watch) == {"principal:key:ann"}
