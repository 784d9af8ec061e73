"""How a gateway asks people: what the configuration says of approvals, and who is told that something waits."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from keepgate.compose.secrets import resolver
from keepgate.config import Settings
from keepgate.config.values import is_loopback
from keepgate.decide.appeal import plain
from keepgate.gateway.gateway import Gateway
from keepgate.model.access import Resource, ResourceKind
from keepgate.model.approval import Wanted
from keepgate.policy import servers
from keepgate.policy.pattern import Pattern
from keepgate.transports.fetch import Fetcher
from keepgate.transports.webhook import Webhook, key_of


class Word:
    """What the configuration says of things that are asked for (approving.Terms)."""

    def __init__(self, settings: Settings) -> None:
        given = settings.approvals
        self._never = [Pattern.parse(each) for each in given.out_of_band]
        self._elicit = [Pattern.parse(each) for each in given.elicit]
        self._servers = {
            name: servers.Server(tools=server.tools) for name, server in settings.servers.items()
        }
        self._trust = {name: (server.trust, server.data) for name, server in settings.servers.items()}

    def enough(self, resource: Resource) -> bool:
        """Whether an answer through the client itself may decide: not for what reaches out, unless that is said."""
        if any(pattern.names(resource) for pattern in self._never):
            return False
        if any(pattern.names(resource) for pattern in self._elicit):
            return True
        return resource.kind is not ResourceKind.TOOL or not self._effects(resource)["open_world"]

    def risks(self, resource: Resource) -> tuple[str, ...]:
        """Its effects, as configured or assumed, and what its server is."""
        trust, data = self._trust.get(resource.server, ("untrusted", "restricted"))
        found = [f"its server is {trust} and holds {data} data"]
        if resource.kind is ResourceKind.TOOL:
            effects = self._effects(resource)
            found += [text for key, text in _RISKS.items() if effects[key]]
        return tuple(found)

    def _effects(self, resource: Resource) -> dict[str, bool]:
        return self._servers.get(resource.server, servers.NOTHING_SAID).effects_of(resource.name)


_RISKS = {
    "destructive": "it can remove or overwrite, as far as is known",
    "open_world": "it reaches beyond its own data, as far as is known",
}


def use_terms(gateway: Gateway, settings: Settings) -> None:
    """Take over what the configuration says of approvals and of the effects of tools."""
    if gateway.enforcer.approving is not None:
        gateway.enforcer.approving.terms = Word(settings)


def attend(gateway: Gateway, settings: Settings) -> None:
    """Have a gateway ask as the configuration says, and tell the webhook."""
    use_terms(gateway, settings)
    gateway.services.relay.eliciting.wait = settings.approvals.wait
    given = settings.approvals.webhook
    if given is None or gateway.enforcer.approving is None:
        return
    fetch = resolver(settings)
    local = is_loopback(urlsplit(given.url).hostname or "")
    hook = Webhook(
        lambda: given.url,
        lambda: key_of(fetch(given.secret), "approvals.webhook"),
        Fetcher(private=given.private_network, local=local).ask,
        time.time,
        lambda why: gateway.enforcer.note("approval.untold", f"webhook: {why}"),
    )
    office = f"{settings.public_url}/admin/api/v1/approvals/" if settings.admin is not None else ""

    def tell(name: str, wanted: Wanted) -> None:
        hook.send("approval.waiting", _told(name, wanted, f"{office}{name}" if office else ""))

    gateway.enforcer.approving.told = tell


def _told(name: str, wanted: Wanted, url: str) -> dict[str, object]:
    """What waits and where it is decided, without the arguments. Outsiders' text is escaped."""
    return {
        "id": name,
        "principal": plain(wanted.principal, 200),
        "client": plain(wanted.client, 200),
        "action": wanted.action,
        "server": wanted.server,
        "name": plain(wanted.name, 200),
        "reason": plain(wanted.reason, 300),
        "risk": wanted.risk,
        "decision": wanted.trace,
        "approve": {"command": f"keepgate approvals approve {name}", "url": url},
    }
