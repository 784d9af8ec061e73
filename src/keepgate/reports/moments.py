"""Times of records in the units of others."""

from __future__ import annotations

from datetime import datetime


def nanoseconds(time: str) -> int:
    """Unix nanoseconds of a record's time, `2026-11-21T08:15:30.123456789Z`."""
    second, _, fraction = time.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{second}+00:00").timestamp()) * 1_000_000_000 + int(
        fraction.ljust(9, "0")
    )


def milliseconds(time: str) -> int:
    """Unix milliseconds."""
    return nanoseconds(time) // 1_000_000
