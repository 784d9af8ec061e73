"""Fetches the packages that a launcher was asked for, with all they need, and keeps them below keepgate's state.

Nothing of a package runs while it is fetched: npm's install scripts are off, and of PyPI only wheels are taken. What
was fetched is described by `keepgate.json` beside it, with the hash of every package as its registry gives it. It stays
as it is until `keepgate sandbox update`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from keepgate.model.errors import UpstreamError
from keepgate.transports.launchers.recognise import Wanted

PATIENCE: Final = 300.0
"""Seconds for all of it."""
_TAIL: Final = 600
"""Characters of what a client complained about."""
_RECORD: Final = "keepgate.json"


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package as it was fetched."""

    purl: str
    integrity: str
    """`sha512-...` (npm) or `sha256:...` (PyPI; one for each wheel that would do)."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A program with everything it needs."""

    folder: Path
    program: Path
    packages: tuple[Package, ...]


def known(wanted: Wanted, state: Path) -> Closure | None:
    """What was fetched for this before."""
    folder = _folder(wanted, state)
    try:
        record = orjson.loads((folder / _RECORD).read_bytes())
        packages = tuple(Package(each["purl"], each["integrity"]) for each in record["packages"])
        return Closure(folder, folder / record["program"], packages)
    except (OSError, ValueError, KeyError, TypeError):
        return None


_running: dict[tuple[Wanted, Path], asyncio.Task[Closure]] = {}


async def fetch_once(wanted: Wanted, state: Path, env: Mapping[str, str]) -> Closure:
    """Fetch it, together with whoever wants the same now; who stops waiting does not stop it. Raises UpstreamError."""
    key, task = (wanted, state), _running.get((wanted, state))
    if task is None or task.get_loop() is not asyncio.get_running_loop():
        task = _running[key] = asyncio.get_running_loop().create_task(fetch(wanted, state, env))
        task.add_done_callback(lambda done: _forget(key, done))
    return await asyncio.shield(task)


def _forget(key: tuple[Wanted, Path], done: asyncio.Task[Closure]) -> None:
    if _running.get(key) is done:
        del _running[key]
    if not done.cancelled():
        done.exception()  # whoever waited has it, and it may be that nobody did


async def fetch(wanted: Wanted, state: Path, env: Mapping[str, str]) -> Closure:
    """Fetch it anew, and keep it instead of what was there. Raises UpstreamError."""
    final = _folder(wanted, state)
    final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = final.with_name(f".{final.name}.{secrets.token_hex(4)}")
    folder.mkdir(mode=0o700)
    try:
        async with asyncio.timeout(PATIENCE):
            make = _npm if wanted.kind == "npm" else _pypi
            program, packages = await make(wanted, folder, final, env)
        record = {
            "requirements": wanted.requirements,
            "program": program,
            "packages": [{"purl": each.purl, "integrity": each.integrity} for each in packages],
        }
        (folder / _RECORD).write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
        _replace(folder, final)
    except TimeoutError:
        raise UpstreamError("timeout", "its packages could not be fetched in time", retryable=True) from None
    except OSError as error:
        raise UpstreamError("unreachable", f"its packages cannot be kept: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        text = "what its registry or its package says about itself cannot be read"
        raise UpstreamError("unreachable", text, type(error).__name__) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Closure(final, final / program, packages)


def _folder(wanted: Wanted, state: Path) -> Path:
    """One for each set of requirements, whatever is run of them."""
    told = orjson.dumps([wanted.kind, wanted.requirements, wanted.program, wanted.python])
    return state / "launchers" / f"{wanted.kind}-{hashlib.sha256(told).hexdigest()[:32]}"


def _replace(fresh: Path, final: Path) -> None:
    """A running server keeps what it has open; the next one starts from the new."""
    old = final.with_name(f".{final.name}.old.{secrets.token_hex(4)}")
    with contextlib.suppress(FileNotFoundError):
        final.rename(old)
    with contextlib.suppress(OSError):  # another keepgate was faster, and has the same
        fresh.rename(final)
    shutil.rmtree(old, ignore_errors=True)


async def _run(words: list[str], folder: Path, env: Mapping[str, str]) -> None:
    """Run a registry's client to its end. Raises UpstreamError with what it complained about."""
    program = shutil.which(words[0], path=env.get("PATH"))
    if program is None:
        raise UpstreamError("unreachable", f"`{words[0]}` was not found on PATH: install it", retryable=True)
    process = await asyncio.create_subprocess_exec(
        program,
        *words[1:],
        cwd=folder,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        tail = "".join(char if char.isprintable() else " " for char in said.decode(errors="replace")[-_TAIL:])
        text = f"its packages could not be fetched: `{words[0]}` ended with status {process.returncode}"
        raise UpstreamError("unreachable", text, tail.strip(), retryable=True)


# npm

_REGISTRY_ONLY: Final = tuple(f"--allow-{kind}=none" for kind in ("git", "file", "directory"))
"""What a package depends on comes from the registry too. A repository brings settings of its own (`.npmrc`), and with
them a program that runs in place of git, in spite of --ignore-scripts. npm before 11.10 does not know these and goes
on: there the lock file tells, after the fact, as it does everywhere of other addresses: npm takes the files of a
registry of one's own for such."""


async def _npm(
    wanted: Wanted, folder: Path, _final: Path, env: Mapping[str, str]
) -> tuple[str, tuple[Package, ...]]:
    (folder / "package.json").write_bytes(orjson.dumps({"name": "launched-by-keepgate", "private": True}))
    words = "npm install --ignore-scripts --no-audit --no-fund --no-update-notifier --omit=dev --save-exact".split()
    await _run([*words, *_REGISTRY_ONLY, "--prefix", str(folder), "--", *wanted.requirements], folder, env)
    lock = orjson.loads((folder / "package-lock.json").read_bytes())
    entries = {path: entry for path, entry in lock["packages"].items() if path and not entry.get("inBundle")}
    for path, entry in entries.items():
        if "integrity" not in entry:
            name = "".join(char if char.isprintable() else "?" for char in _npm_name(path)[:100])
            raise UpstreamError("unreachable", f"its dependency `{name}` is no package of a registry")
    packages = {
        Package(_purl("npm", _npm_name(path), entry["version"]), entry["integrity"])
        for path, entry in entries.items()
    }
    return _npm_program(wanted, folder), tuple(sorted(packages))


def _npm_name(path: str) -> str:
    return path.rpartition("node_modules/")[2]


def _npm_program(wanted: Wanted, folder: Path) -> str:
    """The program as npx chooses it: the only one, or the one with the name of the package."""
    spec = wanted.requirements[0]
    name = spec[: spec.index("@", 1)] if "@" in spec[1:] else spec
    manifest: dict[str, Any] = orjson.loads((folder / "node_modules" / name / "package.json").read_bytes())
    plain = name.rpartition("/")[2]
    given = manifest.get("bin") or {}
    offered = list(given) if isinstance(given, dict) else [plain]
    chosen = wanted.program or (offered[0] if len(offered) == 1 else plain)
    program = folder / "node_modules" / ".bin" / chosen
    if "/" in chosen or not program.exists():
        raise UpstreamError("unreachable", f"`{spec}` has no program `{chosen[:100]}`")
    return str(program.relative_to(folder))


# PyPI

_FOUND_ABOVE: Final = ("uv.toml", ".python-version")
"""What uv otherwise looks for in every directory above, /tmp among them, where anybody may put another registry into
the first and a program to be run into the second."""


async def _pypi(
    wanted: Wanted, folder: Path, final: Path, env: Mapping[str, str]
) -> tuple[str, tuple[Package, ...]]:
    asked, locked, venv = folder / "requirements.in", folder / "requirements.txt", folder / "venv"
    for name in _FOUND_ABOVE:
        (folder / name).touch()
    asked.write_text("".join(f"{each}\n" for each in wanted.requirements))
    python = ["--python", wanted.python] if wanted.python else []
    await _run(["uv", "venv", "--quiet", "--no-project", "--relocatable", *python, str(venv)], folder, env)
    inside = ["--quiet", "--python", str(venv / "bin" / "python"), "--only-binary", ":all:"]
    compile_ = ["uv", "pip", "compile", *inside, "--generate-hashes", "--no-header", "--no-annotate"]
    await _run([*compile_, str(asked), "-o", str(locked)], folder, env)
    install = ["uv", "pip", "install", *inside, "--require-hashes", "--link-mode", "copy", "-r", str(locked)]
    await _run(install, folder, env)
    await _compile(venv, final)
    program = venv / "bin" / wanted.program
    if not program.exists():
        raise UpstreamError(
            "unreachable", f"`{wanted.requirements[0]}` has no program `{wanted.program[:100]}`"
        )
    return str(program.relative_to(folder)), tuple(_hashed(locked.read_text()))


async def _compile(venv: Path, final: Path) -> None:
    """Python keeps what it compiled beside the source, which it cannot where that is read-only.

    `-S` keeps the interpreter from running what packages ask to run at each start (`.pth` files).
    """
    place = ["-s", str(venv), "-p", str(final / venv.name)]
    words = ["-I", "-S", "-m", "compileall", "-q", "-j", "0", *place, str(venv / "lib")]
    with contextlib.suppress(UpstreamError):  # a file that is no Python stays as it is
        await _run([str(venv / "bin" / "python"), *words], venv, {})


def _hashed(requirements: str) -> Iterator[Package]:
    """`name==version` with its hashes, one after the other on lines that end in a backslash."""
    for line in requirements.replace("\\\n", " ").splitlines():
        pinned, _, rest = line.partition(" ")
        name, equals, version = pinned.partition("==")
        if equals:
            hashes = [word.removeprefix("--hash=") for word in rest.split() if word.startswith("--hash=")]
            yield Package(_purl("pypi", name.partition("[")[0], version), " ".join(sorted(hashes)))


def _purl(kind: str, name: str, version: str) -> str:
    return f"pkg:{kind}/{name.replace('@', '%40')}@{version}"
