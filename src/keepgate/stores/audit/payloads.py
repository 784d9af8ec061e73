"""Opening what records seal, record by record, for who may read it (docs/audit.md). Takes no lock, writes nothing."""

from __future__ import annotations

import heapq
from binascii import a2b_base64, unhexlify
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from keepgate.audit.checkpoint import EvidenceError
from keepgate.audit.seal import DataKey, binding
from keepgate.stores.audit.data_keys import DataKeys
from keepgate.stores.audit.files import KEYS, SEALED, audit_directory, segment, writers
from keepgate.stores.audit.reading import records

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """One record with what it seals."""

    record: Record
    principal: str
    """By name; empty for keepgate itself, and where the key was destroyed."""
    envelope: Record | None
    """`{body?, name?, private?, request?}`; None if there is nothing, or it cannot be opened any more."""
    why: str = ""
    """Why it cannot be opened."""


class Payloads:
    """The payloads below `state`, with the data keys that are left. Raises EvidenceError for another `kek`, OSError."""

    def __init__(self, state: Path, kek: bytes) -> None:
        self._audit = audit_directory(state)
        self._keys: Mapping[str, DataKey] = DataKeys(self._audit / KEYS, kek).all()

    def opened(
        self, *, since: str = "", until: str = "", wanted: Callable[[Record], bool] = lambda _: True
    ) -> Iterator[Opened]:
        """The records of all writers in the order of their times, from `since` on and before `until` (RFC 3339).

        Only what is `wanted` is opened. A line that is no record is passed over: saying so is up to `verify`.
        """
        streams = [self._writer(directory, since, until, wanted) for directory in writers(self._audit)]
        return heapq.merge(*streams, key=lambda found: str(found.record["time"]))

    def _writer(
        self, directory: Path, since: str, until: str, wanted: Callable[[Record], bool]
    ) -> Iterator[Opened]:
        for stored in records(directory, 0, 0):
            try:
                record = orjson.loads(stored.data)
                if since <= record["time"] and (not until or record["time"] < until) and wanted(record):
                    yield self._open(directory, stored.segment, record)
            except (KeyError, TypeError, ValueError):
                continue

    def open(self, writer: str, number: int, record: Record) -> Opened:
        """A record that was read from a segment."""
        return self._open(self._audit / writer, number, record)

    def _open(self, directory: Path, number: int, record: Record) -> Opened:
        key, payload = self._keys.get(record["principal"]), record["payload"]
        name = key.principal if key is not None else ""
        if payload is None:
            return Opened(record, name, None)
        if key is None:
            return Opened(record, name, None, "its key was destroyed")
        try:
            sealed = _sealed(directory, number, payload)
            plain = key.unseal(unhexlify(payload["nonce"]), sealed, binding(record["writer"], record["seq"]))
            return Opened(record, name, orjson.loads(plain))
        except (EvidenceError, OSError, ValueError) as error:
            return Opened(record, name, None, str(error))


def _sealed(directory: Path, number: int, payload: Record) -> bytes:
    """The sealed bytes that stand in the record, or beside it."""
    if "sealed" in payload:
        return a2b_base64(payload["sealed"])
    with segment(directory, number, SEALED).open("rb") as stream:
        stream.seek(payload["off"])
        return stream.read(payload["len"])
