"""Texts of outsiders, before they stand in any report."""

from __future__ import annotations

from typing import Any


def visible(text: str, kept: str = "") -> str:
    """Every character that could move a cursor, hide or reorder others escaped, lone surrogates too."""
    return "".join(
        c if c.isprintable() or c in kept else c.encode("unicode_escape").decode("ascii") for c in text
    )


def encodable(value: Any) -> Any:
    """A JSON value without lone surrogates, which UTF-8 does not have and names of files may."""
    if isinstance(value, str):
        return value.encode("utf-8", errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {encodable(name): encodable(item) for name, item in value.items()}
    return [encodable(item) for item in value] if isinstance(value, list | tuple) else value
