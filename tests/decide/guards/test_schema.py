"""Arguments and results against the schemas of the tool."""

import pytest

from keepgate.decide.guards.schema import ARGUMENTS, RESULT, UNUSABLE, Posture, SchemaRules, Schemas
from keepgate.decide.schemas import contract_of
from keepgate.model.contract import Contract, SchemaError
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import Effect
from tests.decide.guards.exchanges import exchange

CONTRACT = contract_of(
    {
        "name": "t",
        "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        "outputSchema": {"type": "object", "required": ["ok"]},
    }
)
STRICT = Schemas(SchemaRules(Posture.ENFORCE, Posture.ENFORCE, Posture.ENFORCE))


def call(arguments, contract=CONTRACT):
    return exchange(params={"name": "t", "arguments": arguments}, contract=contract)


def answer(result, contract=CONTRACT):
    made = exchange(Kind.RESULT, direction=Direction.TO_CLIENT, contract=contract)
    made.message.body.clear()
    made.message.body.update({"jsonrpc": "2.0", "id": 1, "result": result})
    return made


def test_what_fits_gets_no_opinion():
    assert STRICT.check(call({"n": 1}), {}) is None
    assert STRICT.check(answer({"content": [], "structuredContent": {"ok": 1}}), {}) is None


def test_arguments_that_do_not_fit_are_denied_with_their_faults_out_of_the_plain_reason():
    verdict = STRICT.check(call({"n": "s3cr3t", "mine": 1}), {})
    assert verdict is not None
    assert (verdict.effect, verdict.rules) == (Effect.DENY, (ARGUMENTS,))
    assert "/n" not in verdict.reason
    (finding,) = verdict.findings
    assert '`/n`: the value is not of type "integer"' in finding.evidence
    assert "s3cr3t" not in repr(verdict)


@pytest.mark.parametrize(
    ("arguments", "fits"),
    [
        ({"n": 1, "o": None}, True),
        ({"n": 1, "o": {"p": None, "q": "x"}}, True),
        ({"n": None}, False),
        ({"n": None, "o": None}, False),
        ({"n": 1, "nullable": None}, True),
        ({"n": 1, "list": [None]}, False),
    ],
)
def test_null_is_not_given_unless_the_schema_knows_it(arguments, fits):
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer"},
            "o": {"type": "object", "properties": {"p": {"type": "string"}}},
            "nullable": {"type": ["string", "null"]},
            "list": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["n"],
    }
    verdict = STRICT.check(call(arguments, contract_of({"name": "t", "inputSchema": schema})), {})
    assert (verdict is None) is fits


def test_a_call_without_arguments_is_a_call_with_none():
    verdict = STRICT.check(exchange(params={"name": "t"}, contract=CONTRACT), {})
    assert verdict is not None
    assert "required" in verdict.findings[0].evidence


@pytest.mark.parametrize(
    "result",
    [{"content": []}, {"content": [], "structuredContent": {}}, {"content": [], "structuredContent": [1]}],
)
def test_results_that_do_not_fit(result):
    verdict = STRICT.check(answer(result), {})
    assert verdict is not None
    assert (verdict.effect, verdict.rules) == (Effect.DENY, (RESULT,))
    recorded = Schemas(SchemaRules()).check(answer(result), {})
    assert recorded is not None
    assert (recorded.effect, recorded.findings[0].rule) == (Effect.ALLOW, RESULT)


@pytest.mark.parametrize(
    "result",
    [
        {"content": [], "isError": True},
        {"resultType": "input_required", "inputRequests": {}},
        {"task": {"taskId": "1", "status": "working"}},
    ],
)
def test_what_is_no_final_result_is_not_checked(result):
    assert STRICT.check(answer(result), {}) is None


@pytest.mark.parametrize(
    "more", [{"task": None}, {"task": {}}, {"resultType": "task"}, {"resultType": "later"}]
)
def test_no_word_of_a_server_takes_structured_content_out_of_the_check(more):
    verdict = STRICT.check(answer({"content": [], "structuredContent": {"no": 1}, **more}), {})
    assert verdict is not None
    assert verdict.effect is Effect.DENY


def test_what_is_no_tool_call_gets_no_opinion():
    assert STRICT.check(exchange(method="prompts/get", params={"arguments": {}}), {}) is None
    assert STRICT.check(call({}, contract=None), {}) is None
    assert STRICT.check(exchange(Kind.NOTIFICATION, "notifications/message"), {}) is None


def test_ignored_is_ignored():
    ignoring = Schemas(SchemaRules(Posture.IGNORE, Posture.IGNORE, Posture.IGNORE))
    assert ignoring.check(call({}), {}) is None
    assert ignoring.check(answer({"content": []}), {}) is None
    assert ignoring.check(call({}, BROKEN), {}) is None


BROKEN = contract_of({"name": "t", "inputSchema": {"$ref": "http://x.invalid/"}, "outputSchema": []})


def test_a_schema_that_cannot_be_used_weighs_no_more_than_what_it_would_have_found():
    verdict = Schemas(SchemaRules()).check(answer({"content": []}, BROKEN), {})
    assert verdict is not None
    assert verdict.effect is Effect.ALLOW


@pytest.mark.parametrize(
    ("posture", "effect"), [(Posture.ENFORCE, Effect.DENY), (Posture.RECORD, Effect.ALLOW)]
)
def test_a_schema_that_cannot_be_used_is_said_to_be_so(posture, effect):
    guard = Schemas(SchemaRules(results=Posture.ENFORCE, unusable=posture))
    for made, which in ((call({}, BROKEN), "inputSchema"), (answer({"content": []}, BROKEN), "outputSchema")):
        verdict = guard.check(made, {})
        assert verdict is not None
        assert verdict.effect is effect
        assert verdict.findings[0].rule == UNUSABLE
        assert which in verdict.findings[0].title


def test_a_tool_without_schemas_has_nothing_to_check():
    bare = Contract()
    assert STRICT.check(call({"any": 1}, bare), {}) is None
    assert STRICT.check(answer({"content": []}, bare), {}) is None


def test_a_check_that_would_take_too_long_is_a_schema_that_cannot_be_used():
    class Slow:
        def faults(self, value, size=0):
            raise SchemaError("checking it would take too long")

    verdict = STRICT.check(call({}, Contract(input=Slow())), {})
    assert verdict is not None
    assert verdict.rules == (UNUSABLE,)
    assert "too long" in verdict.reason
