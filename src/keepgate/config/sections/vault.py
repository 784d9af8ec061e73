"""The vault: where the key comes from that everything sealed in it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from keepgate.config import values
from keepgate.config.sections.types import AnySecret

PathSegment = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kms:
    """A key management service with the transit API of HashiCorp Vault: the wrapping key never leaves it."""

    url: Annotated[str, AfterValidator(values.url)]
    """Where it answers: `https://vault.example.com:8200`."""
    key: PathSegment
    """Name of the key, of an encrypting type."""
    token: AnySecret
    """A reference: `{secret: "env:VAULT_TOKEN"}`."""
    mount: PathSegment = "transit"
    """Where the secrets engine is mounted."""
    namespace: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]{0,256}$")] = ""
    """Of Vault Enterprise."""
    private_network: bool = False
    """It may have a private address."""
    ca: Path | None = None
    """Authorities for its certificate instead of the system's, a PEM file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """Sealing of secrets and of what users were granted at servers."""

    key: AnySecret | None = None
    """32 random bytes as base64, by reference. Without this key: derived from keepgate's own master key."""
    kms: Kms | None = None
    """Wrap by a key management service instead of `key`."""
    previous: tuple[AnySecret, ...] = ()
    """Earlier values of `key`, which open and do not seal: until `keepgate secrets rotate` has run."""
