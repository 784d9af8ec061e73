"""The decision event: what is recorded of every message, and the bytes that are hashed (docs/audit.md).

A record is one line of RFC 8785 canonical JSON. It holds no argument, no result and no name of a person: the principal
is a pseudonym, a URI is reduced to scheme and host, everything else is sealed beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

import orjson

VERSION: Final = 1
GENESIS: Final = "0" * 64
"""`prev` of record 0."""
RECOVERED: Final = "audit/recovered"
"""`method` of the event that tells of an unclean end; its `rules` name the payloads that were lost with it."""
SET_ASIDE: Final = "audit/set-aside"
"""`method` of the event that tells of a writer whose files do not fit their checkpoint."""

_LONGEST: Final = 1024
"""Characters of a text that outsiders chose; the whole of it is in the sealed payload."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the gateway hands to the log for one message; the log adds v, writer, seq, prev, seals and hashes."""

    time_ns: int
    """Unix time in nanoseconds."""
    trace: str
    """The decision id of the request this belongs to: shared by a request, its reply and what came in between."""
    direction: str
    """to_server or to_client"""
    kind: str
    """request, notification, result, error, or event (keepgate's own: start, denied login, upstream lost)"""
    method: str
    principal: str
    client: str
    """clientInfo name/version as the client claims it: display only."""
    server: str
    name: str
    """tool or prompt name, resource URI, in the server's own terms"""
    effect: str
    """allow, redact, ask, deny"""
    reason: str = ""
    """the public reason: written in plain, so it must quote nothing from a payload"""
    policy: str = ""
    """hash of the policy set that decided"""
    rules: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    size: int = 0
    payload: bytes = b""
    """canonical JSON of the params, result or error; sealed, never written in plain"""
    private: str = ""
    """the cause that only the log may know; sealed with the payload"""


Link = tuple[str, int, str]
"""Place of a record in its chain: writer, seq, prev."""


def encode(entry: Entry, link: Link, shown: tuple[str, str], payload: dict[str, object] | None) -> bytes:
    """The stored bytes of a record, without a newline. Raises TypeError for text that is not Unicode.

    `shown` is the pseudonym and the name as they may be read by anybody; `payload` says what is sealed and where:
    `{cipher, digest, len, off}`.
    """
    # The keys are in order, which spares the sort: canonical form is held by a test.
    return orjson.dumps(
        {
            "client": _clip(entry.client),
            "direction": entry.direction,
            "findings": entry.findings,
            "kind": entry.kind,
            "method": _clip(entry.method),
            "name": _clip(shown[1]),
            "payload": payload,
            "policy": entry.policy,
            "prev": link[2],
            "principal": shown[0],
            "rules": entry.rules,
            "seq": link[1],
            "server": entry.server,
            "size": entry.size,
            "time": rfc3339(entry.time_ns),
            "trace": _clip(entry.trace),
            "v": VERSION,
            "verdict": {"effect": entry.effect, "reason": _clip(entry.reason)},
            "writer": link[0],
        }
    )


def envelope(entry: Entry, shown_name: str) -> bytes:
    """The plaintext that is sealed, a JSON object `{body?, name?, private?}`; empty if there is nothing to seal."""
    parts = []
    if entry.payload:
        parts.append(b'"body":' + entry.payload)
    if shown_name != entry.name:
        parts.append(b'"name":' + orjson.dumps(entry.name))
    if entry.private:
        parts.append(b'"private":' + orjson.dumps(entry.private))
    return b"{" + b",".join(parts) + b"}" if parts else b""


def leaf(record: bytes) -> bytes:
    """RFC 6962 leaf hash of stored bytes; the next record's `prev` is its hex form."""
    return sha256(b"\0" + record).digest()


def rfc3339(time_ns: int) -> str:
    """`2026-11-21T08:15:30.123456789Z`: sorts as text, and survives readers whose numbers are doubles."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    return f"{_second(seconds)}.{nanoseconds:09d}Z"


def period(time_ns: int) -> str:
    """The month a data key is for: `2026-11`."""
    return _second(time_ns // 1_000_000_000)[:7]


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
