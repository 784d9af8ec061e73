"""What a session is told that it did not ask for: which of it concerns the client, in the client's terms."""

from __future__ import annotations

from typing import Any

from keepgate.gateway.backend import Backend
from keepgate.gateway.caller import Caller, Outlet
from keepgate.gateway.services import Services
from keepgate.gateway.view import View
from keepgate.model.access import Resource, ResourceKind
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc
from keepgate.protocol.tasks import STATUS

Subscriptions = set[tuple[str, str]]
"""Server id and the server's own URI."""


def concerns(
    services: Services,
    caller: Caller,
    view: View,
    subscriptions: Subscriptions,
    backend: Backend,
    message: Message,
) -> bool:
    """Whether a notification may reach the client, which is then told it by its own names."""
    if message.method == "notifications/resources/updated":
        return _updated(services, caller, view, subscriptions, backend.settings.id, message)
    if message.method == "notifications/progress":  # of a call that has become a task
        return services.tasks.goes_on(caller, backend, message)
    if message.method == STATUS:
        return services.tasks.status(caller, backend, message)
    return True


def _updated(
    services: Services,
    caller: Caller,
    view: View,
    subscriptions: Subscriptions,
    server: str,
    message: Message,
) -> bool:
    """Only what was subscribed to, and may still be seen, is passed on, under the client's URI for it."""
    uri = message.params.get("uri")
    if not isinstance(uri, str) or (server, uri) not in subscriptions:
        return False
    if not services.policy().visible(caller.principal, Resource(ResourceKind.RESOURCE, server, uri)):
        return False
    ours = view.to_client_uri(server, caller.principal.id)(uri)
    message.body["params"] = {**message.params, "uri": ours}
    return True


def tell(
    services: Services,
    caller: Caller,
    backend: Backend,
    method: str,
    outlet: Outlet,
    params: dict[str, Any] | None = None,
) -> None:
    """Tell the client something in the name of a server."""
    message = Message(Kind.NOTIFICATION, jsonrpc.notification(method, params))
    services.relay.pass_notification(caller, backend, message, "", outlet)


def withdraw(services: Services, caller: Caller, backend: Backend, question: Any, outlet: Outlet) -> None:
    """Nobody waits any more for the client's answer to a question that the bridge has put to it."""
    tell(services, caller, backend, "notifications/cancelled", outlet, {"requestId": question})
