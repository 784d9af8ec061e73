"""What follows the log beside a gateway, in a process of its own: index, receivers of events, keepers of checkpoints.

A process, because nothing of this may take the interpreter from the gateway; it only reads what the gateway writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable
from threading import Event, Thread

from keepgate.compose.evidence import ask_witnesses, keep_in_git
from keepgate.compose.exports import exporters
from keepgate.config import Settings
from keepgate.model.errors import KeepgateError
from keepgate.stores.audit.index import Index
from keepgate.stores.audit.witnessing import Answer
from keepgate.stores.files import only_one

log = logging.getLogger("keepgate")

LOOK = 1.0
"""Seconds between two times that the index catches up."""
AGAIN = 5.0
"""Seconds before a process that ended by itself is started again."""


def is_needed(settings: Settings) -> bool:
    """Whether anything is configured that follows the log."""
    return bool(settings.audit.exports or settings.audit.witnesses or settings.audit.git)


def run_follow(settings: Settings, stop: Event, say: Callable[[str], None]) -> None:
    """Until told to stop. Where another process follows already, this one waits for its end.

    Raises KeepgateError for a configuration that cannot be carried out, OSError.
    """
    lock = settings.state / "exports" / "lock"
    while (alone := only_one(lock)) is None:
        if stop.wait(LOOK):
            return
    try:
        _follow(settings, stop, say)
    finally:
        os.close(alone)


def _follow(settings: Settings, stop: Event, say: Callable[[str], None]) -> None:
    index = Index(settings.database, settings.state)
    threads = [Thread(target=each.run, args=(stop,), daemon=True) for each in exporters(settings, say)]
    for thread in threads:
        thread.start()
    due = 0.0
    while not stop.wait(LOOK):
        try:
            index.catch_up()
            if (settings.audit.witnesses or settings.audit.git) and time.monotonic() >= due:
                due = time.monotonic() + settings.audit.anchor_every
                anchor(settings, say)
        except (KeepgateError, OSError) as error:
            say(f"audit: {error.public if isinstance(error, KeepgateError) else error}")
            due = max(due, time.monotonic() + LOOK * 10)
    for thread in threads:
        thread.join(AGAIN)


def anchor(settings: Settings, say: Callable[[str], None]) -> None:
    """Take the newest checkpoints elsewhere; says what does not work. Raises KeepgateError, OSError."""
    for each in ask_witnesses(settings).witnessed:
        if each.answer is not Answer.SIGNED:
            say(f"witness {each.witness}: {each.writer}: {each.answer}: {each.text}")
    for _ in keep_in_git(settings):
        pass


async def beside(settings: Settings) -> None:
    """Keep such a process running beside this one, until cancelled."""
    command = (sys.executable, "-m", "keepgate", "audit", "follow", "--child", "--config", str(settings.file))
    while True:
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
        except OSError as error:  # no process or memory is left: later there may be
            log.error("what follows the audit log cannot be started: %s", error)  # noqa: TRY400 - no traceback
            await asyncio.sleep(AGAIN)
            continue
        try:
            await process.wait()
        finally:
            if process.stdin is not None:
                process.stdin.close()  # it ends by itself
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
        log.error("what follows the audit log ended with %s: it is started again", process.returncode)
        await asyncio.sleep(AGAIN)
