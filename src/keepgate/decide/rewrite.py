"""Carries out the edits of a verdict on the message they were made for, before it is recorded and sent on.

An edit replaces a value at a JSON pointer. All of them or none: an edit that does not fit denies the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keepgate.decide.guards.schema import RESULT
from keepgate.model.contract import Contract, SchemaError
from keepgate.model.errors import LocalError
from keepgate.model.exchange import Exchange
from keepgate.model.message import Kind, Message
from keepgate.model.verdict import Edit, Effect, Verdict, deny, join


def carry_out(verdict: Verdict, exchange: Exchange) -> Verdict:
    """The verdict, with its edits made in the message; a DENY if they do not fit it or break the tool's contract.

    Never raises.
    """
    if not verdict.edits or verdict.effect is not Effect.REDACT:
        return verdict
    try:
        apply(exchange.message.body, verdict.edits)
    except LocalError as error:
        return join(verdict, deny("keepgate could not decide", guard="rewrite", private=str(error)))
    fitted = all(finding.rule != RESULT for finding in verdict.findings)
    if fitted and exchange.contract is not None and _broken(exchange.message, exchange.contract):
        reason = f"{verdict.reason}; the rest does not fit the tool's `outputSchema`"
        return join(verdict, deny(reason, guard="rewrite"))
    return verdict


def _broken(message: Message, contract: Contract) -> bool:
    """Whether an edited result no longer fits what the tool promises."""
    if message.kind is not Kind.RESULT or contract.output is None:
        return False
    result = message.body["result"]
    if "structuredContent" not in result:
        return False
    try:
        return bool(contract.output.faults(result["structuredContent"]))
    except SchemaError:
        return False  # it could not be checked before either: the schema guard has decided on that


def apply(body: dict[str, Any], edits: Sequence[Edit]) -> None:
    """Make the edits in place: containers stay the same objects, so whoever holds one sees them. Raises LocalError."""
    places = [(_parent(body, edit.path), edit) for edit in edits]
    for (container, key), edit in places:
        container[key] = edit.value


def _parent(body: dict[str, Any], path: str) -> tuple[Any, str | int]:
    """The container and the key or number of an existing value."""
    if not path.startswith("/"):
        raise LocalError("edit", f"`{path[:200]}` names no value")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    value: Any = body
    for step in steps[:-1]:
        value = value[_key(value, step, path)]
    return value, _key(value, steps[-1], path)


def _key(value: Any, step: str, path: str) -> str | int:
    if isinstance(value, dict) and step in value:
        return step
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return int(step)
    raise LocalError("edit", f"`{path[:200]}` names no value")
