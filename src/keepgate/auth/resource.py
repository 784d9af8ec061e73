"""What keepgate says of itself as a protected resource: identifiers, metadata (RFC 9728), challenges.

Each mount is a resource of its own: `<public_url>/mcp`, `<public_url>/mcp/<server>`. Metadata is answered for every
name that a server could have: whether there is such a server is nobody's business before authentication.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keepgate.protocol.challenge import challenge

if TYPE_CHECKING:
    from starlette.routing import Route

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_MAX_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Resource:
    """The gateway as clients know it."""

    public_url: str
    """Scheme and authority, nothing behind."""
    issuers: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    """Needed for anything at all."""
    dpop_algorithms: tuple[str, ...] = ()
    dpop_required: bool = False
    certificates: bool = False
    """Tokens may be bound to client certificates."""

    @property
    def whole(self) -> str:
        """The identifier of the endpoint with all servers."""
        return f"{self.public_url}/mcp"

    def identifier(self, path: str) -> str:
        """The resource that a request path belongs to."""
        server = server_of(path)
        return f"{self.whole}/{server}" if server else self.whole

    def metadata_url(self, path: str) -> str:
        """Where the metadata of that resource is."""
        server = server_of(path)
        return f"{self.public_url}{WELL_KNOWN}/mcp{f'/{server}' if server else ''}"

    def document(self, server: str = "") -> dict[str, Any]:
        """The metadata of one resource."""
        out: dict[str, Any] = {
            "resource": f"{self.whole}/{server}" if server else self.whole,
            "authorization_servers": list(self.issuers),
            "bearer_methods_supported": ["header"],
            "resource_name": "keepgate",
        }
        if self.scopes:
            out["scopes_supported"] = list(self.scopes)
        if self.certificates:
            out["tls_client_certificate_bound_access_tokens"] = True
        if self.dpop_algorithms:
            out["dpop_signing_alg_values_supported"] = list(self.dpop_algorithms)
            out["dpop_bound_access_tokens_required"] = self.dpop_required
        return out

    def challenge(self, path: str, **parameters: str) -> str:
        """A Bearer or DPoP challenge that says where the metadata is."""
        scheme = "DPoP" if self.dpop_required else "Bearer"
        return challenge(scheme, self.metadata_url(path), **parameters)


def server_of(path: str) -> str:
    """The server of `/mcp/<server>...`; empty for all of them, and for what no server can be called.

    Whoever is to be refused has chosen the path, and the challenge that refuses quotes the name.
    """
    parts = path.strip("/").split("/")
    return parts[1] if len(parts) > 1 and parts[0] == "mcp" and _is_name(parts[1]) else ""


def _is_name(server: str) -> bool:
    return 0 < len(server) <= _MAX_NAME and _NAME.issuperset(server)


def routes(resource: Resource) -> list[Route]:
    """The metadata documents, for the web application beside the endpoint."""
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    def answer(server: str) -> Response:
        if server and not _is_name(server):
            return Response(status_code=404)
        return JSONResponse(resource.document(server), headers={"Cache-Control": "max-age=300"})

    async def whole(_: Request) -> Response:
        return answer("")

    async def one(request: Request) -> Response:
        return answer(request.path_params["server"])

    return [
        Route(WELL_KNOWN, whole),
        Route(f"{WELL_KNOWN}/mcp", whole),
        Route(f"{WELL_KNOWN}/mcp/{{server}}", one),
    ]
