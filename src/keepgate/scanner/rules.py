"""Every rule of the scanner, in the order of the documentation."""

from __future__ import annotations

from typing import Final

from keepgate.scanner import configuration, instructions
from keepgate.scanner.packages import check
from keepgate.scanner.rule import Rule

GROUPS: Final[tuple[tuple[str, tuple[Rule, ...]], ...]] = (
    ("Configurations", configuration.RULES),
    ("Packages", check.RULES),
    ("Skills and instruction files", instructions.RULES),
)
RULES: Final[tuple[Rule, ...]] = tuple(rule for _, rules in GROUPS for rule in rules)
