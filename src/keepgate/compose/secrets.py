"""Secrets by reference: the master key of a state directory, keepgate's own store, and where else they may be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keepgate import config
from keepgate.config import Secret, Settings
from keepgate.model.errors import ConfigError, LocalError
from keepgate.stores.audit import load_kek
from keepgate.stores.secrets import SecretStore


@dataclass(frozen=True, slots=True)
class Master:
    """The master key of a state directory: from the environment, else from a file made at first use."""

    state: Path

    def master_key(self) -> bytes:
        """32 random bytes, always the same. Raises ConfigError."""
        return load_kek(self.state, os.environ)


def secret_store(settings: Settings) -> SecretStore:
    """Keepgate's own store of server secrets."""
    return SecretStore(settings.state, Master(settings.state))


def resolver(settings: Settings, fresh: Mapping[str, str] | None = None) -> config.Resolver:
    """Fetches secrets by reference; `fresh` are values of `store:` that are not written yet. Raises ConfigError."""

    def resolve(secret: Secret) -> str:
        try:
            return _fetch(secret, settings, fresh or {})
        except (LocalError, OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the secret `{secret}` cannot be had: {error}") from error

    return resolve


def _fetch(secret: Secret, settings: Settings, fresh: Mapping[str, str]) -> str:
    if secret.scheme == "env":
        value = os.environ.get(secret.name)
        if value is None:
            raise LocalError("secret", "the environment has no such variable")
        return value
    if secret.scheme == "file":
        with (settings.file.parent / secret.name).open("rb") as stream:
            return stream.read(64 * 1024).decode().strip()
    if secret.scheme == "keyring":
        return _from_keyring(secret.name)
    return fresh[secret.name] if secret.name in fresh else secret_store(settings).get(secret.name)


def _from_keyring(name: str) -> str:
    try:
        import keyring
    except ImportError:
        raise LocalError("keyring", "install `keepgate[keyring]` to use the desktop's key store") from None
    service, _, user = name.partition("/")
    value: str | None = keyring.get_password(service, user)
    if value is None:
        raise LocalError("keyring", "the key store has no such entry")
    return value
