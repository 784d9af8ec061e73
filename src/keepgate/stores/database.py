"""A small SQLite file of mode 0600: one transaction at a time, whole or not at all, its schema in steps."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from keepgate.model.errors import LocalError
from keepgate.stores.files import make_directory

PATIENCE: Final = 5.0
"""Seconds to wait for another process that writes."""


@contextmanager
def transaction(path: Path, schema: Sequence[Sequence[str]]) -> Iterator[sqlite3.Connection]:
    """One transaction on the file, which is made if it is missing and brought up to the last step of its schema.

    Raises LocalError if it cannot be used.
    """
    try:
        make_directory(path.parent)
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as database:
            database.row_factory = sqlite3.Row
            database.execute("BEGIN IMMEDIATE")
            try:
                version = database.execute("PRAGMA user_version").fetchone()[0]
                for number, statements in enumerate(schema[version:], version + 1):
                    for statement in (*statements, f"PRAGMA user_version = {number}"):
                        database.execute(statement)
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise LocalError(path.stem, f"`{path}` cannot be used", str(error)) from error
