"""What one step of a scan found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from keepgate.model.scan import Component, Coverage, ScanFinding


@dataclass(slots=True)
class Part:
    """What one step found."""

    findings: list[ScanFinding] = field(default_factory=list)
    inventory: list[dict[str, Any]] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
