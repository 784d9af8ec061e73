"""Secrets by reference: the master key of a state directory, the vault, and where else they may be."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from keepgate import config
from keepgate.config import Secret, Settings
from keepgate.model.errors import ConfigError, KeepgateError, LocalError
from keepgate.protocol.seal import Sealer, derive
from keepgate.stores.audit import load_kek, parse_key
from keepgate.stores.vault import DataKeys, Grants, LocalWrap, SecretStore, TransitWrap, Wrap
from keepgate.transports.fetch import Fetcher
from keepgate.transports.http_rules import is_loopback


@dataclass(frozen=True, slots=True)
class Master:
    """The master key of a state directory: from the environment, else from a file made at first use."""

    state: Path

    def master_key(self) -> bytes:
        """32 random bytes, always the same. Raises ConfigError."""
        return load_kek(self.state, os.environ)


def secret_store(settings: Settings) -> SecretStore:
    """Keepgate's own store of server secrets. Raises ConfigError if its key cannot be had."""
    return SecretStore(data_keys(settings))


def grant_store(settings: Settings) -> Grants:
    """What users were granted at servers. Raises ConfigError if its key cannot be had."""
    return Grants(data_keys(settings))


def rotate(settings: Settings) -> None:
    """A new data key for all that the vault holds, wrapped as is configured now. Raises ConfigError, LocalError."""
    keys = data_keys(settings)
    secrets, grants = SecretStore(keys), Grants(keys)

    def reseal() -> None:
        secrets.reseal()
        grants.reseal()

    keys.rotate(reseal)


def data_keys(settings: Settings) -> DataKeys:
    """The keys of the vault. The first way of wrapping is the configured one, the others only open."""
    vault = settings.vault
    wraps: list[Wrap] = []
    if vault.kms is not None:
        wraps.append(_transit(settings, vault.kms))
    for number, secret in enumerate((*([vault.key] if vault.key else []), *vault.previous)):
        where = "`vault.key`" if vault.key and not number else "`vault.previous`"
        wraps.append(LocalWrap(parse_key(_outside(secret, settings), where)))
    if (
        vault.key is None or vault.kms is not None
    ):  # what was sealed before either was configured opens as well
        wraps.append(LocalWrap(Master(settings.state).master_key()))
    return DataKeys(settings.state / "vault", wraps)


def _transit(settings: Settings, kms: config.Kms) -> TransitWrap:
    local = is_loopback(urlsplit(kms.url).hostname or "")
    fetch = Fetcher(private=kms.private_network, local=local, ca=str(kms.ca) if kms.ca else None)

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """On a loop of its own: the vault is opened before and beside the loop that serves."""
        found: list[bytes | BaseException] = []

        def work() -> None:
            try:
                found.append(asyncio.run(fetch(url, body, headers)))
            except KeepgateError as error:
                found.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if isinstance(found[0], BaseException):
            raise found[0]
        return found[0]

    return TransitWrap(
        post,
        kms.url,
        mount=kms.mount,
        key=kms.key,
        token=lambda: _outside(kms.token, settings),
        namespace=kms.namespace,
    )


def admin_codes(settings: Settings) -> Sealer:
    """What the shared secrets of administrators' authenticator apps are sealed with. Raises ConfigError."""
    return Sealer(derive(Master(settings.state).master_key(), "admin-totp"))


def resolver(settings: Settings, fresh: Mapping[str, str] | None = None) -> config.Resolver:
    """Fetches secrets by reference; `fresh` are values of `store:` that are not written yet. Raises ConfigError."""

    given = fresh or {}
    store = cache(lambda: secret_store(settings))  # a key management service is asked once

    def resolve(secret: Secret) -> str:
        if secret.scheme != "store":
            return _outside(secret, settings)
        try:
            return given[secret.name] if secret.name in given else store().get(secret.name)
        except LocalError as error:
            raise _unavailable(secret, error) from error

    return resolve


def _outside(secret: Secret, settings: Settings) -> str:
    """A secret that is not in the vault. Raises ConfigError."""
    try:
        if secret.scheme == "env":
            return _from_environment(secret.name)
        if secret.scheme == "file":
            with (settings.file.parent / secret.name).open("rb") as stream:
                return stream.read(64 * 1024).decode().strip()
        return _from_keyring(secret.name)
    except (LocalError, OSError, UnicodeDecodeError) as error:
        raise _unavailable(secret, error) from error


def _unavailable(secret: Secret, error: Exception) -> ConfigError:
    return ConfigError(f"the secret `{secret}` cannot be had: {error}")


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise LocalError("secret", "the environment has no such variable")
    return value


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
