"""From a command and a profile to what is really started: by bubblewrap, by Landlock, or as it is."""

from __future__ import annotations

import contextlib
import os
import platform
import pwd
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from keepgate.model.errors import UpstreamError
from keepgate.transports import orphans
from keepgate.transports.below.contained import PORT
from keepgate.transports.launchers.closure import Package, fetch_once, known
from keepgate.transports.launchers.recognise import LauncherError, recognise
from keepgate.transports.sandbox import bubblewrap, landlock
from keepgate.transports.sandbox.bubblewrap import TEMPORARY
from keepgate.transports.sandbox.filter import program
from keepgate.transports.sandbox.needs import SYSTEM, code_of
from keepgate.transports.sandbox.observing import Noting, open_log, variables, way_for
from keepgate.transports.sandbox.profile import Profile
from keepgate.transports.sandbox.proxy import Proxy
from keepgate.transports.sandbox.syscalls import MACHINES
from keepgate.transports.server_env import environment

CURE: Final = (
    "install bubblewrap and see `keepgate doctor`, or say `sandbox: {mode: dev}` to run it uncontained"
)

_OUTSIDE = ("PIP_", "UV_", "npm_config_", "NPM_CONFIG_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_PLACES = ("tmpdir", "xdg_cache_home", "xdg_data_home")


@dataclass(slots=True)
class Launch:
    """What the reaper is given. `fds` are open until `close`, and must be passed on."""

    plan: str
    command: list[str]
    env: dict[str, str]
    fds: list[int] = field(default_factory=list)
    egress: int = -1
    """Our end of the socket through which the listening socket of the proxy comes; whoever takes it sets it to -1."""
    scratch: Path | None = None

    def close(self) -> None:
        """Close what was opened for it."""
        for fd in self.fds:
            os.close(fd)
        self.fds.clear()
        if self.egress >= 0:
            os.close(self.egress)
            self.egress = -1

    def forget(self) -> None:
        """Remove what was made for it, when the server is gone."""
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Start:
    """A program with its arguments, variables and directory. `own` is the part of `env` that the configuration sets."""

    file: str
    words: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    own: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Containment:
    """A profile, and what holds it on this machine: `bubblewrap`, `landlock`, or nothing."""

    profile: Profile
    backend: str = ""
    on_refusal: Callable[[str], None] = lambda _: None
    """Told of each destination outside its list that the server tried to reach, once."""
    fault: Callable[[tuple[Package, ...]], str] = lambda _: ""
    """What is wrong with the packages that a launcher resolved to; "" if nothing is."""

    async def command(self, words: Sequence[str], own: Mapping[str, str]) -> Sequence[str]:
        """The command line without its launcher, whose packages are fetched now if they never were.

        Raises UpstreamError if they cannot be, or are not those that were approved.
        """
        try:
            wanted = recognise(words) if self.backend else None
        except LauncherError as error:
            raise UpstreamError("unreachable", str(error)) from None
        if wanted is None:
            return words
        state = self.profile.state
        closure = known(wanted, state) or await fetch_once(wanted, state, fetching_environment(own))
        if fault := self.fault(closure.packages):
            raise UpstreamError("unreachable", fault)
        return (str(closure.program), *wanted.arguments)

    def launch(self, start: Start) -> Launch:
        """What to start instead. Raises UpstreamError if the profile lists what does not exist or cannot be held."""
        if self.profile.mode == "observe":
            return _observed(self.profile, start)
        if self.backend:
            return _launch(self.profile, self.backend, start)
        if self.profile.mode == "dev":
            return Launch("-", [start.file, *start.words], dict(start.env))
        raise UpstreamError("unreachable", f"this server must be contained, and cannot be here: {CURE}")


def way_out(containment: Containment | None, launch: Launch) -> Proxy | None:
    """The proxy through which a server that was just started reaches what it may; None if it may reach nothing."""
    if containment is None or launch.egress < 0:
        return None
    fd, launch.egress = launch.egress, -1
    profile = containment.profile
    proxy = Proxy(profile.network if isinstance(profile.network, tuple) else (), containment.on_refusal)
    if profile.mode == "observe":
        proxy.allowed = Noting(profile.state, profile.server)
    proxy.take(fd)
    return proxy


def fetching_environment(own: Mapping[str, str]) -> dict[str, str]:
    """The variables of a registry's client: of the server's own only those that are for it."""
    return environment(
        os.environ, (), {name: own[name] for name in own if name == "PATH" or name.startswith(_OUTSIDE)}
    )


def inner_environment(start: Start, home: Path) -> dict[str, str]:
    """The variables inside: less what only launchers need, and what the machine's network is."""
    found = {
        name: value
        for name, value in start.env.items()
        if name in start.own or not (name.startswith(_OUTSIDE) or name.lower() in (*_PROXIES, *_PLACES))
    }
    found["HOME"] = start.own.get("HOME") or str(home)
    return found


def _launch(profile: Profile, backend: str, start: Start) -> Launch:
    if backend != "bubblewrap" and profile.network and isinstance(profile.network, tuple):
        text = "here only Landlock works, which cannot hold `network` to a list: install bubblewrap, or use `none`"
        raise UpstreamError("unreachable", text, retryable=True)
    code = code_of(start.file, start.words, start.env, start.cwd, profile.home)
    env = inner_environment(start, inner_home(profile.home))
    if backend == "bubblewrap":
        return _bubblewrap(profile, code, start, env)
    return _landlock(profile, code, start, env)


def _observed(profile: Profile, start: Start) -> Launch:
    """With all rights, and watched. Raises UpstreamError where nothing can be watched."""
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        text = "`sandbox: {mode: observe}` works on Linux on x86-64 and ARM 64 only"
        raise UpstreamError("unreachable", text)
    env = variables(start.env) | dict(start.own)
    try:
        log = open_log(profile.state, profile.server)
    except OSError as error:
        raise UpstreamError("unreachable", "what it uses cannot be written down", str(error)) from None
    return Launch(f"log={log}", [start.file, *start.words], env, [log], way_for(env))


def inner_home(home: Path) -> Path:
    """Where the home directory is inside: where it is outside, unless that is a place of the system's."""
    odd = str(home) in ("/", TEMPORARY) or any(
        home.is_relative_to(each) for each in (*SYSTEM, "/etc", "/dev")
    )
    return Path(TEMPORARY) if odd or not home.is_absolute() else home


def _bubblewrap(profile: Profile, code: Sequence[Path], start: Start, env: dict[str, str]) -> Launch:
    with _memory() as make:
        egress = _way_out(profile, env, make)
        filter_ = make(program(platform.machine(), namespaces=True))
        accounts = (make(_passwd(env["HOME"]).encode()), make(b"127.0.0.1 localhost\n::1 localhost\n"))
        given = bubblewrap.arguments(profile, code, env, start.cwd, accounts)
        arguments = make(b"\0".join(map(os.fsencode, [*given, "--seccomp", str(filter_)])))
        bounds = profile.bounds
        keep = [filter_, *accounts, arguments]
        if profile.network == "host":
            os.close(accounts[1])
            keep.remove(accounts[1])
        pairs = [f"processes={bounds.processes}", f"memory={bounds.memory}", f"files={bounds.files}"]
        pairs += [f"cpu={bounds.cpu}", *(f"keep={fd}" for fd in keep)]
        command = [shutil.which("bwrap") or "bwrap", "--args", str(arguments), "--", start.file, *start.words]
        fds = list(keep)
        if egress >= 0:
            fds.append(make.made[1])
            pairs.append(f"egress={make.made[1]}")
        # What the configuration sets must not reach bubblewrap itself: a library to preload would run outside.
        return Launch(",".join(pairs), command, _ours(env), fds, egress)


def _way_out(profile: Profile, env: dict[str, str], make: _Maker) -> int:
    """Our end of the socket for the listener of the proxy, and where to find that in `env`; -1 if there is none."""
    if not isinstance(profile.network, tuple):
        return -1
    ours, theirs = (one.detach() for one in socket.socketpair())
    make.made += [ours, theirs]
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        env.setdefault(name, f"http://127.0.0.1:{PORT}")
    env.setdefault("NODE_USE_ENV_PROXY", "1")
    return ours


def _landlock(profile: Profile, code: Sequence[Path], start: Start, env: Mapping[str, str]) -> Launch:
    scratch = Path(tempfile.mkdtemp(prefix="keepgate-"))
    try:
        given = landlock.rules(profile, code, scratch)
    except BaseException:
        scratch.rmdir()
        raise
    with _memory() as make:
        inner = {**env, "HOME": str(scratch), "TMPDIR": str(scratch)}
        text = "\0".join(f"{name}={value}" for name, value in inner.items())
        fds = [
            make(given),
            make(program(platform.machine(), namespaces=False)),
            make(text.encode("utf-8", "surrogateescape")),
        ]
        bounds = profile.bounds
        pairs = [f"processes={bounds.processes}", f"memory={bounds.memory}", f"files={bounds.files}"]
        pairs += [f"cpu={bounds.cpu}"]
        pairs += [f"{name}={fd}" for name, fd in zip(("rules", "filter", "env"), fds, strict=True)]
        return Launch(",".join(pairs), [start.file, *start.words], _ours(env), fds, scratch=scratch)


def _ours(env: Mapping[str, str]) -> dict[str, str]:
    """The variables of the reaper and of bubblewrap."""
    return {orphans.MARK: env[orphans.MARK]} if orphans.MARK in env else {}


def _passwd(home: str) -> str:
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = "user"
    return f"{name}:x:{os.getuid()}:{os.getgid()}::{home}:/usr/sbin/nologin\n"


@contextlib.contextmanager
def _memory() -> Iterator[_Maker]:
    maker = _Maker()
    try:
        yield maker
    except BaseException:
        for fd in maker.made:
            os.close(fd)
        raise


class _Maker:
    """Makes files in memory that a program reads through their descriptors."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def __call__(self, content: bytes) -> int:
        fd = os.memfd_create("keepgate")
        self.made.append(fd)
        os.write(fd, content)
        os.lseek(fd, 0, os.SEEK_SET)
        return fd
