"""Every request gets an answer: what goes wrong on the way becomes one, recorded, and nothing is let through by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from keepgate.gateway.enforce import Enforcer
from keepgate.model.access import Principal
from keepgate.model.errors import AuditError, LoginNeededError, RemoteError
from keepgate.model.message import Message
from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import UnsupportedVersionError

UNRECORDED = "keepgate could not record this decision, so nothing was done"


async def answered(
    enforcer: Enforcer, message: Message, principal: Principal, work: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """The reply body that `work` makes, else an error. Never raises but for cancellation."""
    try:
        try:
            return await work()
        except RemoteError as error:
            enforcer.event("message.refused", f"{message.method}: {error.public}", principal=principal.id)
            data = error.data if isinstance(error, UnsupportedVersionError) else None
            text = f"{error.public}: {error.how}" if isinstance(error, LoginNeededError) else error.public
            return jsonrpc.error(message.id, error.rpc_code, text, data)
    except AuditError:
        return jsonrpc.error(message.id, jsonrpc.UNDECIDED, UNRECORDED)
    except Exception as error:  # noqa: BLE001 - the client must not wait for ever
        enforcer.mishap(error, principal.id)
        return jsonrpc.error(message.id, jsonrpc.INTERNAL_ERROR, "keepgate failed on this request")
