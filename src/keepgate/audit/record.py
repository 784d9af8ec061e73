"""The decision event: what is recorded of every message, and the bytes that are hashed (docs/audit.md).

A record is one line of RFC 8785 canonical JSON. It holds no argument, no result and no name of a person in the clear:
the principal is a pseudonym, a URI is reduced to scheme and host, everything else is sealed.

Two records are written for each call and most of what they say is what the last one said, so a record is put together
from a `Form`, in which all of that is encoded already (decision record 5).
"""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

import orjson

VERSION: Final = 2
GENESIS: Final = "0" * 64
"""`prev` of record 0."""
RECOVERED: Final = "audit/recovered"
"""`method` of the event that tells of an unclean end; its `rules` name the payloads that were lost with it."""
SET_ASIDE: Final = "audit/set-aside"
"""`method` of the event that tells of a writer whose files do not fit their checkpoint."""
ROTATED: Final = "audit/key-rotated"
"""`method` of the last event under a signing key; its `rules` name the one that follows, `ed25519:<base64>`."""
PRUNED: Final = "audit/pruned"
"""`method` of the event that tells of records past their time; its `rules` say how many of each writer, `writer:count`.

It names all that are gone by then, so the newest of these events that is signed is enough.
"""
INLINE: Final = 1024
"""Bytes of the longest sealed payload that stands in its record; a longer one lies beside it, under its hash."""

_A_SECOND: Final = 1_000_000_000
_LONGEST: Final = 1024
"""Characters of a text that outsiders chose; the whole of it is in the sealed payload."""


class Entry(NamedTuple):
    """What the gateway hands to the log for one message; the log adds v, writer, seq, prev, seals and hashes.

    A tuple, because one is made for every message: by position it costs a fifth of a frozen dataclass.
    """

    time_ns: int
    """Unix time in nanoseconds."""
    trace: str
    """The decision id of the request this belongs to: shared by a request, its reply and what came in between."""

    # What many messages share: see `sort`.
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
    observed: str = ""
    """what policy says where observe mode let the message through: ask or deny"""

    size: int = 0
    payload: bytes = b""
    """JSON of the params, result or error; sealed, never written in plain"""
    private: str = ""
    """the cause that only the log may know; sealed with the payload"""
    request: bytes = b""
    """JSON of what policy was asked besides what stands here (`policy.recorded`); sealed with the payload"""


def sort(entry: Entry) -> tuple[object, ...]:
    """All but what is of this one message only. Entries that agree in it share a `Form`."""
    return entry[2:15]


def event(  # noqa: PLR0913 - what an entry has
    time_ns: int,
    method: str,
    reason: str,
    *,
    direction: str = "to_server",
    trace: str = "",
    principal: str = "",
    client: str = "",
    server: str = "",
    name: str = "",
    allowed: bool = True,
    policy: str = "",
    rules: tuple[str, ...] = (),
    payload: bytes = b"",
    private: str = "",
) -> Entry:
    """The entry of something that is no message. `reason` is written in plain; `private` and `payload` are sealed."""
    return Entry(
        time_ns=time_ns,
        trace=trace,
        direction=direction,
        kind="event",
        method=method,
        principal=principal,
        client=client,
        server=server,
        name=name,
        effect="allow" if allowed else "deny",
        reason=reason,
        policy=policy,
        rules=rules,
        payload=payload,
        private=private,
    )


class Heard(NamedTuple):
    """What is told of a record that was written: what it shares with others (`sort`), and what it does not."""

    shared: tuple[object, ...]
    time_ns: int
    trace: str
    size: int
    payload: bytes
    """Of a request that is not long; else empty"""

    def entry(self) -> Entry:
        """The entry again, as far as it was told."""
        return Entry(self.time_ns, self.trace, *self.shared, self.size, self.payload)  # type: ignore[arg-type, call-arg]


@dataclass(frozen=True, slots=True)
class Form:
    """The record of all entries of one sort, with gaps: encoded once, filled for each message."""

    head: bytes
    policy: bytes
    rules: bytes
    server: str
    tail: bytes
    name: bytes
    """Of the envelope, where the name may not be read in the record: `"name":…`"""

    @classmethod
    def of(cls, entry: Entry, writer: str, pseudonym: str, shown: str) -> Form:
        """The form for entries of this sort. `pseudonym` and `shown` are principal and name as anybody may read them.

        Raises TypeError for text that is not Unicode.
        """
        # The keys are in order: canonical form is held by a test.
        head = (
            f'{{"client":{_text(entry.client)},"direction":{_json(entry.direction)}'
            f',"findings":{_json(entry.findings)},"kind":{_json(entry.kind)},"method":{_text(entry.method)}'
            f',"name":{_text(shown)},"payload":'
        )
        observed = f',"observed":{_json(entry.observed)}' if entry.observed else ""
        verdict = f'{{"effect":{_json(entry.effect)}{observed},"reason":{_text(entry.reason)}}}'
        return cls(
            head=head.encode(),
            policy=f',"policy":{_json(entry.policy)},"prev":"'.encode(),
            rules=f'","principal":{_json(pseudonym)},"rules":{_json(entry.rules)},"seq":'.encode(),
            server=f',"server":{_json(entry.server)},"size":',
            tail=f',"v":{VERSION},"verdict":{verdict},"writer":{_json(writer)}}}'.encode(),
            name=b"" if shown == entry.name else b'"name":%b' % orjson.dumps(entry.name),
        )

    def envelope(self, entry: Entry) -> bytes:
        """The plaintext that is sealed, a JSON object `{body?, name?, private?, request?}`; empty for none."""
        if not (self.name or entry.private):
            if not entry.payload:
                return b'{"request":%b}' % entry.request if entry.request else b""
            if not entry.request:
                return b'{"body":%b}' % entry.payload
            return b'{"body":%b,"request":%b}' % (entry.payload, entry.request)
        body = b'"body":%b' % entry.payload if entry.payload else b""
        private = b'"private":%b' % orjson.dumps(entry.private) if entry.private else b""
        request = b'"request":%b' % entry.request if entry.request else b""
        return b"{%b}" % b",".join(filter(None, (body, self.name, private, request)))

    def fill(self, entry: Entry, seq: int, prev: bytes, payload: tuple[bytes, ...]) -> bytes:
        """The stored bytes of a record, without a newline. Raises TypeError for text that is not Unicode.

        `prev` is the leaf hash of the record before, hex; `payload` is `NONE`, `inline` or `beside`.
        """
        rest = f'{seq}{self.server}{entry.size},"time":"{rfc3339(entry.time_ns)}","trace":'
        trace = orjson.dumps(entry.trace if len(entry.trace) <= _LONGEST else _clip(entry.trace))
        return b"".join((self.head, *payload, self.policy, prev, self.rules, rest.encode(), trace, self.tail))


NONE: Final[tuple[bytes, ...]] = (b"null",)
"""The `payload` of a record that has none. Payloads are in pieces, to be joined once with all the rest."""


def inline(nonce: bytes, sealed: bytes) -> tuple[bytes, ...]:
    """The `payload` of a record that holds its sealed payload itself. `nonce` is hex."""
    return b'{"nonce":"', nonce, b'","sealed":"', b2a_base64(sealed, newline=False), b'"}'


def beside(nonce: bytes, sealed: bytes, offset: int) -> tuple[bytes, ...]:
    """The `payload` of a record whose sealed payload lies beside it, at `offset`. `nonce` is hex."""
    cipher = sha256(sealed).hexdigest()
    return b'{"cipher":"', f'{cipher}","len":{len(sealed)},"nonce":"'.encode(), nonce, b'","off":%d}' % offset


def leaf(record: bytes) -> bytes:
    """RFC 6962 leaf hash of stored bytes; the next record's `prev` is its hex form."""
    return sha256(b"\0" + record).digest()


def rfc3339(time_ns: int) -> str:
    """`2026-11-21T08:15:30.123456789Z`: sorts as text, and survives readers whose numbers are doubles."""
    digits = str(time_ns) if time_ns >= _A_SECOND else f"{time_ns:010d}"
    return f"{_whole_second(digits[:-9])}{digits[-9:]}Z"


def period(time_ns: int) -> str:
    """The month a data key is for: `2026-11`."""
    return _second(time_ns // 1_000_000_000)[:7]


def period_end(time_ns: int) -> int:
    """When the month of this time ends, Unix time in nanoseconds."""
    now = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    following = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    return int(following.timestamp()) * 1_000_000_000


@lru_cache(maxsize=4)
def _whole_second(digits: str) -> str:
    return f"{_second(int(digits))}."


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _text(text: str) -> str:
    return _json(_clip(text))


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
