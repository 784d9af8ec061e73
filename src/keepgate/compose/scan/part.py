"""What one step of a scan found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from keepgate.model.scan import Component, Coverage, ScanFinding

ERROR: Final = "an error of keepgate's own"


@dataclass(slots=True)
class Part:
    """What one step found."""

    findings: list[ScanFinding] = field(default_factory=list)
    inventory: list[dict[str, Any]] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """A check that fails over what an outsider wrote is one not made, and ends no other."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the findings of the others are told
            self.coverage.append(failed(what, error))


def failed(what: str, error: Exception) -> Coverage:
    """The gap that an error leaves. Its text may hold what nobody should read, its kind does not."""
    return Coverage(what, checked=False, why=f"{ERROR}: {type(error).__name__}")
