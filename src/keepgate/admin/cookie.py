"""The cookie of a login: not for scripts, not for other sites, not over plain HTTP, not for other hosts."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

NAME: Final = "keepgate-admin"
"""With `__Host-` in front wherever it is served over HTTPS."""


def name_for(origin: str) -> str:
    """Browsers take a cookie of this name only over HTTPS, from this host, for all of it (RFC 6265bis)."""
    return f"__Host-{NAME}" if origin.startswith("https:") else NAME


def remember(origin: str, token: str) -> str:
    """`Set-Cookie`. Without an end: the browser forgets it when it closes, the gateway sooner."""
    secure = "; Secure" if origin.startswith("https:") else ""
    return f"{name_for(origin)}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"


def forget(origin: str) -> str:
    """`Set-Cookie` that removes it."""
    return f"{remember(origin, '')}; Max-Age=0"


def token_of(request: Request, origin: str) -> str:
    """The token that a request has in its cookie; empty if it has none."""
    return request.cookies.get(name_for(origin), "")
