"""Health over HTTP, beside the MCP endpoint: alive, and ready to serve."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from keepgate.gateway.gateway import Gateway


FRESH = 5.0
"""Seconds that an answer about the audit log stays good: anybody may ask, and each look writes a record."""


def health_app(gateway: Gateway) -> Starlette:
    """`/healthz`: this process answers. `/readyz`: records can be written, and how many servers are reachable now."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from keepgate.model.errors import AuditError

    async def alive(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    looked, writable = float("-inf"), False

    async def ready(_: Request) -> JSONResponse:
        nonlocal looked, writable
        if time.monotonic() - looked > FRESH:
            looked = time.monotonic()
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

    return Starlette(routes=[Route("/healthz", alive), Route("/readyz", ready)])
