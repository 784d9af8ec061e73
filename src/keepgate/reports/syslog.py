"""RFC 5424 messages, framed by octet counting (RFC 5425, RFC 6587)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_FACILITY: Final = 13
"""log audit"""
_SEVERITY: Final = {"allow": 6, "redact": 5, "ask": 5, "deny": 4}
_LONGEST: Final = 64
ENTERPRISE: Final = "keepgate@32473"
"""Structured data under the enterprise number that is set aside for examples (RFC 5612)."""


def frame(record: Mapping[str, Any], text: str, host: str) -> bytes:
    """One message with its length before it. `text` is the record in the form that the receiver wants."""
    verdict = record["verdict"]
    priority = _FACILITY * 8 + _SEVERITY.get(verdict["effect"], 5)
    time = record["time"][:26] + "Z"  # microseconds are the most that the format has
    data = " ".join(
        f'{key}="{_value(value)}"'
        for key, value in (
            ("decision", record["trace"]),
            ("effect", verdict["effect"]),
            ("record", f"{record['writer']}/{record['seq']}"),
        )
    )
    message = f"<{priority}>1 {time} {_name(host, 255)} keepgate - {_name(record['method'], 32)} [{ENTERPRISE} {data}] "
    body = message.encode() + b"\xef\xbb\xbf" + text.encode("utf-8", "replace")
    return b"%d %b" % (len(body), body)


def _name(text: str, most: int) -> str:
    """A header field: printable ASCII without blanks, `-` for nothing."""
    return "".join(c if "!" <= c <= "~" else "_" for c in text[:most]) or "-"


def _value(text: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text[:_LONGEST])
    return shown.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
