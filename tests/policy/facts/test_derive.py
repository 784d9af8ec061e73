"""Facts in Cedar's form: about every value, rounded to the unfavourable side, or left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.policy.facts.derive import AROUND, TEXT, TEXTS, TYPES, facts


def decimal(text: str) -> dict:
    return {"__extn": {"fn": "decimal", "arg": text}}


@pytest.mark.parametrize(
    ("value", "fact", "found"),
    [
        ("/srv/a", "path", "/srv/a"),
        (["/srv/a", "/srv/b/c"], "within", ["/", "/srv"]),
        (["https://a.example.com", "b@example.com"], "domains", ["example.com"]),
        (["https://a.example.com", "b@example.com"], "hosts", ["a.example.com", "example.com"]),
        (["x", "y", "x"], "texts", ["x", "y"]),
        ("SELECT 1", "statements", ["select"]),
        (5, "most", decimal("5.0000")),
        ([1, 2.5], "most", decimal("2.5000")),
        ([1, 2.5], "least", decimal("1.0000")),
        (1000.00001, "most", decimal("1000.0001")),
        (999.99999, "least", decimal("999.9999")),
        (-1.00001, "least", decimal("-1.0001")),
        (["a", "b"], "items", 2),
        ("a", "items", 1),
        ([], "items", 0),
        (["abc", "d"], "length", 3),
        (["abc", "d"], "shortest", 1),
        (["/srv/a", "/etc/b"], "around", ["/", "/etc", "/etc/b", "/srv", "/srv/a"]),
        ("/srv/%2e%2e/x", "around", ["/", "/srv", "/srv/%2e%2e", "/srv/%2e%2e/x", "/x"]),
    ],
)
def test_a_fact(value, fact, found):
    assert facts({"x": value}, "x", (fact,)) == {fact: found}


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        (["/srv/a", "/srv/b"], "path"),
        ([], "within"),
        ([], "around"),
        ([f"/d{n}/{n}" for n in range(AROUND)], "around"),
        (["/srv/a", 5], "within"),
        ([], "domains"),
        ("localhost", "domains"),
        ("5", "most"),
        (True, "most"),
        ([], "most"),
        (1e300, "most"),
        (float("inf"), "most"),
        (2**63, "least"),
        (5, "texts"),
        ([], "texts"),
        ([str(n) for n in range(TEXTS + 1)], "texts"),
        ("x" * (TEXT + 1), "texts"),
        ([1], "length"),
    ],
)
def test_what_cannot_be_told_is_left_out(value, fact):
    assert facts({"x": value}, "x", (fact,)) == {}


def test_an_argument_that_is_not_given_has_no_facts_and_an_odd_one_has_none_either():
    assert facts({}, "x", TYPES) is None
    assert facts({"x": None}, "x", TYPES) is None
    assert facts({"x": {"y": 1}}, "x", TYPES) == {}


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(("x", "y", "x.y")), json))
def test_nothing_that_a_caller_sends_raises(arguments):
    for name in ("x", "x.y"):
        found = facts(arguments, name, [fact for fact in TYPES if fact != "statements"])
        assert found is None or found.keys() <= TYPES.keys()
