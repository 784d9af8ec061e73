"""The value of `WWW-Authenticate` (RFC 6750, RFC 9449, RFC 9470, RFC 9728). Pure."""

from __future__ import annotations

from collections.abc import Iterable


def challenge(scheme: str, metadata_url: str, **parameters: str) -> str:
    """A challenge that says where the metadata is; empty parameters are left out.

    What is quoted is ours or checked configuration: a value that would need an escape raises ValueError.
    """
    given = {**parameters, "resource_metadata": metadata_url}
    if any(
        not value.isascii() or not value.isprintable() or '"' in value or "\\" in value
        for value in given.values()
    ):
        raise ValueError("a challenge must be plain text without quotes")
    return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in given.items() if value)


def joined(words: Iterable[str]) -> str:
    """Scopes or levels as in a challenge: sorted, so that the same need is the same text."""
    return " ".join(sorted(words))
