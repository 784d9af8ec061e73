"""What all fronts of one process share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from keepgate.gateway.enforce import Enforcer
from keepgate.gateway.listing import Listing, Visibility
from keepgate.gateway.personal import Personal
from keepgate.gateway.relay import Relay
from keepgate.gateway.settings import Identity, Limits
from keepgate.gateway.task_relay import TaskRelay
from keepgate.gateway.upstream import Upstream
from keepgate.model.access import Principal


class Policy(Visibility, Protocol):
    """The policy engine as the gateway sees it."""

    def may_use(self, principal: Principal, server: str) -> bool: ...


@dataclass(slots=True)
class Services:
    """Wired once by `gateway.gateway.Gateway`; `policy` changes on reload."""

    identity: Identity
    limits: Limits
    enforcer: Enforcer
    relay: Relay
    listing: Listing
    upstreams: dict[str, Upstream]
    policy: Callable[[], Policy]
    monotonic: Callable[[], float]
    tasks: TaskRelay
    own: Personal

    def mounted(self, mount: str | None) -> list[Upstream]:
        """The servers behind an endpoint: one by id, or all in configuration order."""
        if mount is None:
            return list(self.upstreams.values())
        found = self.upstreams.get(mount)
        return [found] if found is not None else []

    def mounted_for(self, principal: Principal, mount: str | None) -> list[Upstream]:
        """The same for one principal: its own where a server knows each by a credential."""
        return [self.own.of(principal, upstream) for upstream in self.mounted(mount)]

    def visible_to(self, principal: Principal, mount: str | None) -> list[Upstream]:
        """The servers of a mount that some grant lets the principal use at all."""
        policy = self.policy()
        return [each for each in self.mounted_for(principal, mount) if policy.may_use(principal, each.id)]

    def upstream_of(self, principal: Principal, server: str) -> Upstream | None:
        """A configured server as this principal reaches it."""
        found = self.upstreams.get(server)
        return None if found is None else self.own.of(principal, found)

    def is_current(self, upstream: Upstream) -> bool:
        """Whether it was neither removed nor replaced."""
        return self.upstreams.get(upstream.key) is upstream or self.own.is_current(upstream)

    def is_personal(self, mount: str | None) -> bool:
        """Whether a server of the mount knows each principal by a credential of its own."""
        return any(upstream.settings.personal is not None for upstream in self.mounted(mount))
