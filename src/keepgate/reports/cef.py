"""A record in ArcSight's Common Event Format, version 0: one line of `CEF:0|…|extension`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from keepgate.reports.moments import milliseconds

_SEVERITY: Final = {"allow": 1, "redact": 4, "ask": 4, "deny": 6}
_LONGEST: Final = 1023
"""Characters of a value."""


def line(record: Mapping[str, Any], product: str) -> str:
    """`record` as for OCSF. `product` is keepgate's version."""
    verdict = record["verdict"]
    effect = verdict["effect"]
    head = (
        "CEF:0",
        "keepgate",
        "keepgate",
        product,
        record["method"] or record["kind"],
        f"{record['kind']} {effect}",
        str(_SEVERITY.get(effect, 5)),
    )
    fields = {
        "rt": str(milliseconds(record["time"])),
        "act": effect,
        "outcome": "failure" if effect in ("deny", "ask") else "success",
        "reason": verdict["reason"],
        "suser": record["principal"],
        "requestClientApplication": record["client"],
        "destinationServiceName": record["server"],
        "fname": record["name"],
        "externalId": f"{record['writer']}/{record['seq']}",
        "in": str(record["size"]),
        "deviceDirection": "1" if record["direction"] == "to_server" else "0",
        "cs1Label": "decision",
        "cs1": record["trace"],
        "cs2Label": "rules",
        "cs2": " ".join(record["rules"]),
        "cs3Label": "findings",
        "cs3": " ".join(record["findings"]),
    }
    extension = " ".join(f"{key}={_value(value)}" for key, value in fields.items() if value)
    return "|".join(map(_header, head)) + "|" + extension


def _header(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    escaped = (
        text[:_LONGEST].replace("\\", "\\\\").replace("=", "\\=").replace("\r", "\\r").replace("\n", "\\n")
    )
    return _plain(escaped)


def _plain(text: str) -> str:
    """Without what a terminal or a parser of lines would obey."""
    return "".join(c if c.isprintable() else " " for c in text)
