"""`docker run` and `podman run`: a container of its own, which is not wrapped but looked at. Pure.

What is said here is what makes such a container hold less than keepgate's own sandbox would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Final

_ENGINES: Final = ("docker", "podman", "nerdctl")
_FLAGS: Final = frozenset(
    "-i -t -d -it -ti --rm --init --interactive --tty --detach --read-only --privileged --no-healthcheck -P --quiet -q "
    "--publish-all --oom-kill-disable --disable-content-trust --sig-proxy --tls-verify --replace".split()
)
"""Options without a value; every other takes the next word."""
_BROAD: Final = ("/", "/etc", "/home", "/root", "/var", "/usr", "/run", "/var/run", "/proc", "/sys", "/dev")


def is_container(command: Sequence[str]) -> bool:
    """Whether a command runs a container."""
    return len(command) > 1 and PurePath(command[0]).name in _ENGINES and _after_run(command) is not None


def complaints(command: Sequence[str], home: str) -> tuple[str, ...]:
    """What lets the container out, in words; nothing for what is none."""
    if not is_container(command):
        return ()
    return tuple(
        dict.fromkeys(text for name, value in _options(command) for text in _judge(name, value, home))
    )


def _after_run(command: Sequence[str]) -> int | None:
    """Where the options of `run` begin."""
    for at, word in enumerate(command[1:4], 1):
        if word == "run":
            return at + 1
        if word != "container" and not word.startswith("-"):
            return None
    return None


def _options(command: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The options of `run`, up to the image, each with its value."""
    words = iter(command[_after_run(command) or len(command) :])
    for word in words:
        if not word.startswith("-") or word == "--":
            return
        name, equals, value = word.partition("=")
        if not equals and name.startswith("-v") and not name.startswith("--") and len(name) > 2:
            name, value, equals = "-v", name[2:], "="
        yield name, value if equals or name in _FLAGS else next(words, "")


def _judge(name: str, value: str, home: str) -> Iterator[str]:
    if name == "--privileged" and value.lower() != "false":
        yield "it is privileged: it has the machine"
    if name in ("--network", "--net") and value == "host":
        yield "it has the network of this machine, all of it"
    if name in ("--pid", "--ipc", "--uts", "--userns", "--cgroupns") and value == "host":
        yield f"it shares `{name.lstrip('-')}` with this machine"
    if name == "--cap-add":
        yield f"it has the capability `{value}`"
    if name == "--device":
        yield f"it has the device `{value.partition(':')[0]}`"
    if name == "--security-opt" and ("unconfined" in value or value.startswith("label=disable")):
        yield f"`{value}` takes away what confines it"
    source, target = _mount(name, value)
    if source.endswith((".sock", "/docker", "/containerd")) and source.startswith(("/run", "/var/run")):
        yield f"`{source}` lets it command the machine"
    elif source in _BROAD or (home and source in (home, "~", "$HOME")):
        yield f"it has `{source}` of this machine at `{target}`"


def _mount(name: str, value: str) -> tuple[str, str]:
    """What of the machine is mounted, and where; empty if nothing is."""
    if name in ("-v", "--volume"):
        source, _, rest = value.partition(":")
        return (source.rstrip("/") or "/") if source.startswith(("/", "~", "$")) else "", rest.partition(":")[
            0
        ]
    if name == "--mount":
        parts = dict(each.partition("=")[::2] for each in value.split(","))
        source = parts.get("source") or parts.get("src") or ""
        return (source.rstrip("/") or "/") if source else "", parts.get("target") or parts.get("dst") or ""
    return "", ""
