"""A real provider, and keepgate before it as the authorization server of clients."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.oidc.conftest import MEMORY, config
from tests.oidc.provider import Provider, providing, write_keys
from tests.support import processes
from tests.support.peers import NODE, need


@dataclass
class Fronted:
    """keepgate as the authorization server."""

    origin: str
    provider: Provider
    process: processes.Running
    directory: Path

    @property
    def url(self) -> str:
        return f"{self.origin}/mcp"


@contextlib.contextmanager
def fronted_in(directory: Path) -> Iterator[Fronted]:
    """keepgate with a front before a provider, which knows keepgate as its one client."""
    need(NODE, MEMORY)
    issuer_port, port = processes.free_port(), processes.free_port()
    keys = directory / "keys.json"
    write_keys(keys, "first")
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(providing(directory, issuer_port, keys))
        client = {
            "redirect_uris": [f"http://127.0.0.1:{port}/oauth/callback"],
            "grant_types": ["authorization_code"],
            "application_type": "native",
        }
        known = provider.browser.post(f"{provider.issuer}/reg", json=client).json()
        front = {
            "issuer": "op",
            "client_id": known["client_id"],
            "client_secret": {"secret": "env:FRONT_SECRET"},
            "registration": True,
        }
        made = config(port, directory, provider.issuer, front=front)
        file = processes.write_config(directory / "keepgate.yaml", made)
        env = {
            **processes.clean_env(directory),
            "OP_SECRET": "gate-secret",
            "FRONT_SECRET": known["client_secret"],
        }
        command = [sys.executable, "-m", "keepgate", "serve", "--config", str(file)]
        process = stack.enter_context(processes.running(command, directory / "keepgate.log", env=env))
        process.wait_for_line("ready: ")
        yield Fronted(f"http://127.0.0.1:{port}", provider, process, directory)
