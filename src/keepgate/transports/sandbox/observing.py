"""A server that is watched instead of contained, to learn what it uses: how it is started, and where that is kept.

It runs with all of the user's rights. What is noted lies below the state directory, one file for each server, and is
added to with each run.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

import orjson

from keepgate.model.errors import LocalError
from keepgate.transports.addresses import is_metadata
from keepgate.transports.sandbox.destinations import Allowed
from keepgate.transports.sandbox.learned import Fact

MOST: Final = 64 << 20
"""Bytes of one file: beyond it nothing more is noted."""
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def file_of(state: Path, server: str) -> Path:
    """What was seen of a server."""
    return state / "observed" / f"{server}.jsonl"


def open_log(state: Path, server: str) -> int:
    """A descriptor to append to. Raises OSError."""
    path = file_of(state, server)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MOST:
        path = Path(os.devnull)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)


def facts_of(state: Path, server: str) -> Iterator[Fact]:
    """All of it, each once; a line that was cut off is no fact. Raises LocalError if nothing was ever seen."""
    try:
        lines = file_of(state, server).read_bytes().splitlines()
    except OSError as error:
        text = (
            f"server `{server}` was never observed: set `sandbox: {{mode: observe}}`, use it, and ask again"
        )
        raise LocalError("sandbox", text, str(error)) from None
    seen: set[Fact] = set()
    for line in lines:
        try:
            given = orjson.loads(line)
            fact = Fact(given["use"], given["what"])
        except (ValueError, KeyError, TypeError):
            continue
        if fact not in seen:
            seen.add(fact)
            yield fact


def forget(state: Path, server: str) -> None:
    """Begin anew."""
    file_of(state, server).unlink(missing_ok=True)


def way_for(env: dict[str, str]) -> int:
    """A proxy's listening socket on this machine's loopback, put into a socket whose end is returned; `env` says so."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(theirs, [b"."], [listener.fileno()])
        for name in PROXIES:
            env.setdefault(name, f"http://127.0.0.1:{listener.getsockname()[1]}")
    env.setdefault("NODE_USE_ENV_PROXY", "1")
    return ours.detach()


class Noting(Allowed):
    """Lets everything pass but metadata services, and notes it."""

    def __init__(self, state: Path, server: str) -> None:
        super().__init__(())
        self._state = state
        self._server = server

    def _named(self, host: str, port: int) -> bool:
        self._note(f"{host}:{port}")
        return True

    def _listed(self, address: IPv4Address | IPv6Address, port: int) -> bool:
        self._note(f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}")
        return not is_metadata(str(address))

    def _meant(self, text: str, port: int) -> bool:
        return not is_metadata(text)

    def _note(self, what: str) -> None:
        try:
            fd = open_log(self._state, self._server)
        except OSError:
            return
        os.write(fd, orjson.dumps({"use": "host", "what": what}) + b"\n")
        os.close(fd)


def variables(env: Mapping[str, str]) -> dict[str, str]:
    """Those of the server, without proxies of the machine's: what it reaches is to be seen."""
    return {name: value for name, value in env.items() if name not in PROXIES}
