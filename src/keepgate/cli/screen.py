"""Printing text that outsiders may have written: control characters and terminal escapes become visible."""

from __future__ import annotations

import sys
from typing import NoReturn


def safe(text: str, limit: int = 4000) -> str:
    """The text with every unprintable character but newline escaped, cut to `limit` characters."""
    shown = "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text[:limit]
    )
    return shown + ("…" if len(text) > limit else "")


def fail(text: str, code: int = 1) -> NoReturn:
    """Print an error to stderr and exit."""
    print(f"error: {text}", file=sys.stderr)
    sys.exit(code)
