"""Every rule of the scanner, in the order of the documentation."""

from __future__ import annotations

from typing import Final

from keepgate.scanner import archive, configuration, instructions
from keepgate.scanner.packages import check, manifest
from keepgate.scanner.rule import Rule
from keepgate.scanner.source import besides
from keepgate.scanner.source import check as source
from keepgate.scanner.tools import check as tools
from keepgate.scanner.tools import flow

GROUPS: Final[tuple[tuple[str, tuple[Rule, ...]], ...]] = (
    ("Configurations", configuration.RULES),
    ("Packages", (*check.RULES, *manifest.RULES, *archive.RULES)),
    ("Tool sets", (*tools.RULES, *flow.RULES)),
    ("Source", (*source.RULES, *besides.RULES)),
    ("Skills and instruction files", instructions.RULES),
)
RULES: Final[tuple[Rule, ...]] = tuple(rule for _, rules in GROUPS for rule in rules)
