"""Where the key-encryption key comes from: the environment, a keyring, a program that asks a KMS, or a file.

A key file protects copies of the data that were made without it (a database file, a backup of one directory). It does
not protect a stolen disk: whoever has the disk has both.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from keepgate.audit.seal import KEY
from keepgate.model.errors import ConfigError
from keepgate.stores.files import create, make_directory

VARIABLE: Final = "KEEPGATE_KEY"
KEYRING: Final = "keyring:"
COMMAND: Final = "command:"
PATIENCE: Final = 30.0
"""Seconds that a command may take to bring the key."""
FILE: Final = "master.key"
CURE: Final = "make one with `head -c 32 /dev/urandom | base64`"

_DISTINCT: Final = 16
"""Different values among 32 random bytes: fewer than this has a chance below 10^-9."""


def load_kek(state: Path, env: Mapping[str, str], *, create_file: bool = True) -> bytes:
    """The key-encryption key (32 bytes): what `$KEEPGATE_KEY` says if it is set, else the file in `state`.

    The variable holds the key as base64, `keyring:NAME`, or `command:PROGRAM ARGUMENTS`. The file is made at the first
    start. Raises ConfigError for a weak key, an open file, or a missing one that may not be made.
    """
    given = env.get(VARIABLE)
    if given is not None and given.startswith(KEYRING):
        return from_keyring(given.removeprefix(KEYRING))
    if given is not None and given.startswith(COMMAND):
        return from_command(given.removeprefix(COMMAND))
    if given is not None:
        return parse(given, f"${VARIABLE}")
    return from_file(state / FILE, may_create=create_file)


def parse(text: str, where: str) -> bytes:
    """A key written as base64. Raises ConfigError unless it is 32 bytes that look random."""
    try:
        key = b64decode(text.strip(), validate=True)
    except ValueError as error:
        raise ConfigError(f"{where} is not base64: {CURE}", code="audit-key") from error
    if len(key) != KEY:
        raise ConfigError(f"{where} holds {len(key)} bytes, not {KEY}: {CURE}", code="audit-key")
    if len(set(key)) < _DISTINCT or key.isascii():
        raise ConfigError(f"{where} is not random: {CURE}", code="audit-key")
    return key


def from_file(path: Path, *, may_create: bool) -> bytes:
    """The key in a file of mode 0600. Raises ConfigError."""
    try:
        if may_create and not path.exists():
            make_directory(path.parent)
            create(path, b64encode(_random_key()) + b"\n")
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            text = stream.read(1024)
    except OSError as error:
        raise ConfigError(f"cannot read the key `{path}`: {error.strerror}", code="audit-key") from error
    if mode & 0o077:
        raise ConfigError(f"`{path}` is open to other users: chmod 600 it", code="audit-key")
    return parse(text.decode("ascii", "replace"), f"`{path}`")


@lru_cache(maxsize=1)
def from_command(text: str) -> bytes:
    """The key as base64 that a program prints, asked once in the life of a process. Raises ConfigError.

    So any key management service can keep it: it unwraps a key that only it can, and the program asks it. No shell.
    """
    try:
        words = shlex.split(text)
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=True
        )
    except (IndexError, OSError, ValueError) as error:
        raise ConfigError(f"the command in ${VARIABLE} cannot be run: {error}", code="audit-key") from error
    except subprocess.TimeoutExpired as error:
        text = f"the command in ${VARIABLE} brings no key within {PATIENCE:.0f} seconds"
        raise ConfigError(text, code="audit-key") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip()[-300:]
        text = f"the command in ${VARIABLE} ended with {error.returncode}: {said}"
        raise ConfigError(text, code="audit-key") from error
    return parse(done.stdout[:1024].decode("ascii", "replace"), f"what the command in ${VARIABLE} prints")


def from_keyring(name: str) -> bytes:
    """The key that the operating system's keyring keeps under `name`, made at the first start. Raises ConfigError.

    Needs the extra `keyring`; a keyring that stores in plain text, or none at all, is refused.
    """
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise ConfigError("the keyring needs `pip install keepgate[keyring]`", code="audit-key") from error
    if keyring.get_keyring().priority < 1:
        raise ConfigError("no safe keyring runs here: use the key file or the environment", code="audit-key")
    try:
        text = keyring.get_password("keepgate", name)
        if text is None:
            text = b64encode(_random_key()).decode()
            keyring.set_password("keepgate", name, text)
    except KeyringError as error:
        raise ConfigError(f"the keyring does not answer: {error}", code="audit-key") from error
    return parse(text, "the key in the keyring")


def _random_key() -> bytes:
    return os.urandom(KEY)
