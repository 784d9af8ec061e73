"""The rules, one file for each family, in the order they are reported.

This is a starting pack: real secrets and plain attacks in English, so that inspection does real work at a real cost.
It is no measured detection of attacks, and docs/content.md says so.
"""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.detect.rules import commands, exfil, injection, personal, secrets

RULES: Final[tuple[Rule, ...]] = (
    *secrets.RULES,
    *personal.RULES,
    *injection.RULES,
    *exfil.RULES,
    *commands.RULES,
)
"""Every rule of the pack. Ids never change."""
