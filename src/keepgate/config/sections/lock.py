"""How the lock is applied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints

PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]

Acceptable = Literal["cosmetic", "narrowed schema", "changed hints", "changed output schema"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRules:
    """What servers must be like to be used: `keepgate.lock` says it, `keepgate lock` writes it."""

    file: Path | None = None
    """The lockfile. Without this key: `keepgate.lock` beside this file, if it is there."""
    first_use: Literal["deny", "trust"] = "deny"
    """A server that the lock does not have: not used, or held to what it lists when it is first seen."""
    accept: tuple[Acceptable, ...] = ()
    """Changes of tools, prompts and resources that pass without a new approval."""
    keys: tuple[PublicKey, ...] = ()
    """Public keys whose signature counts, besides that of this state directory: `keepgate lock verify` prints them."""
