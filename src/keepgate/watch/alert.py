"""What a person is told: what was seen, what was expected, and which records show it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from keepgate.model.finding import Severity


class Sign(StrEnum):
    """The kinds of anomaly. Their names are public: rules, silences and receivers go by them."""

    FAILED_AUTHENTICATION = "failed_authentication"
    REPEATED_DENIALS = "repeated_denials"
    FIRST_USE = "first_use"
    UNUSUAL_HOUR = "unusual_hour"
    RATE = "rate"
    DATA_TRANSFER = "data_transfer"
    NEW_SHAPE = "new_shape"
    ENUMERATION = "enumeration"
    ERROR_BURST = "error_burst"
    DRIFT = "drift"
    FLOW = "flow"
    HONEYTOKEN = "honeytoken"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom or what it is about: any of these, the others are empty."""

    principal: str = ""
    client: str = ""
    server: str = ""
    name: str = ""
    source: str = ""

    def as_json(self) -> dict[str, str]:
        return {key: value for key in self.__slots__ if (value := getattr(self, key))}

    def __str__(self) -> str:
        target = f"{self.server}/{self.name}" if self.name else self.server
        return " ".join(filter(None, (self.principal, self.client, target, self.source)))


@dataclass(frozen=True, slots=True)
class Alert:
    """One anomaly. `time` in Unix seconds; `records` are ids of events, the newest last, at most sixteen."""

    time: float
    sign: Sign
    severity: Severity
    subject: Subject
    seen: str
    expected: str
    records: tuple[str, ...] = ()
    incident: str = ""
    """Id of the first alert of what belongs together: same principal (else source or server) within half an hour."""

    @property
    def id(self) -> str:
        """The same for the same alert, however often a log is replayed."""
        text = f"{self.sign}\0{self.subject}\0{self.time:.3f}"
        return blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()

    def as_json(self, time: str) -> dict[str, Any]:
        """The shape of one line of `keepgate alerts`; `time` is the same time as RFC 3339."""
        return {
            "id": self.id,
            "time": time,
            "sign": self.sign,
            "severity": self.severity.name.lower(),
            "subject": self.subject.as_json(),
            "seen": self.seen,
            "expected": self.expected,
            "records": list(self.records),
            "incident": self.incident or self.id,
        }
