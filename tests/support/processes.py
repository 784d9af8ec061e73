"""Programs that a test starts: own process group, output in a file, ended for certain."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds a program may take to come up: this machine is shared."""


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass
class Running:
    """A started program."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        """What it has printed so far, both streams."""
        return self.log.read_text(errors="replace")

    def wait_for_line(self, start: str, patience: float = PATIENCE) -> str:
        """The first printed line that starts with `start`."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            status = self.process.poll()
            for line in self.output().splitlines():
                if line.startswith(start):
                    return line
            if status is not None:
                raise RuntimeError(f"ended with status {status} before {start!r}:\n{self.output()[-4000:]}")
            time.sleep(0.02)
        raise RuntimeError(f"no line {start!r} within {patience} s:\n{self.output()[-4000:]}")

    def wait_for_port(self, port: int, patience: float = PATIENCE) -> None:
        """Until something accepts connections on the port."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"nothing listens on port {port}:\n{self.output()[-4000:]}")

    def stop(self, patience: float = 10.0) -> int:
        """Ask it to end, then make it; its whole group goes with it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(patience)
        return int(status)


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """The program, until the block ends."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    started = Running(process, log)
    try:
        yield started
    finally:
        started.stop()


def clean_env(home: Path) -> dict[str, str]:
    """This environment, but with every per-user directory inside `home` and no keepgate settings."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("KEEPGATE_", "XDG_"))}
    env |= {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONUNBUFFERED": "1",
    }
    return env


def allow_all(port: int, directory: Path, servers: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration that lets the anonymous principal on loopback do everything with these servers."""
    return {
        "version": 1,
        "listen": f"127.0.0.1:{port}",
        "identity": {"anonymous": True},
        "state": str(directory / "state"),
        "servers": dict(servers),
        "access": {
            "roles": {"all": {"allow": ["*/*"]}},
            "grants": [{"to": "anonymous", "role": "all"}],
        },
    }


def write_config(path: Path, config: Mapping[str, Any]) -> Path:
    """JSON is YAML 1.2, and needs no quoting rules for odd paths.

    Servers run as they are unless they say otherwise: what contains them has tests of its own. And where they do,
    nobody is asked before one gets what another returned: that has tests of its own too.
    """
    if any("command" in entry and "sandbox" not in entry for entry in config.get("servers", {}).values()):
        config = {"flow": {"trifecta": "ignore"}, **config}
    servers = {
        name: {"sandbox": {"mode": "off"}, **entry} if "command" in entry else entry
        for name, entry in config.get("servers", {}).items()
    }
    path.write_text(json.dumps({**config, "servers": servers}, indent=2))
    return path


KEEPGATE = (sys.executable, "-m", "keepgate")


@contextlib.contextmanager
def keepgate_serving(directory: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Running]]:
    """`keepgate serve` with this configuration; yields the URL that it says it is ready at."""
    file = write_config(directory / "keepgate.yaml", config)
    command = [*KEEPGATE, "serve", "--config", str(file)]
    with running(command, directory / "keepgate.log", env=clean_env(directory)) as gateway:
        line = gateway.wait_for_line("ready: ")
        yield line.removeprefix("ready: ").split()[0], gateway
