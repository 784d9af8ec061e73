"""What the content guard refuses in answers of our own: a part is left out, so that one server cannot block the rest.

A list over all servers is not refused for one poisoned description: that item is left out. Nor is a hello for one
server's instructions: they are left out.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from keepgate.decide.rewrite import carry_out
from keepgate.gateway.caller import Caller
from keepgate.gateway.enforce import Enforcer
from keepgate.model.message import Kind, Message
from keepgate.model.verdict import Effect, Verdict
from keepgate.protocol import jsonrpc

Origins = Sequence[tuple[str, str]]
"""Servers and names there of the items of a list, in their order."""


def inspected_list(
    enforcer: Enforcer, caller: Caller, body: dict[str, Any], key: str, origins: Origins = ()
) -> tuple[dict[str, Any], Verdict, int]:
    """The body of a list to be sent, the verdict on it, and how many items were left out.

    The items belong to the shelves and are not changed: where something has to be, the whole is copied. `origins` says
    of each whose it is, where that makes a difference.
    """
    verdict = _weighed(enforcer, caller, body, origins)
    left_out = 0
    if verdict.effect >= Effect.ASK:
        items = body["result"][key]
        of = origins or (("", ""),) * len(items)
        both = [
            (item, origin)
            for item, origin in zip(items, of, strict=True)
            if _weighed(enforcer, caller, _only(key, item), origins and (origin,)).effect < Effect.ASK
        ]
        left_out = len(items) - len(both)
        body = {**body, "result": {**body["result"], key: [item for item, _ in both]}}
        verdict = _weighed(enforcer, caller, body, origins and [origin for _, origin in both])
    if verdict.edits:
        body = copy.deepcopy(body)
        verdict = carry_out(verdict, caller.gets(Message(Kind.RESULT, body)))
    return body, verdict, left_out


def _only(key: str, item: dict[str, Any]) -> dict[str, Any]:
    return jsonrpc.result(0, {key: [item]})


def presentable(enforcer: Enforcer, caller: Caller, result: dict[str, Any]) -> dict[str, Any]:
    """The result of a hello, without instructions that are refused."""
    if "instructions" not in result:
        return result
    told = jsonrpc.result(0, {"instructions": result["instructions"]})
    refused = _weighed(enforcer, caller, told)
    if refused.effect < Effect.ASK:
        return result
    enforcer.note("content.refused", f"server instructions: {refused.reason}", principal=caller.principal.id)
    return {key: value for key, value in result.items() if key != "instructions"}


def _weighed(enforcer: Enforcer, caller: Caller, body: dict[str, Any], origins: Origins = ()) -> Verdict:
    exchange = caller.gets(Message(Kind.RESULT, body))
    exchange.origins = origins
    return enforcer.weigh(exchange)
