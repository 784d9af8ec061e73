"""A profile as arguments of bubblewrap: what is mounted, what is unshared. Looks at files, changes nothing.

The root is an empty file system of its own. System directories and the server's code are mounted read-only at the
places they have outside, so that no path means something else inside; then what the configuration lists; then what
must stay hidden is covered again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from keepgate.model.errors import UpstreamError
from keepgate.transports.sandbox.needs import SETTINGS, SYSTEM
from keepgate.transports.sandbox.profile import CREDENTIALS, Profile, real

UNSHARED: Final = (
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
)
TEMPORARY: Final = "/tmp"  # noqa: S108 - of the server's own
HOSTNAME: Final = "keepgate"


def arguments(
    profile: Profile, code: Iterable[Path], env: Mapping[str, str], cwd: Path, accounts: tuple[int, int]
) -> list[str]:
    """Everything but the program. `accounts` are descriptors to read `passwd` and `hosts` from.

    Raises UpstreamError if a listed path does not exist.
    """
    out = [*UNSHARED, "--die-with-parent", "--cap-drop", "ALL", "--hostname", HOSTNAME]
    if profile.network != "host":
        out.append("--unshare-net")
    out += _system()
    out += ["--proc", "/proc", "--dev", "/dev"]
    size = ["--size", str(profile.bounds.scratch)]
    for each in ("/dev/shm", TEMPORARY, env.get("HOME", TEMPORARY)):  # noqa: S108
        out += [*size, "--tmpfs", each] if each != TEMPORARY or each not in out else []
    out += ["--symlink", "../tmp", "/var/tmp"]  # noqa: S108
    if profile.network == "host":
        out += [word for each in ("/etc/resolv.conf", "/etc/hosts") for word in ("--ro-bind-try", each, each)]
    else:
        out += ["--ro-bind-data", str(accounts[1]), "/etc/hosts"]
    out += ["--ro-bind-data", str(accounts[0]), "/etc/passwd"]
    out += _mounts(profile, code)
    out += ["--dir", str(cwd), "--chdir", str(cwd), "--remount-ro", "/dev", "--remount-ro", "/"]
    # As root the settings of the kernel could be written, whatever namespace it has: /proc/sys knows no namespaces.
    out += ["--remount-ro", "/proc"]
    out.append("--clearenv")
    for name, value in env.items():
        out += ["--setenv", name, value]
    return out


def _system() -> Iterator[str]:
    for each in SYSTEM:
        path = Path(each)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), each)
        elif path.exists():
            yield from ("--ro-bind", each, each)
    for each in SETTINGS:
        yield from ("--ro-bind-try", each, each)


def _mounts(profile: Profile, code: Iterable[Path]) -> Iterator[str]:
    """The shorter path first: what lies below another comes after it, a listed file below a hidden directory too."""
    shown = listed(profile, code)
    covers = hidden_below(profile, shown)
    found = {path: "rw" if path in profile.write else "ro" for path in shown} | dict.fromkeys(covers, "hide")
    for path in sorted(found, key=lambda each: len(each.parts)):
        if found[path] == "hide":
            yield from ("--tmpfs", str(path)) if path.is_dir() else ("--ro-bind", os.devnull, str(path))
        else:
            yield from ("--bind" if found[path] == "rw" else "--ro-bind", str(path), str(path))
    for path in covers:
        if path.is_dir():
            yield from ("--remount-ro", str(path))


def listed(profile: Profile, code: Iterable[Path]) -> tuple[Path, ...]:
    """Everything to show. Raises UpstreamError if a listed path does not exist, or is keepgate's own."""
    own = [real(each) for each in profile.hidden]
    for path in (*profile.read, *profile.write):
        text = ""
        if not path.exists():
            text = "does not exist: create or remove it"
        elif any(real(path).is_relative_to(each) for each in own):
            text = "is keepgate's own: no server may see it"
        if text:
            raise UpstreamError(
                "unreachable", f"the sandbox of this server lists `{path}`, which {text}", retryable=True
            )
    return tuple(dict.fromkeys((*code, *profile.read, *profile.write)))


def hidden_below(profile: Profile, shown: Iterable[Path]) -> list[Path]:
    """Where, below what is shown, something stands that must not be seen."""
    asked = {real(path) for path in (*profile.read, *profile.write)}
    wanted = {real(profile.home / each) for each in CREDENTIALS} - asked
    wanted |= {real(path) for path in profile.hidden}
    return sorted(
        path / each.relative_to(real(path))
        for path in shown
        for each in wanted
        if each.is_relative_to(real(path)) and each.exists() and each != real(path)
    )
