"""keepgate before servers of ours."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.upstreams.record import Record
from tests.e2e.upstreams.start import Upstream
from tests.support import processes

NO_RATE = {"requests_per_second": 1_000_000, "burst": 1_000_000, "sessions": 10_000, "concurrent_calls": 1000}
"""These tests are one principal in a great hurry."""


@dataclass(frozen=True)
class Gate:
    """A running keepgate."""

    origin: str
    directory: Path
    upstreams: Mapping[str, Upstream]
    keys: Mapping[str, str]
    process: processes.Running

    @property
    def url(self) -> str:
        """All servers."""
        return f"{self.origin}/mcp"

    def mount(self, server: str) -> str:
        """One server alone."""
        return f"{self.origin}/mcp/{server}"

    def record(self, server: str) -> Record:
        return self.upstreams[server].record


def make_key(file: Path, name: str) -> str:
    """`keepgate keys create`; the key."""
    done = subprocess.run(
        [*processes.KEEPGATE, "keys", "create", name, "--config", str(file)],
        capture_output=True,
        text=True,
        timeout=30,
        env=processes.clean_env(file.parent),
        check=True,
    )
    return done.stdout.strip()


@contextlib.contextmanager
def gate_before(
    directory: Path,
    upstreams: Sequence[Upstream],
    *,
    keys: Sequence[str] = (),
    access: Mapping[str, Any] | None = None,
    **config: Any,
) -> Iterator[Gate]:
    """keepgate before these servers: everything allowed to anybody, unless `access` says who may what."""
    port = processes.free_port()
    whole = processes.allow_all(port, directory, {server.id: server.entry for server in upstreams})
    whole |= {"limits": {**NO_RATE, **config.pop("limits", {})}, **config}
    if access is not None:
        whole["access"] = dict(access)
    file = processes.write_config(directory / "keepgate.yaml", whole)
    made = {name: make_key(file, name) for name in keys}
    with processes.keepgate_serving(directory, whole) as (url, process):
        yield Gate(
            url.removesuffix("/mcp"), directory, {server.id: server for server in upstreams}, made, process
        )
