"""The checks of configurations: one file a subject, in the order they are reported."""

from __future__ import annotations

from typing import Final

from keepgate.scanner.configuration import (
    approval,
    commands,
    container,
    environment,
    files,
    inline,
    names,
    network,
    reach,
    secrets,
)
from keepgate.scanner.rule import Rule

RULES: Final[tuple[Rule, ...]] = (
    *inline.RULES,
    *environment.RULES,
    *secrets.RULES,
    *network.RULES,
    *approval.RULES,
    *container.RULES,
    *reach.RULES,
    *names.RULES,
    *commands.RULES,
    *files.RULES,
)
"""Ids never change."""
