"""Every route of the admin API. A new resource: a file here, its name below, and what it uses offered by `compose`."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from keepgate.admin.route import Route

RESOURCES: Final = (
    "administrators",
    "approvals",
    "audit",
    "configuration",
    "flows",
    "keys",
    "login",
    "policy",
    "quarantine",
    "servers",
    "sessions",
    "this",
)


def routes(resources: tuple[str, ...] = RESOURCES) -> tuple[Route, ...]:
    """The routes of these resources, in the order of their files. Raises LocalError for one without permission."""
    found: list[Route] = []
    for name in resources:
        module = import_module(f"keepgate.admin.routes.{name}")
        found += [each for each in vars(module).values() if isinstance(each, Route)]
    return tuple(found)
