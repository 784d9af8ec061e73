"""The test's side of a server of ours: its table and record on disk, its entry in keepgate's configuration."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.upstreams.brain import Table
from tests.e2e.upstreams.record import Record
from tests.support.processes import free_port, running

PROGRAM = Path(__file__).with_name("run.py")


@dataclass(frozen=True)
class Upstream:
    """One server."""

    id: str
    transport: str
    table: Table
    record: Record
    entry: dict[str, Any]
    """As keepgate's configuration has it."""


def command(transport: str, directory: Path, name: str, table: Table, *words: str) -> list[str]:
    """The command line of a server whose files are `<directory>/<name>.*`."""
    file = table.write(directory / f"{name}.table.json")
    record = directory / f"{name}.record"
    return [
        sys.executable,
        str(PROGRAM),
        transport,
        "--table",
        str(file),
        "--record",
        str(record),
        *words,
    ]


def over_stdio(directory: Path, name: str, table: Table, *, bare_cr: bool = False, **entry: Any) -> Upstream:
    """A server that keepgate starts itself."""
    words = command("stdio", directory, name, table, *(["--cr"] if bare_cr else []))
    record = Record(directory / f"{name}.record")
    return Upstream(name, "stdio", table, record, {"command": words, **entry})


@contextlib.contextmanager
def over_http(
    directory: Path, name: str, table: Table, *, port: int | None = None, **entry: Any
) -> Iterator[Upstream]:
    """A server that runs now."""
    port = port or free_port()
    words = command("http", directory, name, table, "--port", str(port))
    with running(words, directory / f"{name}.log") as program:
        url = program.wait_for_line("ready: ").split()[1]
        yield Upstream(name, "http", table, Record(directory / f"{name}.record"), {"url": url, **entry})
