"""The Cedar request as it is recorded, and back: what `simulate` and `suggest` decide anew.

The record of a request says method, server, name, time and principal, its sealed body the arguments. What policy was
asked besides stands beside the body, and only what cannot be told from those: a caller with an API key adds `{}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from keepgate.model.access import Action, Authentication, Principal, Request, Resource, ResourceKind
from keepgate.model.verdict import Effect

_ACTIONS: Final = {
    "tools/call": (Action.CALL_TOOL, ResourceKind.TOOL),
    "prompts/get": (Action.GET_PROMPT, ResourceKind.PROMPT),
    "resources/read": (Action.READ_RESOURCE, ResourceKind.RESOURCE),
    "resources/subscribe": (Action.SUBSCRIBE_RESOURCE, ResourceKind.RESOURCE),
    "resources/unsubscribe": (Action.SUBSCRIBE_RESOURCE, ResourceKind.RESOURCE),
    "completion/complete": (Action.COMPLETE, ResourceKind.RESOURCE),
}
"""What each method asks for; of a completion the body tells whether it is for a prompt."""


class UnreadableError(ValueError):
    """A record that does not say all that policy was asked."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A principal as it is recorded, kept so that it is encoded once."""

    principal: Principal
    encoded: bytes

    @classmethod
    def of(cls, principal: Principal) -> Facts:
        """`encoded` is a JSON object, without what is empty or stands in the id."""
        told: dict[str, Any] = {
            key: value
            for key in ("groups", "tenant", "user", "client", "actors")
            if (value := getattr(principal, key))
        }
        if principal.kind != principal.id.partition(":")[0]:
            told["kind"] = principal.kind
        if principal.auth is not None:
            auth = principal.auth
            told["auth"] = {
                "issuer": auth.issuer,
                "scopes": sorted(auth.scopes),
                "acr": auth.acr,
                "auth_time": auth.auth_time,
                "scheme": auth.scheme,
            }
        return cls(principal, orjson.dumps({"principal": told} if told else {}))

    def with_context(self, told: bytes) -> bytes:
        """The same, with what policy was told of the message (JSON)."""
        comma = b"," if len(self.encoded) > 2 else b""
        return b'%b%b"context":%b}' % (self.encoded[:-1], comma, told)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision of the log: what was asked, and what was answered."""

    request: Request
    """Its context is what `Engine.decide` takes, as far as it is recorded: `arguments`, `time`, `flow`, `approvals`;
    not the schema of the tool. `told` is the Cedar context that the policy of the day was told, where it read any."""
    effect: Effect
    """Of the message: other guards than policy may have tightened it."""
    rules: tuple[str, ...]
    policy: str
    """Hash of the policy set that decided."""
    time: str
    """RFC 3339 with nanoseconds."""
    trace: str


def recorded(
    record: Mapping[str, Any], envelope: Mapping[str, Any] | None, principal: str
) -> Recorded | None:
    """What a record says that policy was asked; None for a record of anything else.

    `envelope` is the opened payload, `principal` the name behind the pseudonym. Raises UnreadableError for a
    record that does not say it: its key was destroyed, or an earlier version made it.
    """
    if record["kind"] != "request" or record["method"] not in _ACTIONS or not record["server"]:
        return None
    action, kind = _ACTIONS[record["method"]]
    if envelope is None:
        raise UnreadableError("the payload of the record cannot be opened")
    asked, body, name = envelope.get("request"), envelope.get("body"), envelope.get("name", record["name"])
    if not isinstance(asked, dict) or not isinstance(body, dict) or not isinstance(name, str):
        raise UnreadableError("the record does not hold the request that was decided")
    if action is Action.COMPLETE and body.get("ref", {}).get("type") == "ref/prompt":
        kind = ResourceKind.PROMPT
    context: dict[str, Any] = {"time": datetime.fromisoformat(record["time"]).timestamp()}
    if action in (Action.CALL_TOOL, Action.GET_PROMPT):
        context["arguments"] = body.get("arguments", {})
    if "context" in asked:
        context["told"] = asked["context"]
        context |= {
            part: asked["context"][part] for part in ("flow", "approvals") if part in asked["context"]
        }
    who = _principal(principal, asked.get("principal", {}))
    verdict = record["verdict"]["effect"]
    return Recorded(
        Request(who, action, Resource(kind, record["server"], name), context),
        Effect[verdict.upper()],
        tuple(record["rules"]),
        record["policy"],
        record["time"],
        record["trace"],
    )


def _principal(name: str, told: Mapping[str, Any]) -> Principal:
    auth = told.get("auth")
    return Principal(
        name,
        told.get("kind", name.partition(":")[0]),
        groups=tuple(told.get("groups", ())),
        tenant=told.get("tenant", ""),
        user=told.get("user", ""),
        client=told.get("client", ""),
        actors=tuple(told.get("actors", ())),
        auth=None
        if auth is None
        else Authentication(
            auth["issuer"],
            frozenset(auth["scopes"]),
            auth["acr"],
            auth["auth_time"],
            scheme=auth["scheme"],
        ),
    )
