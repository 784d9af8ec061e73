"""TLS towards servers: whose certificates are trusted, and what is shown where a server asks (mutual TLS)."""

from __future__ import annotations

import ssl
from pathlib import Path

from keepgate.model.errors import ConfigError


def context_of(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """A context that verifies against `ca` (None: the system's authorities) and shows `cert`; None if all are None.

    Raises ConfigError, naming the file: missing, no PEM, encrypted, or not fitting each other.
    """
    if ca is None and cert is None:
        return None
    for file in (ca, cert, key):
        if file is not None and not file.is_file():
            raise ConfigError(f"the file `{file}` does not exist")
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"`{ca}` holds no certificates in PEM form") from error
    if cert is not None and key is not None:
        if key.stat().st_mode & 0o077:
            raise ConfigError(f"the key `{key}` is open to other users: chmod 600 it")
        try:
            # Without a callback OpenSSL would ask for the password on the terminal.
            context.load_cert_chain(cert, key, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise ConfigError(
                f"`{cert}` and `{key}` are not a certificate and its unencrypted key"
            ) from error
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")
