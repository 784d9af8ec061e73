"""Does containment hold here, now? A probe is started as a server would be, and tries to get out.

What came of it is kept for as long as the machine runs with the same kernel, the same bubblewrap, the same user and the
same keepgate, because it costs a tenth of a second.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson

from keepgate.model.errors import UpstreamError
from keepgate.transports import reaper
from keepgate.transports.below import probe
from keepgate.transports.sandbox import landlock
from keepgate.transports.sandbox.launch import Containment, Launch, Start
from keepgate.transports.sandbox.profile import Bounds, Profile

BACKENDS: Final = ("bubblewrap", "landlock")
"""The better one first."""
PATIENCE: Final = 15.0
"""Seconds for the probe."""
REAPER: Final = (sys.executable, "-I", "-S", str(Path(reaper.__file__).absolute()))
_ENDS: Final = "end"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one backend was seen to hold."""

    backend: str
    denied: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    why: str = ""
    """Why it could not be tried."""

    @property
    def holds(self) -> bool:
        """Everything that was tried was refused."""
        return bool(self.denied) and not self.open and not self.why

    def __str__(self) -> str:
        if self.why:
            return f"{self.backend} does not work here: {self.why}"
        if self.open:
            return f"{self.backend} does not hold here: {', '.join(self.open)} not refused"
        return f"{self.backend} holds: refused {', '.join(self.denied)}"


def examine(state: Path, *, fresh: bool = False) -> tuple[Outcome, ...]:
    """Each backend up to the first that holds. `fresh` tries again what is known since the machine started."""
    folder = state / "sandbox"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:  # whoever needs the state directory next says what to do about it
        return tuple(Outcome(each, why=f"`{folder}` cannot be made: {error.strerror}") for each in BACKENDS)
    file = folder / "selftest.json"
    here = _here()
    if not fresh and (known := _remembered(file, here)):
        return known
    found: list[Outcome] = []
    for backend in BACKENDS:
        found.append(_try(backend, folder))
        if found[-1].holds:
            break
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    temporary.write_bytes(orjson.dumps({"here": here, "found": [asdict(each) for each in found]}))
    temporary.replace(file)
    return tuple(found)


def backend_of(outcomes: tuple[Outcome, ...]) -> str:
    """The backend to use; empty if none holds."""
    return next((each.backend for each in outcomes if each.holds), "")


def _here() -> list[str]:
    """What the answer depends on."""
    program = shutil.which("bwrap") or ""
    stat = Path(program).stat() if program else None
    boot = Path("/proc/sys/kernel/random/boot_id")
    started = boot.read_text().strip() if boot.exists() else ""
    machine = os.uname()
    ours = [
        file for folder in (__file__, probe.__file__) for file in sorted(Path(folder).parent.glob("*.py"))
    ]
    code = hashlib.sha256(b"".join(file.read_bytes() for file in ours)).hexdigest()
    found = (code, started, machine.release, machine.version, os.getuid(), os.environ.get("HOME", ""))
    return [*map(str, found), program, str(stat and (stat.st_ino, stat.st_mtime_ns, stat.st_mode))]


def _remembered(file: Path, here: list[str]) -> tuple[Outcome, ...]:
    try:
        known = orjson.loads(file.read_bytes())
        if known["here"] != here or not here[1]:
            return ()
        return tuple(
            Outcome(each["backend"], tuple(each["denied"]), tuple(each["open"]), each["why"])
            for each in known["found"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _try(backend: str, folder: Path) -> Outcome:
    if backend == "bubblewrap" and not shutil.which("bwrap"):
        return Outcome(backend, why="it is not installed")
    if backend == "landlock" and landlock.abi() < landlock.ENOUGH:
        return Outcome(
            backend, why=f"this kernel has version {landlock.abi()} of it, needed is {landlock.ENOUGH}"
        )
    try:
        with _bait(folder) as bait:
            home = Path(os.environ.get("HOME") or "/nonexistent")
            profile = Profile("selftest", mode="strict", home=home, bounds=Bounds(processes=64))
            words = ["-I", "-S", "-c", Path(probe.__file__).read_text(), *bait.words(home)]
            start = Start(sys.executable, words, {"PATH": os.defpath}, Path("/"))
            return bait.judge(backend, _run(Containment(profile, backend).launch(start)))
    except (OSError, UpstreamError, subprocess.SubprocessError) as error:
        return Outcome(backend, why=str(error))


def _run(launch: Launch) -> tuple[str, str]:
    """What it printed and what it complained of."""
    held, leash = os.pipe()
    try:
        done = subprocess.run(
            [*REAPER, str(held), launch.plan, *launch.command],
            env=launch.env,
            pass_fds=(held, *launch.fds),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            start_new_session=True,
            check=False,
        )
        return done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    finally:
        os.close(held)
        os.close(leash)
        launch.close()
        launch.forget()


class _Bait:
    """What the probe tries to get at."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        mark = secrets.token_hex(8)
        self._canary = folder / f".canary-{mark}"
        self._canary.write_text(mark)
        stack.callback(self._canary.unlink)
        self._outside = folder / f".written-{mark}"
        stack.callback(self._outside.unlink, missing_ok=True)
        self._abstract = f"keepgate-{mark}"
        self._path = folder / f".{mark}"
        stack.callback(self._path.unlink, missing_ok=True)
        self._tcp = self._listen(stack, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        self._udp = self._listen(stack, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        self._sockets = (
            self._listen(stack, socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self._abstract),
            self._listen(stack, socket.AF_UNIX, socket.SOCK_STREAM, str(self._path)),
        )

    def _listen(self, stack: ExitStack, family: int, kind: int, address: object) -> socket.socket:
        one = stack.enter_context(closing(socket.socket(family, kind)))
        one.setblocking(False)  # noqa: FBT003
        one.bind(address)  # type: ignore[arg-type]
        if kind == socket.SOCK_STREAM:
            one.listen()
        return one

    def words(self, home: Path) -> list[str]:
        pid = os.getpid()
        started = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()[19].decode()
        ports = [str(one.getsockname()[1]) for one in (self._tcp, self._udp)]
        where = [str(self._path), str(self._outside)]
        return [str(self._canary), str(home / ".ssh"), str(pid), started, *ports, self._abstract, *where]

    def judge(self, backend: str, said: tuple[str, str]) -> Outcome:
        """What this side saw counts more than what the probe says."""
        out, complaint = said
        lines = [line.split(maxsplit=2) for line in out.splitlines()]
        if not lines or lines[-1] != [_ENDS]:
            return Outcome(backend, why=(complaint.strip() or "the probe did not run")[-500:])
        broken = {line[0] for line in lines[:-1] if line[1] != "denied"} - {"udp", "write"}
        if self._outside.exists():
            broken.add("write")
        try:
            self._udp.recv(16)
            broken.add("udp")
        except BlockingIOError:
            pass
        names = [line[0] for line in lines[:-1]]
        return Outcome(
            backend,
            tuple(name for name in names if name not in broken),
            tuple(name for name in names if name in broken),
        )


@contextmanager
def _bait(folder: Path) -> Iterator[_Bait]:
    with ExitStack() as stack:
        yield _Bait(folder, stack)
