"""What a caller sees when a request is not simply answered (DESIGN.md, "What a caller sees"), and sealed state."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from typing import Any

from keepgate.decide.guards.callbacks import missing_mode, poses_as_keepgate
from keepgate.decide.guards.schema import ARGUMENTS
from keepgate.gateway.caller import Caller
from keepgate.model.access import Authentication
from keepgate.model.errors import AuthenticationError, LoginNeededError, UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.model.verdict import Effect, Verdict
from keepgate.protocol import jsonrpc
from keepgate.protocol.challenge import challenge
from keepgate.protocol.eras import CALLBACK_CAPABILITY, INPUT_REQUIRED_METHODS, R2025_11, Era
from keepgate.protocol.seal import MAX_CHARS, Sealer

STATE_SECONDS = 3600
DECISION_KEY = "dev.keepgate/decision"
"""Result `_meta` key of the decision id, for `keepgate audit query --trace`."""
RETRY_KEY = "dev.keepgate/retry-after"
"""Result `_meta` key: seconds after which a call over a rate or quota may be made again."""

SERVERS_OWN = "request-state"
"""Purpose of the handle for a server's state: none of ours opens as one, and none of a server's as ours."""
OURS = "dev.keepgate/"
"""Before the names of what keepgate itself asks of clients."""

_RESOURCE_METHODS = ("resources/read", "resources/subscribe", "resources/unsubscribe")


def unknown(message: Message, caller: Caller) -> dict[str, Any]:
    """Exactly what something that does not exist gets: the same for unknown and for hidden."""
    params = message.params
    if message.method == "tools/call":
        return jsonrpc.error(message.id, jsonrpc.INVALID_PARAMS, f"Unknown tool: {_cut(params.get('name'))}")
    if message.method == "prompts/get":
        return jsonrpc.error(
            message.id, jsonrpc.INVALID_PARAMS, f"Unknown prompt: {_cut(params.get('name'))}"
        )
    if message.method in _RESOURCE_METHODS:
        old = caller.era is Era.HANDSHAKE
        code = jsonrpc.RESOURCE_NOT_FOUND if old else jsonrpc.INVALID_PARAMS
        return jsonrpc.error(message.id, code, "Resource not found", {"uri": params.get("uri")})
    return jsonrpc.error(message.id, jsonrpc.INVALID_PARAMS, "Unknown reference")


def is_failure(reply: Message) -> bool:
    """Whether a server refused: an error, or a tool result that says so."""
    return reply.kind is Kind.ERROR or reply.body["result"].get("isError") is True


def _cut(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def tool_error(
    message: Message, caller: Caller, text: str, trace: str, retry_after: float | None = None
) -> dict[str, Any]:
    """A tool result with `isError`: the model sees the reason and can react."""
    meta: dict[str, Any] = {DECISION_KEY: trace}
    if retry_after is not None:
        meta[RETRY_KEY] = retry_after
    result: dict[str, Any] = {
        "content": [{"type": "text", "text": text}],
        "isError": True,
        "_meta": meta,
    }
    if caller.era is Era.STATELESS:
        result["resultType"] = "complete"
    return jsonrpc.result(message.id, result)


def denied(message: Message, caller: Caller, verdict: Verdict, trace: str) -> dict[str, Any]:
    """A visible thing whose use is denied now: by policy, a limit, its schema, or for want of a way to ask."""
    if verdict.guard == "schema" and ARGUMENTS in verdict.rules:
        return invalid(message, caller, verdict, trace)
    if verdict.guard == "assurance" and caller.principal.auth is not None:
        return challenged(message, caller.principal.auth, verdict, trace)
    reason = verdict.reason or "not allowed"
    if verdict.effect is Effect.ASK and not any(rule.startswith("approval:") for rule in verdict.rules):
        reason += ", and this version has no way to ask for it"
    if message.method == "tools/call":
        text = f"keepgate denied this call: {reason} (decision {trace})"
        return tool_error(message, caller, text, trace, verdict.retry_after)
    code = jsonrpc.RATE_LIMITED if verdict.retry_after is not None else jsonrpc.DENIED
    data: dict[str, Any] = {"decision": trace}
    if verdict.retry_after is not None:
        data["retryAfter"] = verdict.retry_after
    return jsonrpc.error(message.id, code, f"denied: {reason}", data)


class Challenge(dict[str, Any]):
    """A reply body that goes out with a challenge, where it goes out over HTTP and nothing was sent before it.

    A type of its own: no server can send one, so none can send a client to log in elsewhere.
    """

    refusal: AuthenticationError


def challenged(message: Message, auth: Authentication, verdict: Verdict, trace: str) -> dict[str, Any]:
    """403 for want of a scope, 401 for want of a stronger or more recent login (RFC 9470)."""
    given: dict[str, list[str]] = {}
    for obligation in verdict.obligations:
        name, _, value = obligation.partition(":")
        given.setdefault(name, []).append(value)
    login = "acr" in given or "max_age" in given
    text = challenge(
        auth.scheme,
        auth.metadata,
        error="insufficient_user_authentication" if login else "insufficient_scope",
        error_description=verdict.reason,
        acr_values=" ".join(given.get("acr", ())),
        max_age="".join(given.get("max_age", ())[:1]),
        scope=" ".join(given.get("scope", ())),
    )
    body = Challenge(
        jsonrpc.error(message.id, jsonrpc.DENIED, f"denied: {verdict.reason}", {"decision": trace})
    )
    body.refusal = AuthenticationError(verdict.reason, text, status=401 if login else 403)
    return body


def invalid(message: Message, caller: Caller, verdict: Verdict, trace: str) -> dict[str, Any]:
    """Arguments that do not fit: since 2025-11-25 a result that the model sees and can react to, before it -32602."""
    faults = "; ".join(finding.evidence for finding in verdict.findings if finding.rule == ARGUMENTS)
    text = f"{verdict.reason}: {faults} (decision {trace})"
    if caller.revision >= R2025_11:
        return tool_error(message, caller, text, trace)
    return jsonrpc.error(message.id, jsonrpc.INVALID_PARAMS, text, {"decision": trace})


def undecided(message: Message, caller: Caller, trace: str) -> dict[str, Any]:
    """keepgate could not decide or record: nothing was forwarded or returned. The log has the cause."""
    text = "keepgate could not record this decision, so nothing was done"
    if message.method == "tools/call":
        return tool_error(message, caller, text, trace)
    return jsonrpc.error(message.id, jsonrpc.UNDECIDED, text, {"decision": trace})


def unavailable(
    message: Message, caller: Caller, error: UpstreamError, server: str, trace: str
) -> dict[str, Any]:
    """The server failed. A tool call gets an `isError` result, anything else an error with our own code."""
    if isinstance(error, LoginNeededError):
        return login(message, caller, error, trace)
    text = (
        error.public if not server or f"`{server}`" in error.public else f"server `{server}`: {error.public}"
    )
    if message.method == "tools/call":
        return tool_error(message, caller, f"{text} (decision {trace})", trace)
    return jsonrpc.error(message.id, jsonrpc.UNAVAILABLE, text, {"decision": trace})


LOGIN_KEY = f"{OURS}login"
"""Name of the input request that sends a user to log in."""


def login(message: Message, caller: Caller, error: LoginNeededError, trace: str) -> dict[str, Any]:
    """The principal has to log in at the server: by URL elicitation where the client can, else as a text says."""
    text = f"{error.public}: {error.how}"
    declared = caller.capabilities.get("elicitation")
    params: dict[str, object] = {"mode": "url", "message": text, "url": error.url, "elicitationId": trace}
    able = isinstance(declared, dict) and not missing_mode("elicitation/create", params, declared)
    if error.url and able and caller.era is Era.STATELESS and message.method in INPUT_REQUIRED_METHODS:
        del params["elicitationId"]
        asked = {LOGIN_KEY: {"method": "elicitation/create", "params": params}}
        return jsonrpc.result(message.id, {"resultType": "input_required", "inputRequests": asked})
    if error.url and able and caller.revision == R2025_11:
        return jsonrpc.error(message.id, jsonrpc.URL_ELICITATION_REQUIRED, text, {"elicitations": [params]})
    if message.method == "tools/call":
        return tool_error(message, caller, f"{text} (decision {trace})", trace)
    return jsonrpc.error(message.id, jsonrpc.UNAVAILABLE, text, {"decision": trace})


def without_login(params: dict[str, Any]) -> dict[str, Any]:
    """Params of a request that is repeated after a login: the answer to our own question is not the server's."""
    responses = params.get("inputResponses")
    if not isinstance(responses, dict) or LOGIN_KEY not in responses:
        return params
    rest = {key: value for key, value in responses.items() if key != LOGIN_KEY}
    kept = {key: value for key, value in params.items() if key != "inputResponses"}
    return {**kept, "inputResponses": rest} if rest else kept


def check_input_requests(result: dict[str, Any], method: str, caller: Caller) -> None:
    """Refuse an `input_required` that asks for what this client did not declare, or where it cannot occur.

    Raises UpstreamError: the server is at fault, and its question must not reach a client that cannot answer it.
    """
    if method not in INPUT_REQUIRED_METHODS:
        raise UpstreamError("protocol", f"the server asked for input in `{method}`, where there is none")
    requests = result.get("inputRequests", {})
    if not isinstance(requests, dict) or len(requests) > 64 or any(key.startswith(OURS) for key in requests):
        raise UpstreamError("protocol", "the server's `inputRequests` are malformed")
    for request in requests.values():
        asked = request.get("method") if isinstance(request, dict) else None
        need = CALLBACK_CAPABILITY.get(asked) if isinstance(asked, str) else None
        params = request.get("params", {}) if isinstance(request, dict) else None
        if need is None or not isinstance(asked, str) or not isinstance(params, dict):
            raise UpstreamError("protocol", "the server asked for an unknown kind of input")
        if poses_as_keepgate(asked, params):
            raise UpstreamError("protocol", "the server asked for input in keepgate's name")
        declared = caller.capabilities.get(need)
        if not isinstance(declared, dict) or missing_mode(asked, params, declared):
            raise UpstreamError(
                "protocol", f"the server asked for `{need}`, which the client did not declare"
            )


class StateSealer:
    """Wraps a server's `requestState` so that it opens only for the same principal, server, method, name, arguments."""

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._sealer = Sealer(key)
        self._clock = clock

    def _binding(self, message: Message, caller: Caller, server: str, purpose: str) -> bytes:
        params = message.params
        named = params.get("name", params.get("uri"))
        digest = hashlib.sha256(jsonrpc.canonical(params.get("arguments"))).hexdigest()
        return jsonrpc.encode([purpose, caller.principal.id, server, message.method, named, digest])

    def seal(
        self, value: Any, message: Message, caller: Caller, server: str, purpose: str = SERVERS_OWN
    ) -> str:
        """The handle for a server's state, or ours. Raises UpstreamError for one too large to be taken back."""
        bound = self._binding(message, caller, server, purpose)
        expires = int(self._clock()) + STATE_SECONDS
        handle = self._sealer.seal(value, bound_to=bound, expires=expires, nonce=os.urandom(12))
        if len(handle) > MAX_CHARS:
            raise UpstreamError("too-large", "the server's `requestState` is too large")
        return handle

    def open(
        self, handle: Any, message: Message, caller: Caller, server: str, purpose: str = SERVERS_OWN
    ) -> Any:
        """The state that was sealed for the same purpose. Raises RemoteError (-32602)."""
        bound = self._binding(message, caller, server, purpose)
        return self._sealer.unseal(handle, bound_to=bound, now=int(self._clock()))
