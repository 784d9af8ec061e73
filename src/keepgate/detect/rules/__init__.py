"""The rules, one file for each family, in the order they are reported.

`RULES` are patterns over what stands there; `PHRASES` are structures over what it means, in all
languages of the lexicon and in all views.
"""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.detect.grammar import Phrase
from keepgate.detect.rules import (
    authority,
    commands,
    concealment,
    exfil,
    forged,
    injection,
    named,
    personal,
    precall,
    precedence,
    pretext,
    roleplay,
    secrets,
    steering,
    tampering,
    transfer,
)

RULES: Final[tuple[Rule, ...]] = (
    *secrets.RULES,
    *personal.RULES,
    *injection.RULES,
    *exfil.RULES,
    *commands.RULES,
)
"""Every pattern. Ids never change."""
PHRASES: Final[tuple[Phrase, ...]] = (
    *precedence.PHRASES,
    *concealment.PHRASES,
    *authority.PHRASES,
    *precall.PHRASES,
    *tampering.PHRASES,
    *transfer.PHRASES,
    *steering.PHRASES,
    *roleplay.PHRASES,
    *named.PHRASES,
    *pretext.PHRASES,
    *forged.PHRASES,
)
"""Every structure of an instruction to a model."""
