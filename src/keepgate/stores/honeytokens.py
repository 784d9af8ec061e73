"""The honeytokens that were issued: what is known of each, and nothing that could be used in its place."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from keepgate.detect.honeytokens import KINDS, Issued, digest_of
from keepgate.model.errors import LocalError
from keepgate.stores.json_file import JsonFile, Words

MOST: Final = 1000
_WORDS: Final = Words(
    "honeytokens",
    "`chmod 600` it",
    "restore it, or remove it to forget every honeytoken",
)


@dataclass(frozen=True, slots=True)
class Honeytoken:
    """One token. `digest` is keyed, in hexadecimal; times are Unix seconds."""

    id: str
    kind: str
    digest: str
    created: float
    note: str = ""
    revoked: float = 0.0
    """0 while it is in force"""


class Honeytokens:
    """`honeytokens.json` in the state directory; none is no token issued."""

    def __init__(self, state: Path, key: bytes) -> None:
        self._file = JsonFile(state, "honeytokens", Honeytoken, _WORDS)
        self._key = key

    def read(self) -> tuple[Honeytoken, ...]:
        """All of them, revoked ones too. Raises LocalError."""
        return self._file.read()

    def version(self) -> object:
        """What changes with the content; None while there is no file."""
        return self._file.version()

    def issued(self) -> Issued | None:
        """What is in force; None where there is nothing to look for. Raises LocalError."""
        live = [token for token in self.read() if not token.revoked and token.kind in KINDS]
        if not live:
            return None
        ids = {bytes.fromhex(token.digest): token.id for token in live}
        return Issued(ids, frozenset(token.kind for token in live), self._key)

    def issue(self, kind: str, note: str, now: float) -> tuple[Honeytoken, str]:
        """A new token, and the text to plant, which is not kept. Raises LocalError."""
        if kind not in KINDS:
            raise LocalError("honeytokens", f"there is no kind `{kind[:40]}`: {', '.join(KINDS)} are known")
        shape = KINDS[kind]
        text = shape.made([secrets.randbelow(1 << 32) for _ in range(shape.length)])
        token = Honeytoken(secrets.token_hex(4), kind, digest_of(text, self._key).hex(), now, note[:200])

        def add(known: tuple[Honeytoken, ...]) -> tuple[Honeytoken, ...]:
            if len(known) >= MOST:
                raise LocalError("honeytokens", f"more than {MOST} honeytokens: remove `{self._file.path}`")
            return (*known, token)

        self._file.update(add)
        return token, text + shape.suffix

    def revoke(self, token: str, now: float) -> Honeytoken:
        """Look for it no longer. Raises LocalError for one that is not in force."""
        gone: list[Honeytoken] = []

        def end(known: tuple[Honeytoken, ...]) -> tuple[Honeytoken, ...]:
            gone.extend(each for each in known if each.id == token and not each.revoked)
            if not gone:
                raise LocalError("honeytokens", f"no honeytoken `{token[:40]}` is in force")
            return tuple(replace(each, revoked=now) if each in gone else each for each in known)

        self._file.update(end)
        return gone[0]
