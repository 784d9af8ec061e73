"""Arguments of a tool call against the tool's `inputSchema`, its `structuredContent` against the `outputSchema`.

A tool that no list names has no schema, and its calls pass this guard: policy decides on them. A schema that cannot be
used is said to be so, and what follows is configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from keepgate.decide.facts import Fact, Facts
from keepgate.model.contract import Contract, Schema, SchemaError
from keepgate.model.exchange import Exchange
from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.message import Direction, Json, Kind
from keepgate.model.verdict import Effect, Verdict

ARGUMENTS = "schema.arguments"
RESULT = "schema.result"
UNUSABLE = "schema.unusable"
"""Rule ids of the findings."""
MISFIT = "the result does not fit the tool's `outputSchema`"


_REQUEST, _RESULT, _TO_SERVER = Kind.REQUEST, Kind.RESULT, Direction.TO_SERVER


class Posture(StrEnum):
    """What follows from a value that does not fit its schema."""

    ENFORCE = "enforce"
    RECORD = "record"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class SchemaRules:
    """What is checked, and what follows."""

    arguments: Posture = Posture.ENFORCE
    results: Posture = Posture.RECORD
    unusable: Posture = Posture.ENFORCE
    """A schema that cannot be used: ENFORCE denies what it should have checked"""


class Schemas:
    """Checks tool calls and their results; no opinion on anything else."""

    id = "schema"
    needs: frozenset[Fact] = frozenset()

    def __init__(self, rules: SchemaRules) -> None:
        self._rules = rules

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """DENY or ALLOW with a finding for what does not fit, else no opinion."""
        contract = exchange.contract
        if contract is None:
            return None
        message = exchange.message
        if message.kind is _REQUEST:
            if exchange.direction is not _TO_SERVER or message.method != "tools/call":
                return None
            return self._arguments(message.params.get("arguments", {}), contract, message.size)
        if message.kind is not _RESULT or exchange.direction is _TO_SERVER:
            return None
        return self._result(message.body["result"], contract, message.size)

    def _arguments(self, arguments: Json, contract: Contract, size: int) -> Verdict | None:
        if self._rules.arguments is Posture.IGNORE:
            return None
        if contract.input is None:
            return self._without(ARGUMENTS, contract.unusable_input)
        verdict = self._checked(contract.input, arguments, ARGUMENTS, size)
        if verdict is None or (given := _without_nulls(arguments)) == arguments:
            return verdict
        return self._checked(contract.input, given, ARGUMENTS, size)

    def _result(self, result: dict[str, Json], contract: Contract, size: int) -> Verdict | None:
        if self._rules.results is Posture.IGNORE or result.get("isError") is True:
            return None
        pending = result.get("resultType", "complete") != "complete" or "task" in result
        if pending and "structuredContent" not in result:
            return None  # the answer is still to come
        if contract.output is None:
            return self._without(RESULT, contract.unusable_output)
        if "structuredContent" not in result:
            return self._fault(RESULT, "`structuredContent` is missing, and the tool has an `outputSchema`")
        return self._checked(contract.output, result["structuredContent"], RESULT, size)

    def _checked(self, schema: Schema, value: Json, rule: str, size: int) -> Verdict | None:
        try:
            faults = schema.faults(value, size)
        except SchemaError as error:
            return self._without(rule, error.public)
        return self._fault(rule, "; ".join(faults)) if faults else None

    def _fault(self, rule: str, what: str) -> Verdict:
        """The reason is written in plain, so what names members of the value is evidence and private only."""
        text, root, posture = (
            ("the arguments do not fit the tool's `inputSchema`", "/params/arguments", self._rules.arguments)
            if rule is ARGUMENTS
            else (MISFIT, "/result/structuredContent", self._rules.results)
        )
        seen = Finding(rule, Severity.LOW, Confidence.CONFIRMED, text, root, evidence=what)
        if posture is Posture.RECORD:
            return Verdict(Effect.ALLOW, guard=self.id, findings=(seen,))
        return Verdict(Effect.DENY, text, self.id, what, rules=(rule,), findings=(seen,))

    def _without(self, rule: str, why: str) -> Verdict | None:
        """There is nothing to check with. It weighs no more than what the check would have found."""
        if not why:
            return None  # the tool has none
        which, posture = (
            ("inputSchema", self._rules.arguments)
            if rule is ARGUMENTS
            else ("outputSchema", self._rules.results)
        )
        seen = Finding(UNUSABLE, Severity.MEDIUM, Confidence.CONFIRMED, f"the tool's `{which}`: {why}")
        if self._rules.unusable is Posture.IGNORE:
            return None
        if Posture.RECORD in (posture, self._rules.unusable):
            return Verdict(Effect.ALLOW, guard=self.id, findings=(seen,))
        reason = f"the tool's `{which}` cannot be used: {why} (`schemas.unusable` decides)"
        return Verdict(Effect.DENY, reason, self.id, rules=(UNUSABLE,), findings=(seen,))


def _without_nulls(value: Json) -> Json:
    """The value without members that are null: clients write null for a parameter that is not given."""
    if isinstance(value, dict):
        return {key: _without_nulls(member) for key, member in value.items() if member is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
