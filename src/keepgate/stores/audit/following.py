"""Reading the log from where one was, over restarts: for whoever passes its records on.

What was passed on is noted after it was: a record is handed out again rather than never.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from keepgate.model.errors import LocalError
from keepgate.stores.audit.files import audit_directory, writers
from keepgate.stores.audit.reading import Stored, records
from keepgate.stores.files import replace


class Follower:
    """Follows the logs of all writers below `state` under a name of its own. Raises LocalError for a damaged note."""

    def __init__(self, state: Path, name: str) -> None:
        self._audit = audit_directory(state)
        self._note = state / "exports" / f"{name}.json"
        self._places: dict[str, tuple[int, int]] = self._noted()

    def batches(self, most: int) -> Iterator[tuple[str, list[Stored]]]:
        """Up to `most` new records of each writer that has any, in the order of its log."""
        for directory in writers(self._audit):
            number, at = self._places.get(directory.name, (0, 0))
            found = list(islice(records(directory, number, at), most))
            if found:
                yield directory.name, found

    def passed(self, writer: str, last: Stored) -> None:
        """Everything up to this record of a writer has arrived. On stable storage when this returns. Raises OSError."""
        self._places[writer] = last.segment, last.end
        replace(self._note, orjson.dumps(self._places))

    def _noted(self) -> dict[str, tuple[int, int]]:
        if not self._note.exists():
            return {}
        try:
            found: dict[str, Any] = orjson.loads(self._note.read_bytes())
            return {writer: (int(number), int(at)) for writer, (number, at) in found.items()}
        except (AttributeError, TypeError, ValueError) as error:
            text = f"`{self._note}` is damaged: remove it, and everything is sent again"
            raise LocalError("export", text) from error
