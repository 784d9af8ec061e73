"""The wiring of the admin face: its routes in front of a running gateway."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from keepgate import __version__
from keepgate.admin.administrators import Roll
from keepgate.admin.door import FrontDoor
from keepgate.admin.elsewhere import Elsewhere
from keepgate.admin.face import Face
from keepgate.admin.lockout import Lockout
from keepgate.admin.logins import Logins
from keepgate.admin.pages import pages
from keepgate.admin.place import Place
from keepgate.admin.reception import Reception
from keepgate.admin.routes import (
    administrators,
    approvals,
    audit,
    configuration,
    flows,
    keys,
    login,
    policy,
    quarantine,
    routes,
    servers,
    sessions,
    this,
)
from keepgate.compose.admin.access import KeyDesk, PolicyDesk, Staff
from keepgate.compose.admin.decisions import ApprovalDesk
from keepgate.compose.admin.evidence import ConfigurationDesk, LogDesk
from keepgate.compose.admin.journal import AuditJournal
from keepgate.compose.admin.labels import FlowRoom
from keepgate.compose.admin.provider import IssuerProvider
from keepgate.compose.admin.running import RunningServers, RunningSessions
from keepgate.compose.admin.stops import StopDesk
from keepgate.compose.secrets import admin_codes
from keepgate.config import Settings
from keepgate.gateway.gateway import Gateway
from keepgate.stores.admins import JsonAdminStore

if TYPE_CHECKING:
    from starlette.routing import BaseRoute


class Office:
    """The admin face of one gateway. `use` follows a reloaded configuration."""

    def __init__(self, gateway: Gateway, settings: Settings) -> None:
        assert settings.admin is not None  # there is no face otherwise
        self._settings = settings
        roll = Roll(JsonAdminStore(settings.state), time.time)
        given = settings.admin
        logins = Logins(time.time, idle=given.session_idle, longest=given.session_maximum)
        reception = Reception(
            roll, logins, Lockout(time.monotonic), admin_codes(settings), time.time, given.second_factor
        )
        self._place = Place(given.url)
        journal = AuditJournal(gateway.enforcer)
        self._elsewhere: Elsewhere | None = None
        if given.login is not None:
            provider = IssuerProvider(settings, given.login)
            grants: dict[str, tuple[str, ...]] = {}
            for grant in given.login.grants:
                grants[grant.to] = (*grants.get(grant.to, ()), *grant.roles)
            self._elsewhere = Elsewhere(
                provider,
                grants,
                logins,
                self._place,
                journal=journal,
                throttle=journal.throttle,
                clock=time.time,
            )
        desk: dict[type, Any] = {
            servers.Servers: RunningServers(gateway),
            sessions.Sessions: RunningSessions(gateway),
            keys.Keys: KeyDesk(settings),
            quarantine.Quarantine: StopDesk(gateway, settings),
            approvals.Approvals: ApprovalDesk(gateway, settings),
            flows.FlowDesk: FlowRoom(gateway, settings),
            policy.Policy: PolicyDesk(lambda: self._settings),
            administrators.Administrators: Staff(roll, logins),
            Reception: reception,
            audit.Log: LogDesk(settings),
            configuration.Configuration: ConfigurationDesk(lambda: self._settings),
            this.Document: self,
            login.Ways: self,
        }
        self.face = Face(
            routes(),
            desk,
            FrontDoor(reception, self._place, given.second_factor),
            journal,
            journal.throttle,
            self._place,
            version=__version__,
        )

    def current(self) -> dict[str, Any]:
        """The OpenAPI document (routes.this.Document)."""
        return self.face.document

    def elsewhere(self) -> bool:
        """Whether there is a provider to log in at (routes.login.Ways)."""
        return self._elsewhere is not None

    def use(self, settings: Settings) -> None:
        """Show another configuration from now on."""
        self._settings = settings

    def web(self) -> list[BaseRoute]:
        """For the web application beside the endpoint."""
        elsewhere = self._elsewhere.web() if self._elsewhere is not None else []
        return [*self.face.web(), *pages(self._place), *elsewhere]
