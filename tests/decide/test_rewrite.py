"""Edits are made in place, all or none, and never leave a result that breaks its contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.decide.guards.schema import RESULT
from keepgate.decide.rewrite import apply, carry_out
from keepgate.decide.schemas import contract_of
from keepgate.model.errors import LocalError
from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import ALLOW, Edit, Effect, Verdict
from tests.decide.guards.exchanges import exchange


def test_values_are_replaced_where_they_stand():
    inner = {"a/b": ["x", "secret"], "~": "y"}
    body = {"result": inner}
    apply(body, [Edit("/result/a~1b/1", "gone"), Edit("/result/~0", "z")])
    assert body == {"result": {"a/b": ["x", "gone"], "~": "z"}}
    assert body["result"] is inner


@pytest.mark.parametrize(
    "path", ["", "result", "/none", "/result/a/9", "/result/a/-1", "/result/a/x", "/result/s/0"]
)
def test_an_edit_that_names_no_value_is_refused_and_nothing_is_changed(path):
    body = {"result": {"a": ["x"], "s": "text"}}
    with pytest.raises(LocalError):
        apply(body, [Edit("/result/a/0", "y"), Edit(path, "z")])
    assert body == {"result": {"a": ["x"], "s": "text"}}


def answer(result, **changes):
    made = exchange(Kind.RESULT, direction=Direction.TO_CLIENT, **changes)
    made.message.body.clear()
    made.message.body.update({"jsonrpc": "2.0", "id": 1, "result": result})
    return made


def redact(*edits, **changes):
    return Verdict(Effect.REDACT, "removed: x", "content", edits=edits, **changes)


def test_only_redact_edits():
    for verdict in (
        ALLOW,
        Verdict(Effect.DENY, edits=(Edit("/result/a", "z"),)),
        Verdict(Effect.REDACT, "hidden items"),
    ):
        made = answer({"a": "x"})
        assert carry_out(verdict, made) is verdict
        assert made.message.body["result"] == {"a": "x"}


def test_the_message_is_changed_and_the_verdict_stands():
    made, verdict = answer({"a": "x"}), redact(Edit("/result/a", "z"))
    assert carry_out(verdict, made) is verdict
    assert made.message.body["result"] == {"a": "z"}


def test_an_edit_that_does_not_fit_denies():
    verdict = carry_out(redact(Edit("/result/none", "z")), answer({"a": "x"}))
    assert verdict.effect is Effect.DENY
    assert verdict.reason == "keepgate could not decide"


CONTRACT = contract_of({"name": "t", "outputSchema": {"properties": {"key": {"pattern": "^AKIA"}}}})


def test_what_no_longer_fits_its_schema_is_denied():
    made = answer({"structuredContent": {"key": "AKIA"}}, contract=CONTRACT)
    verdict = carry_out(redact(Edit("/result/structuredContent/key", "[redacted:x]")), made)
    assert verdict.effect is Effect.DENY
    assert "outputSchema" in verdict.reason


def test_what_did_not_fit_before_is_not_held_against_the_edit():
    seen = Finding(RESULT, Severity.LOW, Confidence.CONFIRMED, "")
    made = answer({"structuredContent": {"key": "no"}}, contract=CONTRACT)
    verdict = redact(Edit("/result/structuredContent/key", "z"), findings=(seen,))
    assert carry_out(verdict, made) is verdict


def test_text_may_change_beside_a_schema():
    made = answer({"structuredContent": {"key": "AKIA"}, "content": "x"}, contract=CONTRACT)
    assert carry_out(redact(Edit("/result/content", "y")), made).effect is Effect.REDACT


@given(st.lists(st.text(max_size=4), min_size=1, max_size=5), st.data())
def test_any_key_can_be_addressed(keys, data):
    body: dict = {}
    inner = body
    for key in keys[:-1]:
        inner[key] = {}
        inner = inner[key]
    inner[keys[-1]] = "old"
    path = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
    apply(body, [Edit(path, "new")])
    for key in keys[:-1]:
        body = body[key]
    assert body[keys[-1]] == "new"
