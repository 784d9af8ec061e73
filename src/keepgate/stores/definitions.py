"""Definitions by their fingerprint, so that a change can be shown and not only noticed; and what was seen first.

Nothing that is read here counts but by its fingerprint, and that is in the lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import TypeAdapter
from rfc8785 import CanonicalizationError

from keepgate.lock.fingerprint import PREFIX, digest
from keepgate.lock.fingerprint import fingerprint as fingerprint_of
from keepgate.model.errors import LocalError
from keepgate.stores.files import create, make_directory, replace

MOST: Final = 50_000
"""Files. A server that lists something else each time must not fill the disk."""
MAX_BYTES: Final = 1024 * 1024
"""Of one definition; a longer one is not kept."""


class Definitions:
    """`definitions/` below the state directory, one file for each. Never raises: a diff is a convenience."""

    def __init__(self, state: Path) -> None:
        self._directory = state / "definitions"
        self._count = -1

    def get(self, fingerprint: str) -> Any:
        """The definition that has this fingerprint, None if it is not here: a file that was changed has another."""
        try:
            found = orjson.loads(self._path(fingerprint).read_bytes())
            now = fingerprint_of(found) if isinstance(found, dict) else digest(found)
        except (OSError, ValueError, CanonicalizationError):
            return None
        return found if now == fingerprint else None

    def keep(self, fingerprint: str, definition: Any) -> None:
        """Keep a definition; at most `MOST` of them."""
        path = self._path(fingerprint)
        with suppress(OSError):
            if path.exists():
                return
            if self._count < 0:
                make_directory(self._directory)
                self._count = sum(1 for _ in self._directory.iterdir())
            text = orjson.dumps(definition)
            if self._count < MOST and len(text) <= MAX_BYTES:
                self._count += create(path, text)

    def _path(self, fingerprint: str) -> Path:
        digest = fingerprint.removeprefix(PREFIX)
        if not digest.isalnum() or not digest.isascii():
            digest = "none"  # it came from a file: it must not name a place of its own
        return self._directory / f"{digest[:64]}.json"


_Seen = dict[str, dict[str, dict[str, str]]]
"""Server, member of the list result, name, fingerprint."""


class FirstUse:
    """`first_use.json` in the state directory: what servers listed when they were first seen."""

    def __init__(self, state: Path) -> None:
        self._path = state / "first_use.json"
        try:
            self._seen = TypeAdapter(_Seen).validate_json(self._path.read_bytes(), strict=True)
        except FileNotFoundError:
            self._seen = {}
        except (OSError, ValueError) as error:
            text = f"`{self._path}` cannot be read: restore it, or remove it to trust anew"
            raise LocalError("first-use", text) from error

    def pins(self, server: str, kind: str) -> Mapping[str, str] | None:
        """Name to fingerprint as first seen; None if the server was never seen."""
        return self._seen.get(server, {}).get(kind)

    def trust(self, server: str, kind: str, pins: Mapping[str, str]) -> None:
        """Remember what is seen now. Raises LocalError if it cannot be written: then nothing is trusted."""
        seen = {**self._seen, server: {**self._seen.get(server, {}), kind: dict(pins)}}
        try:
            replace(self._path, orjson.dumps(seen, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        except OSError as error:
            raise LocalError("first-use", f"cannot write `{self._path}`: {error.strerror}") from error
        self._seen = seen
