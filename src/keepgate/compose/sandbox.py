"""Configured sandboxes to containments, and what is said about them."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from keepgate.config import Server, Settings
from keepgate.model.errors import UpstreamError
from keepgate.transports.launchers.closure import Package
from keepgate.transports.sandbox.containers import complaints, is_container
from keepgate.transports.sandbox.launch import Containment
from keepgate.transports.sandbox.learned import Learned, narrowest
from keepgate.transports.sandbox.needs import SYSTEM, code_of, is_broad
from keepgate.transports.sandbox.observing import facts_of
from keepgate.transports.sandbox.profile import Bounds, Profile
from keepgate.transports.sandbox.selftest import Outcome, backend_of, examine
from keepgate.transports.server_env import environment, program

log = logging.getLogger("keepgate")


def contained(settings: Settings) -> list[str]:
    """The servers that are started and meant to be contained by keepgate."""
    return [name for name, server in settings.servers.items() if is_meant(server)]


def is_meant(server: Server) -> bool:
    """Whether keepgate is to contain it: a container is one already."""
    return bool(server.argv) and server.sandbox.mode != "off" and not is_container(server.argv)


def outcomes_of(settings: Settings, *, fresh: bool = False) -> tuple[Outcome, ...]:
    """The self-test, if any server needs it."""
    return examine(settings.state, fresh=fresh) if contained(settings) else ()


Fault = Callable[[tuple[Package, ...]], str]
"""Why a server with these packages must not be started; "" if it may."""


def containment_of(name: str, settings: Settings, fault: Fault = lambda _: "") -> Containment | None:
    """How a server is contained; None: it is not meant to be, or is reached by URL."""
    server = settings.servers[name]
    if not is_meant(server):
        return None
    profile, backend = profile_of(name, server, settings), backend_of(outcomes_of(settings))
    return Containment(profile, backend, lambda what: log.warning("%s: %s", name, what), fault)


_WRITES: Final = ("filesystem", "git", "sqlite", "memory", "obsidian", "notes", "write")
"""In the name of a server whose paths are there to be changed."""


def suggested(command: Sequence[str], env: Mapping[str, object], cwd: Path) -> dict[str, list[str]]:
    """A sandbox for a server that ran without: the paths that its arguments and variables name, and no network."""
    if not command or is_container(command):
        return {}
    home, texts = (
        Path(os.environ.get("HOME") or "/nonexistent"),
        [each for each in env.values() if isinstance(each, str)],
    )
    words = [word.partition("=")[2] if word.startswith("-") else word for word in command[1:]]
    named = [Path(os.path.expanduser(each)) for each in (*words, *texts) if each.startswith(("/", "~/"))]  # noqa: PTH111
    found = shutil.which(command[0]) or command[0]
    code = code_of(found, command[1:], {"PATH": os.environ.get("PATH", "")}, cwd, home)
    paths = [
        str(path)
        for path in dict.fromkeys(named)
        if path.exists()
        and not any(path.is_relative_to(each) for each in (*map(str, code), *SYSTEM, "/dev", "/proc"))
    ]
    names = [word.lower() for word in command if not word.startswith(("/", "~", "-"))]
    writes = any(each in name for name in names for each in _WRITES)
    return {"write" if writes else "read": paths, "network": []} if paths else {"network": []}


async def fetched(name: str, settings: Settings) -> None:
    """When the packages are there that the launcher of a server stands for. Raises UpstreamError."""
    if (containment := containment_of(name, settings)) is not None:
        server = settings.servers[name]
        await containment.command(server.argv, plain_env(server))


def plain_env(server: Server) -> dict[str, str]:
    """The variables of a server that are no secrets."""
    return {key: given for key, given in server.env.items() if isinstance(given, str)}


async def fetch_all(settings: Settings) -> dict[str, UpstreamError]:
    """Fetch what launchers stand for before anybody waits for it; what could not be fetched, by server."""
    names = contained(settings)
    found = await asyncio.gather(*(fetched(name, settings) for name in names), return_exceptions=True)
    faults = {}
    for name, error in zip(names, found, strict=True):
        if isinstance(error, UpstreamError):
            faults[name] = error
        elif error is not None:
            raise error
    return faults


def profile_of(name: str, server: Server, settings: Settings) -> Profile:
    """The profile of a server."""
    box, home = server.sandbox, Path(os.environ.get("HOME") or "/nonexistent")
    read = box.read
    # The directory of the configuration is where a server starts that names none: nobody chose to show it.
    folder = settings.file.parent
    if box.mode == "dev" and server.cwd != folder and not is_broad(server.cwd, home):
        read = (*read, server.cwd)
    bounds = Bounds(
        memory=box.limits.memory_bytes,
        processes=box.limits.processes,
        files=box.limits.files,
        cpu=box.limits.cpu_seconds,
        scratch=box.limits.scratch_bytes,
    )
    return Profile(
        server=name,
        mode=box.mode,
        read=read,
        write=box.write,
        network=box.network,
        bounds=bounds,
        home=home,
        hidden=(settings.state, settings.file),
        state=settings.state,
    )


def seen_by(name: str, settings: Settings, command: Sequence[str]) -> Iterator[str]:
    """What a server sees and reaches, a line each; `command` is how it is started without its launcher."""
    server = settings.servers[name]
    if not server.argv:
        yield f"reached at {server.url}: not started by keepgate"
        return
    profile = profile_of(name, server, settings)
    yield f"mode {profile.mode}"
    if profile.mode in ("off", "observe"):
        return
    env = environment(os.environ, server.pass_env, plain_env(server))
    file = program(command, env, str(server.cwd))
    for path in code_of(file, command[1:], env, server.cwd, profile.home):
        yield f"read {path} (its own code)"
    yield from (f"read {path}" for path in profile.read)
    yield from (f"write {path}" for path in profile.write)
    yield f"network {profile.network if isinstance(profile.network, str) else ', '.join(profile.network) or 'none'}"


def learned_of(name: str, settings: Settings, command: Sequence[str]) -> Learned:
    """The narrowest sandbox for what a server was seen to use. Raises LocalError if it never was."""
    server = settings.servers[name]
    profile = profile_of(name, server, settings)
    env = environment(os.environ, server.pass_env, plain_env(server))
    file = program(command, env, str(server.cwd))
    code = code_of(file, command[1:], env, server.cwd, profile.home)
    return narrowest(facts_of(settings.state, name), home=profile.home, code=code, hidden=profile.hidden)


def notes(settings: Settings) -> Iterator[str]:
    """What whoever starts keepgate must know about containment, the worst first."""
    started = {name: server for name, server in settings.servers.items() if server.argv}
    outcomes = outcomes_of(settings)
    backend = backend_of(outcomes)
    loose = [
        name
        for name, server in started.items()
        if server.sandbox.mode == "off" and not is_container(server.argv)
    ]
    if not backend:
        loose += [name for name in contained(settings) if started[name].sandbox.mode == "dev"]
        refused = [name for name in contained(settings) if started[name].sandbox.mode == "strict"]
        yield from (f"no sandbox: {each}" for each in outcomes)
        if refused:
            yield f"these servers will not be started, for nothing can contain them here: {', '.join(refused)}"
    for name, server in started.items():
        home = os.environ.get("HOME", "")
        yield from (
            f"server {name} runs in a container, but {each}" for each in complaints(server.argv, home)
        )
    if loose:
        yield f"these servers run without a sandbox, with your rights: {', '.join(loose)}"
    if watched := [
        name for name, server in started.items() if is_meant(server) and server.sandbox.mode == "observe"
    ]:
        yield f"these servers run without a sandbox, with your rights, and are observed: {', '.join(watched)}"
    if backend == "landlock":
        yield f"{outcomes[0]}; Landlock contains servers instead: they can see which files exist"
    shared = [name for name in contained(settings) if started[name].sandbox.network == "host"]
    if shared and backend:
        yield f"these servers have the network of this machine, all of it: {', '.join(shared)}"


def record(settings: Settings, event: Callable[[str, str], None]) -> None:
    """What holds, and what does not, as evidence."""
    for outcome in outcomes_of(settings):
        event("sandbox", str(outcome))
    for note in notes(settings):
        event("sandbox", note)


def say_containment(settings: Settings) -> None:
    """Say it on stderr."""
    for note in notes(settings):
        print(f"warning: {note}", file=sys.stderr)
