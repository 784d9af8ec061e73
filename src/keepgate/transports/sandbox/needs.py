"""What a command needs to run at all: its program, the interpreter, the code it is told to run. Looks at files only.

A server's own code is no secret to it, and nobody could list it by hand. Data is never guessed: an argument that names
a directory or a file is the server's to read only if the configuration says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from keepgate.transports.sandbox.profile import real

SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""Programs and libraries of the machine."""
SETTINGS: Final = tuple(
    f"/etc/{name}"
    for name in (
        "alternatives ca-certificates fonts gai.conf ld.so.cache ld.so.conf ld.so.conf.d locale.alias localtime "
        "mime.types nsswitch.conf os-release pki services ssl/certs ssl/openssl.cnf timezone"
    ).split()
)
"""What libraries look up; nothing of it is about this user or this network."""

_INTERPRETERS: Final = (
    "python",
    "node",
    "deno",
    "bun",
    "ruby",
    "perl",
    "php",
    "java",
    "sh",
    "bash",
    "env",
    "tsx",
)
_CODE_PATHS: Final = ("PYTHONPATH", "NODE_PATH", "LD_LIBRARY_PATH", "RUBYLIB", "PERL5LIB", "CLASSPATH")
"""Variables of the configuration that say where code is."""
_PROJECT: Final = ("package.json", "pyproject.toml", "setup.py", "deno.json", "Gemfile")
_PREFIX: Final = ("pyvenv.cfg", "lib/node_modules", "lib/python3", "include", "share")
_TAKES_VALUE: Final = ("-m", "-c", "-e", "-r", "-W", "-X", "--require", "--import", "--eval", "-p")
_DEPTH: Final = 6
"""Links and interpreters that lead to one another."""
_LINE: Final = 256


def code_of(
    file: str, words: Sequence[str], env: Mapping[str, str], cwd: Path, home: Path
) -> tuple[Path, ...]:
    """Files and directories that `file` with arguments `words` needs, besides `SYSTEM`; each may be a link."""
    found = list(_program(Path(file), env, home, _DEPTH))
    if _is_interpreter(file):
        found += _script(words, cwd, home)
    for name in _CODE_PATHS:
        found += [cwd / each for each in env.get(name, "").split(os.pathsep) if each]
    kept = [path for path in dict.fromkeys(found) if path.exists() and not _covered(path)]
    kept = [path for path in kept if not is_broad(path, home) or path.is_file()]
    return tuple(path for path in kept if not any(path.is_relative_to(each) for each in kept if each != path))


def is_broad(path: Path, home: Path) -> bool:
    """Whether a directory holds far more than one program: the root, the home directory, or one above it."""
    found = real(path)
    shared = "/ /tmp /var /var/tmp /etc /run /proc /sys /dev /opt /srv /mnt".split()
    return str(found) in shared or real(home).is_relative_to(found) or found == real(home / ".local")


def _covered(path: Path) -> bool:
    return any(path.is_relative_to(each) for each in SYSTEM) and real(path).is_relative_to("/usr")


def _program(file: Path, env: Mapping[str, str], home: Path, depth: int) -> Iterator[Path]:
    """The program as it is called, what links in its path lead to, and who interprets it."""
    if not depth or not file.is_file():
        return
    yield _around(file, home)
    if file.is_symlink():
        yield file
        yield from _program(Path(os.path.normpath(file.parent / file.readlink())), env, home, depth - 1)
    target = real(file)
    if target != file:
        yield _around(target, home)
    yield from _base(file, env, home, depth)
    with target.open("rb") as stream:
        line = stream.readline(_LINE)
    if line.startswith(b"#!"):
        words = os.fsdecode(line[2:]).split()
        if words[:1] == ["/usr/bin/env"]:
            words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
            words = [str(_on_path(words[0], env))] if words else []
        if words:
            yield from _program(Path(words[0]), env, home, depth - 1)


def _on_path(name: str, env: Mapping[str, str]) -> Path:
    places = [Path(each, name) for each in env.get("PATH", "").split(os.pathsep) if each]
    return next((place for place in places if os.access(place, os.X_OK)), Path("/nonexistent"))


def _around(file: Path, home: Path) -> Path:
    """The installation that a program belongs to, or the program alone where that cannot be told."""
    folder = file.parent
    for parent in (folder, *folder.parents):
        if parent.name == "node_modules":
            return _outermost(parent)
    prefix = folder.parent
    if folder.name in ("bin", "sbin") and not is_broad(prefix, home):
        if any(next(prefix.glob(each + "*"), None) for each in _PREFIX):
            return prefix
        return folder
    return file


def _outermost(modules: Path) -> Path:
    """Of nested `node_modules` the one that holds all; with what stands beside it, for packages find each other so."""
    for parent in modules.parents:
        if parent.name == "node_modules":
            modules = parent
    return modules


def _base(file: Path, env: Mapping[str, str], home: Path, depth: int) -> Iterator[Path]:
    """The Python that a virtual environment was made from."""
    marker = file.parent.parent / "pyvenv.cfg"
    if not marker.is_file():
        return
    yield marker.parent
    for line in marker.read_text(errors="replace").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "home":
            yield from _program(Path(value.strip(), file.name), env, home, depth - 1)
            yield from _program(Path(value.strip(), "python3"), env, home, depth - 1)


def _is_interpreter(file: str) -> bool:
    names = {Path(file).name, real(file).name}
    return any(name.rstrip("0123456789.") in _INTERPRETERS for name in names)


def _script(words: Sequence[str], cwd: Path, home: Path) -> Iterator[Path]:
    """The code that an interpreter is told to run: the project it lies in, or its directory, or only the file."""
    rest = iter(words)
    for word in rest:
        if word == "-m":
            yield from (cwd / next(rest, "").split(".", maxsplit=1)[0],)
            return
        if word in _TAKES_VALUE:
            if word in ("-c", "-e", "--eval"):
                return
            next(rest, None)
        elif not word.startswith("-"):
            script = cwd / word
            if script.is_file():
                yield from {script: 0, _project(script, home): 0, _project(real(script), home): 0}
            elif script.is_dir():
                yield script
            return


def _project(script: Path, home: Path) -> Path:
    inside = [parent for parent in script.parents if not is_broad(parent, home)]
    modules = [parent for parent in inside if parent.name == "node_modules"]
    if modules:
        return _outermost(modules[0])
    marked = [parent for parent in inside if any((parent / each).exists() for each in _PROJECT)]
    return (marked or inside[:1] or [script])[0]
