"""What a launcher's command line asks for. Pure.

Only what names packages of a registry can be kept and compared. Whatever else a launcher can do (a shell command, a
URL, a directory, an option nobody here has looked at) is refused with what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final


class LauncherError(ValueError):
    """A command line that cannot be resolved; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Packages, and a program of theirs to run."""

    kind: str
    """npm or pypi"""
    requirements: tuple[str, ...]
    """As the registry's own client takes them."""
    program: str
    """Empty: the one that the first package is known for."""
    arguments: tuple[str, ...]
    python: str = ""
    """A version or name of an interpreter, for PyPI."""


CURE: Final = "install the server and name its program in `command`, or say `sandbox: {mode: off}`"
_ALWAYS: Final = ("-y", "--yes", "-q", "--quiet", "--isolated", "--no-progress", "--prefer-offline")
"""Options that change nothing about what is run."""
_NPM_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
_NPM_VERSION: Final = _NPM_NAME | frozenset("+^*<>= |")
_PYPI: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.[],<>=!~*+")


def recognise(command: Sequence[str]) -> Wanted | None:
    """What a command asks a launcher for; None if it is no launcher. Raises LauncherError."""
    words = [PurePath(command[0]).name, *command[1:]] if command else []
    for start, parse in _LAUNCHERS:
        if tuple(words[: len(start)]) == start:
            return parse(words[len(start) :], " ".join(start))
    return None


def _npx(words: Sequence[str], launcher: str) -> Wanted:
    given = _read(words, launcher, {"-p": "package", "--package": "package"})
    specs = [*given.options["package"]] or given.rest[:1]
    if not specs or not given.rest:
        raise LauncherError(f"`{launcher}` names no package: {CURE}")
    program = given.rest[0] if given.options["package"] else ""
    return Wanted("npm", tuple(map(_npm, specs)), _program(program), tuple(given.rest[1:]))


def _uvx(words: Sequence[str], launcher: str) -> Wanted:
    options = {"--from": "from", "--with": "with", "-w": "with", "--python": "python", "-p": "python"}
    given = _read(words, launcher, options)
    if not given.rest or len(given.options["from"]) > 1 or len(given.options["python"]) > 1:
        raise LauncherError(f"`{launcher}` names no package, or several: {CURE}")
    asked, _, version = given.rest[0].partition("@")
    pinned = f"{asked}=={version}" if version and version != "latest" else asked
    name = next((asked[:at] for at, char in enumerate(asked) if char in "[<>=!~ "), asked)
    first = given.options["from"][0] if given.options["from"] else pinned
    requirements = tuple(_pypi(each) for each in (first, *given.options["with"]))
    return Wanted(
        "pypi", requirements, _program(name), tuple(given.rest[1:]), "".join(given.options["python"])
    )


_Parse = Callable[[Sequence[str], str], Wanted]
_LAUNCHERS: Final[tuple[tuple[tuple[str, ...], _Parse], ...]] = (
    (("npx",), _npx),
    (("npm", "exec"), _npx),
    (("uvx",), _uvx),
    (("uv", "tool", "run"), _uvx),
)


@dataclass(frozen=True, slots=True)
class _Given:
    options: dict[str, list[str]]
    rest: list[str]
    """From the first word that is no option on: the launcher passes the others to the program."""


def _read(words: Sequence[str], launcher: str, takes: dict[str, str]) -> _Given:
    options: dict[str, list[str]] = {name: [] for name in takes.values()}
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "--":
        name, equals, value = rest.pop(0).partition("=")
        if name in takes and (equals or rest):
            options[takes[name]].append(value if equals else rest.pop(0))
        elif name not in _ALWAYS or equals:
            raise LauncherError(
                f"the option `{name}` of `{launcher}` cannot be resolved before the server runs: {CURE}"
            )
    return _Given(options, rest[1:] if rest[:1] == ["--"] else rest)


def _npm(spec: str) -> str:
    scope, slash, rest = spec.partition("/") if spec.startswith("@") else ("", "", spec)
    name, _, version = rest.partition("@")
    fits = (
        name and not name.startswith(("-", ".")) and set(name) <= _NPM_NAME and set(version) <= _NPM_VERSION
    )
    if (
        not fits
        or bool(slash) is not bool(scope[1:])
        or not set(scope[1:]) <= _NPM_NAME
        or scope.startswith("@.")
    ):
        raise LauncherError(f"`{_shown(spec)}` is no package of the npm registry: {CURE}")
    return spec


def _pypi(requirement: str) -> str:
    if (
        not requirement[:1].isalnum()
        or not set(requirement) <= _PYPI
        or requirement.endswith((".whl", ".gz", ".zip"))
    ):
        raise LauncherError(f"`{_shown(requirement)}` is no package of PyPI: {CURE}")
    return requirement


def _program(name: str) -> str:
    if name in (".", "..") or "/" in name or "\0" in name or name.startswith("-"):
        raise LauncherError(f"`{_shown(name)}` is no name of a program: {CURE}")
    return name


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:200])
