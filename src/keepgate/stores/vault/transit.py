"""Wrapping by a key management service that speaks the transit API of HashiCorp Vault (OpenBao speaks it too).

The wrapping key stays there; what is wrapped here is sent there once when the vault is opened.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any

from keepgate.model.errors import KeepgateError, LocalError, RemoteError
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits

Post = Callable[[str, bytes, Mapping[str, str]], bytes]
"""URL, JSON body and headers to the body of a 200 answer. Raises KeepgateError."""

_LIMITS = JsonLimits(size=64 << 10, depth=8, members=500)


class TransitWrap:
    """`POST <url>/v1/<mount>/encrypt|decrypt/<key>`. Implements Wrap."""

    def __init__(
        self, post: Post, url: str, *, mount: str, key: str, token: Callable[[], str], namespace: str = ""
    ) -> None:
        self.id = f"transit:{url.rstrip('/')}/{mount}/{key}"
        self._post = post
        self._place = f"{url.rstrip('/')}/v1/{mount}/{{}}/{key}"
        self._token = token
        self._namespace = namespace

    def wrap(self, key: bytes) -> str:
        """The service's own text: `vault:v1:...`."""
        found = self._ask("encrypt", {"plaintext": b64encode(key).decode()}, "ciphertext")
        if not found.isascii() or not found.isprintable() or len(found) > 4096:
            raise LocalError("vault-kms", "the key management service answered with no usable `ciphertext`")
        return found

    def unwrap(self, wrapped: str) -> bytes:
        """Raises LocalError if the service refuses, or cannot be reached."""
        try:
            return b64decode(self._ask("decrypt", {"ciphertext": wrapped}, "plaintext"), validate=True)
        except ValueError:
            raise LocalError(
                "vault-kms", "the key management service answered with no usable `plaintext`"
            ) from None

    def _ask(self, what: str, body: dict[str, str], field: str) -> str:
        headers = {
            "X-Vault-Token": self._token(),
            "Content-Type": "application/json",
            "X-Vault-Request": "true",
        }
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        try:
            answer: Any = jsonrpc.parse(
                self._post(self._place.format(what), jsonrpc.encode(body), headers), _LIMITS
            )
        except RemoteError as error:
            text = f"the key management service did not {what} the vault's key: {error.public}"
            raise LocalError("vault-kms", text, error.private) from error
        except KeepgateError as error:
            raise LocalError("vault-kms", f"the key management service: {error.public}") from error
        data = answer.get("data") if isinstance(answer, dict) else None
        found = data.get(field) if isinstance(data, dict) else None
        if not isinstance(found, str) or not found:
            raise LocalError("vault-kms", f"the key management service answered without `{field}`")
        return found
