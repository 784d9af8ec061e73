"""Who may do what in the admin face: roles are sets of permissions, a route demands one of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """What a route may demand: `resource:action`."""

    ADMINISTRATORS_READ = "administrators:read"
    ADMINISTRATORS_WRITE = "administrators:write"
    APPROVALS_DECIDE = "approvals:decide"
    APPROVALS_READ = "approvals:read"
    AUDIT_PAYLOADS = "audit:payloads"
    AUDIT_READ = "audit:read"
    CONFIGURATION_READ = "configuration:read"
    FLOWS_CLEAR = "flows:clear"
    FLOWS_READ = "flows:read"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    OWN = "own"
    """What concerns only oneself: every administrator has it."""
    POLICY_READ = "policy:read"
    QUARANTINE_READ = "quarantine:read"
    QUARANTINE_WRITE = "quarantine:write"
    SERVERS_READ = "servers:read"
    SERVERS_RETRY = "servers:retry"
    SESSIONS_END = "sessions:end"
    SESSIONS_READ = "sessions:read"


class Role(StrEnum):
    """What an administrator can be given."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"
    PAYLOADS = "payloads"
    """In no other role: who runs the gateway need not read what went through it."""


_P = Permission
_VIEWER: Final = frozenset(
    {
        _P.AUDIT_READ,
        _P.CONFIGURATION_READ,
        _P.FLOWS_READ,
        _P.KEYS_READ,
        _P.OWN,
        _P.POLICY_READ,
        _P.QUARANTINE_READ,
        _P.SERVERS_READ,
        _P.SESSIONS_READ,
    }
)
_OPERATOR: Final = _VIEWER | {_P.KEYS_WRITE, _P.QUARANTINE_WRITE, _P.SERVERS_RETRY, _P.SESSIONS_END}
PERMISSIONS: Final = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.APPROVER: _VIEWER | {_P.APPROVALS_DECIDE, _P.APPROVALS_READ, _P.FLOWS_CLEAR},
    Role.ADMIN: _OPERATOR | {_P.ADMINISTRATORS_READ, _P.ADMINISTRATORS_WRITE},
    Role.PAYLOADS: frozenset({_P.OWN, _P.AUDIT_PAYLOADS}),
}


def permissions(roles: Iterable[str]) -> frozenset[Permission]:
    """What these roles allow together. A role that this version does not know allows nothing."""
    known = {role.value: role for role in Role}
    return frozenset().union(*(PERMISSIONS[known[role]] for role in roles if role in known))


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated administrator, for one request."""

    name: str
    roles: tuple[str, ...]
    second_factor: bool
    """Whether more than one thing was shown to prove it."""
    until: float | None = None
    """When the login ends, Unix seconds; None for a key."""
    session: str = ""
    """The public id of the login; empty for a key."""
    csrf: str = ""
    """The second secret of a login by cookie, for pages of the face; empty for any other."""

    @property
    def principal(self) -> str:
        """As records name it."""
        return f"admin:{self.name}"

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the roles allow."""
        return permissions(self.roles)
