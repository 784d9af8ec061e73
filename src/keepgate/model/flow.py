"""Data flow: what a caller has been shown, by whom, and where a call would lead.

A flow is everything that one caller (principal and client credential) did lately. What servers return puts labels on
it; policies and the flow guard look at them before something leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

UNTRUSTED: Final = "untrusted"
"""Somebody may have written it who wants something else than the user: instructions may hide in it."""
PRIVATE: Final = "private"
"""Not everybody may know it."""
SECRET: Final = "secret"  # noqa: S105 - the name of a label
"""A credential was seen in it."""
PERSONAL: Final = "personal"
"""Personal data was seen in it."""
UNKNOWN: Final = "unknown"
"""Of values: there was more than can be remembered, so nothing can be said of them."""
TRIFECTA: Final = "trifecta"
"""The rule by which private data does not leave after untrusted text."""
OWN_LABELS: Final = (UNTRUSTED, PRIVATE, SECRET, PERSONAL, UNKNOWN)


class Reach(StrEnum):
    """Where a call can carry data."""

    NONE = "none"
    """Nowhere outside."""
    READING = "reading"
    """To an outside server that only answers: in its arguments."""
    SINK = "sink"
    """Outside: it writes, sends, or its arguments say where it goes."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Labels that one thing on a server puts on a flow."""

    labels: frozenset[str]
    said: frozenset[str] = frozenset()
    """Those of them that the administrator said; the others are assumed."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What brought a label."""

    label: str
    server: str
    name: str
    """Of the tool, prompt or resource; "" for what a server said unasked."""
    at: float
    """When it did so first, Unix seconds."""
    said: bool = False
    """The label is the administrator's word."""


@dataclass(frozen=True, slots=True)
class FlowFact:
    """What is known before a call."""

    origins: tuple[Origin, ...]
    """What brought each label, the earliest first."""
    reach: Reach
    values: frozenset[str] = frozenset()
    """Labels of what other servers returned and the arguments repeat; each also as `label:server`."""
    length: int = 0
    """Bytes that the arguments have as JSON; counted where that matters."""

    @property
    def labels(self) -> frozenset[str]:
        """All labels of the flow; each also as `label:server`."""
        return frozenset(
            word for each in self.origins for word in (each.label, f"{each.label}:{each.server}")
        )

    def as_context(self) -> dict[str, object]:
        """`context.flow` of Cedar."""
        return {
            "labels": sorted(self.labels),
            "values": sorted(self.values),
            "sink": self.reach is Reach.SINK,
        }


@dataclass(frozen=True, slots=True)
class KeptFlow:
    """A flow as it is kept."""

    principal: str
    last: float
    """When it was last heard of, Unix seconds."""
    origins: tuple[Origin, ...]


NO_FLOW: Final = FlowFact((), Reach.NONE)
