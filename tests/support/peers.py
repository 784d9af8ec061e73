"""Where the real peers are that tools/peers.sh installs, and what to do when one is missing."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".cache" / "peers"

BIN = PEERS / "bin"
NODE = BIN / "node"
NPM_MODULES = PEERS / "npm" / "node_modules"
PYTHON = PEERS / "venv" / "bin" / "python"
"""A Python with the official SDK and the PyPI servers, and without httptools: what runs on it uses h11."""

SDK = PEERS / "python-sdk"
CONFORMANCE = NPM_MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
SDK_CLIENT = SDK / ".github" / "actions" / "conformance" / "client.py"
SDK_SERVER = SDK / "examples" / "servers" / "everything-server"


def missing(what: str, cure: str) -> None:
    """Skip and say why; under CI=true nothing may be skipped for a missing tool."""
    reason = f"{what} is not installed: {cure}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def need(*paths: Path) -> None:
    """The peers at these paths must be installed."""
    for path in paths:
        if not path.exists():
            missing(str(path.relative_to(ROOT)), "run `make setup`")


def need_program(name: str) -> str:
    """The path of a program that only the system's packages bring."""
    found = shutil.which(name)
    if found is None:
        missing(name, f"as root: apt-get install {name}")
    return str(found)
