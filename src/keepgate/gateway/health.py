"""Health over HTTP, beside the MCP endpoint: alive, and ready to serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.applications import Starlette
    from starlette.routing import BaseRoute

    from keepgate.gateway.gateway import Gateway


LOOKS = 1.0
"""Looks at the audit log a second: anybody may ask, and each writes a record. Beyond it the last answer stands."""
LOOKS_BURST = 100.0


def health_app(gateway: Gateway, more: Sequence[BaseRoute] = ()) -> Starlette:
    """`/healthz`: this process answers. `/readyz`: records can be written, and how many servers are reachable now.

    `more` is what else is served beside the endpoint.
    """
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from keepgate.model.errors import AuditError

    async def alive(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    writable = False

    async def ready(_: Request) -> JSONResponse:
        nonlocal writable
        if gateway.enforcer.meters.spend("readyz", rate=LOOKS, burst=LOOKS_BURST).remaining >= 0:
            try:
                gateway.enforcer.event("ready", "asked")
                writable = True
            except AuditError:
                writable = False
        if not writable:
            return JSONResponse(
                {"status": "the audit log cannot be written: nothing is forwarded"}, status_code=503
            )
        upstreams = gateway.services.upstreams.values()
        broken = sum(upstream.circuit.open for upstream in upstreams)
        return JSONResponse({"status": "ready", "servers": len(upstreams), "unreachable": broken})

    return Starlette(routes=[Route("/healthz", alive), Route("/readyz", ready), *more])
