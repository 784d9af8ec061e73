"""Decision ids: one for all records of a request."""

from __future__ import annotations

import secrets

_TRACE_BYTES = 8
_random = memoryview(b"")


def new_trace() -> str:
    """A fresh decision id of 16 hex digits, shared by all records of one request."""
    global _random  # noqa: PLW0603 - fetched a page at a time: asking the system for each costs more than deciding
    if not _random:
        _random = memoryview(secrets.token_bytes(512 * _TRACE_BYTES))
    taken, _random = _random[:_TRACE_BYTES], _random[_TRACE_BYTES:]
    return taken.hex()
