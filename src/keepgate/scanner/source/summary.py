"""What the analysis keeps of a function: where its parameters arrive, and what it answers with."""

from __future__ import annotations

from dataclasses import dataclass, field

from keepgate.scanner.source.code import Place
from keepgate.scanner.source.meaning import NOTHING, Labels


@dataclass(frozen=True, slots=True)
class Hit:
    """A dangerous use that labels reach. `joined`: the value is put together, as a name below a directory is."""

    kind: str
    file: str
    place: Place
    call: str
    labels: Labels
    joined: bool = False


@dataclass(slots=True)
class Summary:
    """What a function does with its parameters."""

    hits: dict[tuple[str, str, Place], Hit] = field(default_factory=dict)
    returns: Labels = NOTHING


class LateError(Exception):
    """No time is left."""
