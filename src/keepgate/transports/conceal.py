"""Known secrets taken out of what a server says: one that was given a secret may print it. Pure.

A safety net for accidents (a stack trace, a debug line, a tool that shows its environment), not a wall: a server that
means to tell its secret can write it in a way of its own.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

import orjson

SHORTEST: Final = 8
"""Characters; what is shorter stands in too many texts by chance."""
MARK: Final = b"[secret]"


class Conceal:
    """Replaces every known secret, as it is, in JSON, in a URL or in base64, line by line if it has several."""

    __slots__ = ("_forms",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms: set[bytes] = set()
        for secret in secrets:
            for text in {secret, *secret.splitlines()}:
                if len(text.strip()) >= SHORTEST:
                    forms |= _forms(text.strip())
        self._forms = tuple(sorted(forms, key=len, reverse=True))  # the longest first: one may hold another

    def __call__(self, data: bytes) -> bytes:
        """The text without them."""
        for form in self._forms:
            if form in data:
                data = data.replace(form, MARK)
        return data

    def __bool__(self) -> bool:
        """Whether there is anything to conceal."""
        return bool(self._forms)


NOTHING: Final = Conceal()
"""For what was given no secrets."""


def _forms(secret: str) -> set[bytes]:
    raw = secret.encode()
    # A base64 text of more than the secret has the secret at one of three offsets; what depends on neighbours is cut.
    coded = {b64encode(b"\0" * pad + raw)[(pad * 8 + 5) // 6 : -3 or None].rstrip(b"=") for pad in range(3)}
    ascii_json = "".join(c if c < "\x7f" else "".join(_units(c)) for c in orjson.dumps(secret).decode()[1:-1])
    json = {orjson.dumps(secret)[1:-1].decode(), ascii_json}
    nested = {orjson.dumps(each)[1:-1] for each in json}  # JSON within a text of JSON
    found = {raw, *nested, *(each.encode() for each in json), quote(secret, safe="").encode()}
    return found | {each for each in coded if len(each) >= SHORTEST + 2}


def _units(char: str) -> Iterable[str]:
    """As JSON writes what is not ASCII."""
    data = char.encode("utf-16-be")
    return (f"\\u{data[n : n + 2].hex()}" for n in range(0, len(data), 2))
