"""The environment and the program of a server process: no more than it needs, and nothing found by accident. Pure
except for looking at the file system."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from keepgate.model.errors import UpstreamError

PASSED: Final = frozenset(
    "HOME USER LOGNAME PATH SHELL TERM LANG LANGUAGE TZ TMPDIR XDG_CACHE_HOME XDG_DATA_HOME "
    "SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS "
    "HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy".split()
)
"""Variables that every server may see: who and where it is, certificates, proxies."""

PASSED_PREFIXES: Final = ("LC_", "UV_", "PIP_", "npm_config_", "NPM_CONFIG_")
"""Variables by which uvx, pip and npx find their cache and index."""

NAMED_ONLY: Final = ("TOKEN", "PASSWORD", "SECRET", "AUTH", "PUBLISH", "CREDENTIAL")
"""What of these looks like a credential is passed only to a server whose `pass_env` names it."""

_CURES: Final = {
    "npx": "install Node.js",
    "node": "install Node.js",
    "npm": "install Node.js",
    "uvx": "install uv",
    "uv": "install uv",
    "docker": "install Docker",
    "bunx": "install Bun",
    "deno": "install Deno",
}


def environment(ours: Mapping[str, str], pass_env: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """The variables of a server: of `ours` what it needs or `pass_env` names, then `env`."""
    found = {
        name: value
        for name, value in ours.items()
        if name in PASSED
        or (name.startswith(PASSED_PREFIXES) and not any(word in name.upper() for word in NAMED_ONLY))
    }
    found.update((name, ours[name]) for name in pass_env if name in ours)
    return found | dict(env)


def program(words: Sequence[str], env: Mapping[str, str], cwd: str | None) -> str:
    """The file that a command line runs: its first word if that is a path, relative to `cwd`, else found on PATH.

    Raises UpstreamError that names the cure.
    """
    command = words[0]
    if any("\0" in text for text in (*words, *env, *env.values())):
        raise _missing(f"the command `{command!a}` or its environment holds a NUL, which no program can take")
    if cwd is not None and not Path(cwd).is_dir():
        raise _missing(
            f"the directory `{cwd}` to start the server in does not exist: create it or correct `cwd`"
        )
    if os.sep not in command:
        found = shutil.which(command, path=env.get("PATH"))
        if found is None:
            cure = _CURES.get(command, "install it, or write its full path in `command`")
            raise _missing(f"the command `{command}` was not found on PATH: {cure}")
        return str(Path(found).absolute())
    file = Path(cwd or ".", command).absolute()
    if not file.is_file():
        raise _missing(f"the command `{command}` does not exist: correct `command`")
    if not os.access(file, os.X_OK):
        raise _missing(f"the command `{command}` is not executable: run `chmod +x {file}`")
    return str(file)


def _missing(text: str) -> UpstreamError:
    return UpstreamError("unreachable", text, retryable=True)
