"""What the tests of faults share: the command line, the records, servers with many tools, conditions to wait for."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.e2e.upstreams.brain import Table
from tests.support import processes

PATIENCE = 40.0

DONE = {"content": [{"type": "text", "text": "done"}]}


def keepgate(directory: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """`keepgate ... --config <directory>/keepgate.yaml`, unless the words name another."""
    config = () if "--config" in words else ("--config", str(directory / "keepgate.yaml"))
    return subprocess.run(
        [*processes.KEEPGATE, *words, *config],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
        env={**processes.clean_env(directory), **(env or {})},
    )


@contextlib.contextmanager
def started_again(directory: Path) -> Iterator[processes.Running]:
    """`keepgate serve` once more, on the same port and state."""
    config = json.loads((directory / "keepgate.yaml").read_text())
    log = directory / "keepgate.log"
    log.rename(log.with_suffix(f".{time.monotonic_ns()}.log"))
    with processes.keepgate_serving(directory, config) as (_, process):
        yield process


def records(directory: Path, *options: str) -> list[dict[str, Any]]:
    """Everything that `keepgate audit query` finds."""
    done = keepgate(directory, "audit", "query", "--limit", "1000000", *options)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def verified(directory: Path) -> str:
    """What `keepgate audit verify` says; it must pass."""
    done = keepgate(directory, "audit", "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def with_tools(*names: str, era: str = "handshake") -> Table:
    """A server that offers these tools and plays what it is told."""
    tools = [{"name": name, "inputSchema": {"type": "object"}} for name in names]
    return Table(era=era, lists={"tools/list": tools}, results={"tools/call": dict.fromkeys(names, DONE)})


def wait_until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Until the condition holds; what it came to."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {patience} s: {what}"
        time.sleep(0.02)
    return found


async def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The same, while a conversation goes on."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {patience} s: {what}"
        await asyncio.sleep(0.02)
    return found


def alive(token: str) -> list[psutil.Process]:
    """Processes with this word in their command line, this one excepted."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            ours = process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
            if ours and any(token in word for word in process.cmdline()):
                found.append(process)
    return found


@contextlib.contextmanager
def nobody_left(token: str) -> Iterator[None]:
    """Whatever carries the token is ended, even if the test fails."""
    try:
        yield
    finally:
        for process in alive(token):
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)


def texts(reply: dict[str, Any]) -> str:
    """Everything a reply says in words."""
    if "error" in reply:
        return reply["error"]["message"]
    return " ".join(block["text"] for block in reply["result"]["content"])


def failed(reply: dict[str, Any]) -> bool:
    """Whether a reply to a tool call says that the call was not done."""
    return "error" in reply or reply["result"].get("isError") is True
