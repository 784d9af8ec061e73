"""What a detector saw. Detectors see, guards decide."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """How bad it is if true."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Confidence(StrEnum):
    """How sure the detector is."""

    CONFIRMED = "confirmed"
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation at one place. `path` is a JSON pointer, `start` and `end` are character offsets in that text."""

    rule: str
    severity: Severity
    confidence: Confidence
    title: str
    path: str = ""
    start: int = 0
    end: int = 0
    evidence: str = ""
    taxonomy: tuple[str, ...] = ()
