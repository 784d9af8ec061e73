"""What a definition is: SHA-256 of its canonical JSON (RFC 8785), as a whole and field by field."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import rfc8785

from keepgate.model.message import Json

PREFIX: Final = "sha256:"

_OF_ONE_REQUEST: Final = frozenset(
    (
        "progressToken",
        "traceparent",
        "tracestate",
        "baggage",
        "io.modelcontextprotocol/related-task",
        "io.modelcontextprotocol/subscriptionId",
    )
)
"""Keys of `_meta` that the specification gives to one request: they say nothing about the definition."""
_SAFE: Final = 2**53
"""Integers beyond are not the same in every JSON implementation, and RFC 8785 refuses them."""


def fingerprint(definition: Mapping[str, Json]) -> str:
    """`sha256:<hex>` of a definition as listed. Every field counts, unknown ones too."""
    return digest(_lasting(definition))


def parts(definition: Mapping[str, Json]) -> dict[str, str]:
    """The fingerprint of each field alone, so that a change can be named when the old text is not at hand."""
    return {key: digest(value) for key, value in _lasting(definition).items()}


def digest(value: Json) -> str:
    """`sha256:<hex>` of any JSON value."""
    return PREFIX + sha256(canonical(value)).hexdigest()


def canonical(value: Json) -> bytes:
    """RFC 8785 bytes. Integers that it has no form for are written as the string `int:<digits>`, a string
    that begins so, or with `str:`, with another `str:` in front: no two values are written alike."""
    return rfc8785.dumps(_plain(value))


def _lasting(definition: Mapping[str, Json]) -> dict[str, Json]:
    meta = definition.get("_meta")
    if not isinstance(meta, dict) or _OF_ONE_REQUEST.isdisjoint(meta):
        return dict(definition)
    kept = {key: value for key, value in meta.items() if key not in _OF_ONE_REQUEST}
    out = {key: value for key, value in definition.items() if key != "_meta"}
    return {**out, "_meta": kept} if kept else out


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if type(value) is int and abs(value) >= _SAFE:
        return f"int:{value}"
    if isinstance(value, str) and value.startswith(("int:", "str:")):
        return f"str:{value}"
    return value
