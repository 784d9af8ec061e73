"""How keepgate runs: the loop, its collector, its log, its name."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from keepgate import __version__
from keepgate.gateway.settings import Identity

T = TypeVar("T")

GRACE = 10.0
"""Seconds that running calls get at shutdown."""

log = logging.getLogger("keepgate")
identity = Identity("keepgate", __version__)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one. What is loaded by now stays: the garbage collector need not look at it."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(work)


def log_to_stderr() -> None:
    """What keepgate and its servers have to say goes to stderr; text of servers is escaped where it is captured."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
