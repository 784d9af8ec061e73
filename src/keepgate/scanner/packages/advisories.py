"""The bundled advisory set: dated, in OSV form, and believed only with its signature."""

from __future__ import annotations

import base64
import binascii
from functools import cache
from importlib import resources
from typing import Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keepgate.model.errors import LocalError
from keepgate.scanner.packages.osv import Advisories

SIGNED_BY: Final = "fa6280c763bb3369a1717f68e4eca7e52a874f46f3c23905335396b9ebb712f5"
"""The Ed25519 key of whoever publishes the set; tools/advisories.py signs with its private half."""


@cache
def bundled() -> Advisories:
    """The set that came with this version. Raises LocalError if it is not the one that was signed."""
    folder = resources.files("keepgate.scanner.packages.data")
    return verified(
        folder.joinpath("advisories.json").read_bytes(), folder.joinpath("advisories.sig").read_bytes()
    )


def verified(body: bytes, signature: bytes, key: str = SIGNED_BY) -> Advisories:
    """A set, if its signature holds. Raises LocalError."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(
            base64.b64decode(signature, validate=False), body
        )
    except (InvalidSignature, binascii.Error, ValueError):
        raise LocalError(
            "advisories", "the advisory set is not the one that was signed: install keepgate anew"
        ) from None
    value = orjson.loads(body)
    found = Advisories(str(value["date"]))
    found.add(value["advisories"])
    return found


def from_dump(body: bytes, date: str = "") -> Advisories:
    """A set from an OSV dump: one record, a list of them, or one a line. Raises LocalError."""
    found = Advisories(date)
    try:
        value = orjson.loads(body)
        records = (
            value
            if isinstance(value, list)
            else value.get("advisories", [value])
            if isinstance(value, dict)
            else []
        )
    except ValueError:
        try:
            records = [orjson.loads(line) for line in body.splitlines() if line.strip()]
        except ValueError:
            raise LocalError(
                "advisories", "the file is no OSV record, list of records or JSON Lines of them"
            ) from None
    found.add(records)
    return found
