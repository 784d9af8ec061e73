"""One provider and keepgate before one server, as its resource server."""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gate import make_key
from tests.oidc.provider import Provider, providing, write_keys
from tests.support import processes
from tests.support.peers import NODE, NPM_MODULES, need


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/oidc" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@dataclass
class World:
    """What the tests talk to."""

    directory: Path
    provider: Provider
    origin: str
    key: str
    process: processes.Running
    issuer_port: int

    @property
    def url(self) -> str:
        return f"{self.origin}/mcp"


MEMORY = NPM_MODULES / "@modelcontextprotocol" / "server-memory" / "dist" / "index.js"


def config(port: int, directory: Path, issuer: str, **identity: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "listen": f"127.0.0.1:{port}",
        "state": str(directory / "state"),
        "identity": {
            "scopes": ["mcp"],
            "issuers": {
                "op": {
                    "url": issuer,
                    "audience": [f"http://127.0.0.1:{port}/mcp"],
                    "claims": {"groups": "groups"},
                    "introspection": {
                        "client_id": "gate",
                        "client_secret": {"secret": "env:OP_SECRET"},
                        "interval": 1,
                    },
                }
            },
            **identity,
        },
        "servers": {
            "memory": {
                "command": [str(NODE), str(MEMORY)],
                "env": {"MEMORY_FILE_PATH": str(directory / "memory.json")},
            }
        },
        "access": {
            "roles": {"all": {"allow": ["*/*"]}},
            "grants": [
                {"to": "user:alice", "role": "all"},
                {"to": "client:service", "role": "all"},
                {"to": "key:cursor", "role": "all"},
            ],
        },
    }


@contextlib.contextmanager
def world_in(directory: Path, **identity: Any):
    need(NODE, MEMORY)
    issuer_port, port = processes.free_port(), processes.free_port()
    keys = directory / "keys.json"
    write_keys(keys, "first")
    with providing(directory, issuer_port, keys) as provider:
        made = config(port, directory, provider.issuer, **identity)
        file = processes.write_config(directory / "keepgate.yaml", made)
        key = make_key(file, "cursor")
        env = {**processes.clean_env(directory), "OP_SECRET": "gate-secret"}
        command = [sys.executable, "-m", "keepgate", "serve", "--config", str(file)]
        with processes.running(command, directory / "keepgate.log", env=env) as process:
            line = process.wait_for_line("ready: ")
            origin = line.removeprefix("ready: ").split()[0].removesuffix("/mcp")
            yield World(directory, provider, origin, key, process, issuer_port)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with world_in(tmp_path_factory.mktemp("oidc")) as made:
        yield made
