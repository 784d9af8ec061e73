"""Writing Cedar literals. Everything that reaches policy text goes through here, so that no name can end a string."""

from __future__ import annotations


def literal(text: str) -> str:
    """`text` as a Cedar string literal."""
    return f'"{escape(text)}"'


def escape(text: str) -> str:
    """`text` as the inside of a Cedar string literal: printable ASCII stays, the rest becomes `\\u{...}`."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else f"\\u{{{ord(c):x}}}" for c in text)
