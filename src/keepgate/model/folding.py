"""Names as a careless reader might take them: without case, forms of characters, blanks and what is not seen."""

from __future__ import annotations

from unicodedata import category, normalize


def folded(text: str) -> str:
    """Equal for two names that some server may take for one: `delete`, `Delete `, `de<zero width>lete`."""
    if text.isascii() and text.isprintable():
        return text.lower().replace(" ", "")
    plain = normalize("NFKC", normalize("NFKC", text).casefold())
    return normalize("NFKC", "".join(char for char in plain if category(char)[0] not in "CZ"))
