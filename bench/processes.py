"""Programs of a measurement: pinned to a core, ended for certain, their CPU time and memory."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

CORES = sorted(os.sched_getaffinity(0))
GATE = str(CORES[0])
"""The core of all contenders; they take turns."""
LOAD = str(CORES[min(1, len(CORES) - 1)])
"""The core of wrk and of the server behind the contenders."""


class UnfitError(Exception):
    """A contender cannot take part, and why: the table says it."""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def connects(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def tree(pid: int) -> list[psutil.Process]:
    """The process and all below it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def cpu(pid: int | None) -> int:
    """CPU ns used so far by the process and those below it, ended threads and awaited children included."""
    total = 0
    for process in tree(pid) if pid else ():
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            times = process.cpu_times()
            total += int((times.children_user + times.children_system) * 1e9)
            total += time.clock_gettime_ns(
                ~process.pid << 3 | 2
            )  # that process's clock: clock_getcpuclockid(3)
    return total


def memory(pid: int | None) -> int:
    """Resident bytes of the process and those below it."""
    total = 0
    for process in tree(pid) if pid else ():
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def settle(pid: int | None, patience: float = 3.0) -> None:
    """Wait until it has finished what the load left behind, so that the next contender has the core."""
    deadline = time.monotonic() + patience
    while pid and time.monotonic() < deadline:
        before = cpu(pid)
        time.sleep(0.1)
        if cpu(pid) - before < 10_000_000:
            return


@dataclass
class Stage:
    """Where the programs of one scenario live."""

    directory: Path
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def place(self, name: str) -> Path:
        """A directory of its own for a program."""
        made = self.directory / name
        made.mkdir(exist_ok=True)
        return made

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        port: int,
        core: str = GATE,
        env: Mapping[str, str] | None = None,
        patience: float = 30.0,
    ) -> "subprocess.Popen[bytes]":
        """Start a program that is to listen on the port; it ends with the stage. Raises `UnfitError`."""
        place = self.place(name)
        with (place / "output").open("ab") as out:
            process = subprocess.Popen(
                ["taskset", "-c", core, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=place,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        self.stack.callback(stop, process)
        deadline = time.monotonic() + patience
        while not connects(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise UnfitError(f"did not start: {self.said(name)}")
            time.sleep(0.05)
        return process

    def said(self, name: str) -> str:
        """The last line that a program printed."""
        lines = (self.place(name) / "output").read_text(errors="replace").split("\n")
        return next((line.strip()[-200:] for line in reversed(lines) if line.strip()), "it printed nothing")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, then make it; its whole group goes with it."""
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """An empty directory; what is started in it ends with it."""
    with tempfile.TemporaryDirectory(prefix="keepgate-bench-", ignore_cleanup_errors=True) as name:
        made = Stage(Path(name))
        with made.stack:
            yield made
