"""From what a server was seen to use to the narrowest sandbox that allows it. Looks at files, changes nothing.

No directory is proposed because files in it were read: only one that the server itself listed, or made, moved or
removed something in. What the sandbox gives in any case, and what no server should have, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from keepgate.transports.sandbox.bubblewrap import TEMPORARY
from keepgate.transports.sandbox.needs import SETTINGS, SYSTEM, is_broad
from keepgate.transports.sandbox.profile import CREDENTIALS, real

_OWN: Final = ("/proc", "/dev", "/sys")
"""The sandbox has its own of these, or none."""
_SCRATCH: Final = (TEMPORARY, "/var/tmp", "/dev/shm")  # noqa: S108 - the sandbox has its own of these
_EVERYWHERE: Final = (
    "/etc/passwd",
    "/etc/hosts",
    "/etc/group",
    "/etc/resolv.conf",
    "/etc/host.conf",
    "/etc/localtime",
)
"""The sandbox has its own of these, or libraries do without."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a server was seen to use: `read`, `write`, `list`, `make`, `run`, `host` or `reach`, and what."""

    use: str
    what: str


@dataclass(frozen=True, slots=True)
class Learned:
    """A sandbox, and what whoever takes it over must know."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    """Programs that it started."""
    remarks: tuple[str, ...] = ()
    """What it used and would not have."""


def narrowest(
    facts: Iterable[Fact], *, home: Path, code: Sequence[Path], hidden: Sequence[Path] = ()
) -> Learned:
    """The sandbox for these facts. `code` is what the server has in any case, `hidden` what it never has."""
    given = list(facts)
    withheld = [real(each) for each in hidden]
    secret = [real(home / each) for each in CREDENTIALS]
    reads: set[Path] = set()
    writes: set[Path] = set()
    remarks: list[str] = []
    for fact in given:
        if fact.use not in ("read", "write", "list", "make"):
            continue
        path = Path(fact.what)
        changes = fact.use in ("write", "make")
        if _given_anyway(path, code, changes=changes):
            continue
        if any(real(path).is_relative_to(each) for each in withheld):
            remarks.append(f"it used `{path}`, which is keepgate's own: it never will")
        elif any(real(path).is_relative_to(each) for each in secret):
            remarks.append(f"it used `{path}`, where credentials are: list it yourself if it must")
        elif path.is_dir() and is_broad(path, home):
            what = "changed" if changes else "listed"
            remarks.append(f"it {what} `{path}`, which holds far more: list what of it must be seen")
        elif path.exists():
            (writes if changes else reads).add(path)
    hosts, direct = _reached(given)
    if direct:
        remarks.append(f"it connected past the proxy, which no sandbox allows: {', '.join(direct[:10])}")
    kept = _outermost(writes)
    return Learned(
        read=tuple(map(str, _outermost(each for each in reads if not _below(each, kept)))),
        write=tuple(map(str, kept)),
        network=hosts,
        runs=tuple(sorted({fact.what for fact in given if fact.use == "run"})),
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _given_anyway(path: Path, code: Sequence[Path], *, changes: bool) -> bool:
    """Whether the sandbox has it without being asked. Its code it may read, never change."""
    if any(path.is_relative_to(each) for each in _OWN) or str(path) in (*_SCRATCH, *_EVERYWHERE):
        return True
    if changes:
        return False
    shown = (*map(Path, SYSTEM), *map(Path, SETTINGS), *code)
    return any(path.is_relative_to(each) for each in shown)


def _outermost(paths: Iterable[Path]) -> list[Path]:
    found = sorted(set(paths))
    return [path for path in found if not _below(path, [each for each in found if each != path])]


def _below(path: Path, others: Iterable[Path]) -> bool:
    return any(path.is_relative_to(each) for each in others)


def _reached(facts: Sequence[Fact]) -> tuple[tuple[str, ...], list[str]]:
    """What it reached through the proxy, and what past it; this machine's own resolver and proxy are neither."""
    hosts = sorted({fact.what for fact in facts if fact.use == "host"})
    direct = sorted({fact.what for fact in facts if fact.use == "reach" and not _internal(fact.what)})
    return tuple(hosts), direct


def _internal(what: str) -> bool:
    host, _, port = what.rpartition(":")
    return port in ("53", "0") or ip_address(host.strip("[]")).is_loopback
