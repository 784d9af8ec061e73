"""Time as policies read it. The core reads no clock: the time of a message is handed in."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any, Final

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

FIELDS: Final = ("hour", "minute", "weekday", "date")


def moment(seconds: float, zone: tzinfo = UTC) -> dict[str, Any]:
    """`context.time` at a Unix time in a time zone. Raises ValueError, OverflowError for what is no time."""
    local = datetime.fromtimestamp(seconds, zone)
    return {
        "hour": local.hour,
        "minute": local.minute,
        "weekday": _WEEKDAYS[local.weekday()],
        "date": local.date().isoformat(),
    }
