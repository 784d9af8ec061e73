"""Secrets of configured servers in one sealed file: `{secret: "store:NAME"}`. Nothing reads one back but their use.

Names and values are sealed together, so that a copy of the file says nothing, and any change of it is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import orjson

from keepgate.model.errors import LocalError
from keepgate.stores.vault.keys import DataKeys, replace

MAX_VALUE: Final = 64 * 1024
MAX_NAMES: Final = 1000

_PURPOSE: Final = "secrets"
_NAME_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class SecretStore:
    """`secrets.sealed` in the directory of the keys. A missing file holds no secrets."""

    def __init__(self, keys: DataKeys) -> None:
        self.path = keys.directory / "secrets.sealed"
        self._keys = keys

    def get(self, name: str) -> str:
        """The value. Raises LocalError, naming the secret and never another one."""
        try:
            return self._read()[name]
        except KeyError:
            raise LocalError(
                "secret-unknown", f"there is no secret `{name}`: `keepgate secrets set {name}`"
            ) from None

    def names(self) -> tuple[str, ...]:
        """The names, sorted. Raises LocalError."""
        return tuple(sorted(self._read()))

    def put(self, values: Mapping[str, str]) -> None:
        """Add or replace, all or none. Raises LocalError."""
        for name, value in values.items():
            if not (0 < len(name) <= 128 and _NAME_CHARS.issuperset(name)):
                raise LocalError(
                    "secret-name", "a secret's name has 1 to 128 letters, digits or `.`, `_`, `-`"
                )
            if not value or len(value) > MAX_VALUE or "\0" in value:
                raise LocalError(
                    "secret-value", f"the value of `{name}` must have 1 to {MAX_VALUE} characters"
                )
        self._update(lambda old: {**old, **values})

    def remove(self, name: str) -> None:
        """Forget a secret. Raises LocalError if there is none of this name."""

        def without(old: dict[str, str]) -> dict[str, str]:
            if name not in old:
                raise LocalError("secret-unknown", f"there is no secret `{name}`: `keepgate secrets list`")
            return {each: value for each, value in old.items() if each != name}

        self._update(without)

    def reseal(self) -> None:
        """Seal anew, under the current key."""
        if self.path.exists():
            self._update(dict)

    def _read(self) -> dict[str, str]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise LocalError("vault-unreadable", f"cannot read `{self.path}`: {error.strerror}") from error
        values: dict[str, str] = orjson.loads(self._keys.open(data, _PURPOSE, self.path))
        return values

    def _update(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        with self._keys.alone():
            values = change(self._read())
            if len(values) > MAX_NAMES:
                raise LocalError("secrets-full", f"more than {MAX_NAMES} secrets")
            replace(self.path, self._keys.seal(orjson.dumps(values), _PURPOSE))
