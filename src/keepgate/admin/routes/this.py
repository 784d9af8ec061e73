"""What concerns whoever asks: who that is here, and what can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from starlette.responses import JSONResponse, Response

from keepgate.admin.access import Identity, Permission
from keepgate.admin.route import route, shape


@shape
@dataclass(frozen=True, slots=True)
class IdentityShape:
    """An administrator, as seen by this request."""

    name: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    second_factor: bool
    """Whether what demands one may be done."""
    until: float | None
    """When the login ends, Unix seconds; null for a key."""
    csrf: str
    """For pages of the face: to be sent as `X-Keepgate-CSRF`; empty without a cookie."""


class Document(Protocol):
    """The description of the API."""

    def current(self) -> dict[str, Any]:
        """OpenAPI 3.1."""


@route("GET", "/this", Permission.OWN)
async def get_identity(who: Identity) -> IdentityShape:
    """Who asks, and what that allows."""
    permissions = tuple(sorted(who.permissions))
    return IdentityShape(who.name, who.roles, permissions, who.second_factor, who.until, who.csrf)


@route("GET", "/openapi.json", Permission.OWN)
async def get_document(document: Document) -> Response:
    """The OpenAPI document of this API."""
    return JSONResponse(document.current())
