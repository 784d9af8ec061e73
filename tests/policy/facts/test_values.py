"""Finding the values of an argument, however they are nested."""

import pytest

from keepgate.policy.facts.values import MOST, Unclear, values_of


@pytest.mark.parametrize(
    ("arguments", "name", "found"),
    [
        ({"a": 1}, "a", [1]),
        ({"a": [1, 2]}, "a", [1, 2]),
        ({"a": []}, "a", []),
        ({"a": None}, "a", None),
        ({}, "a", None),
        ({"a": {"b": "x"}}, "a.b", ["x"]),
        ({"a": {}}, "a.b", None),
        ({}, "a.b", None),
        ({"a": [{"b": 1}, {"b": [2, 3]}]}, "a.b", [1, 2, 3]),
        ({"a.b": 1}, "a.b", [1]),
        ({"a": False}, "a", [False]),
    ],
)
def test_values(arguments, name, found):
    assert values_of(arguments, name) == found


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"a": {"b": 1}}, "a"),
        ({"a": [1, None]}, "a"),
        ({"a": [[1]]}, "a"),
        ({"a": 1}, "a.b"),
        ({"a": [{"b": 1}, {}]}, "a.b"),
        ({"a": [{"b": 1}, 2]}, "a.b"),
        ({"a.b": 1, "a": {"b": 2}}, "a.b"),
        ({"a": list(range(MOST + 1))}, "a"),
    ],
)
def test_about_what_is_ambiguous_nothing_is_said(arguments, name):
    with pytest.raises(Unclear):
        values_of(arguments, name)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"path": "/srv/a", "Path": "/etc/passwd"}, "path"),
        ({"PATH": "/etc/passwd"}, "path"),
        ({"path": "/srv/a", "path ": "/etc/passwd"}, "path"),
        ({"path": "/srv/a", "p\u200bath": "/etc/passwd"}, "path"),
        ({"path": "/srv/a", "\uff50ath": "/etc/passwd"}, "path"),
        ({"key": "a", "\u212aey": "b"}, "key"),  # the Kelvin sign
        ({"pay": {"amount": 1, "Amount": 9}}, "pay.amount"),
        ({"pay": {"amount": 1}, "Pay": {"amount": 9}}, "pay.amount"),
        ({"pay": [{"amount": 1}, {"AMOUNT": 9}]}, "pay.amount"),
    ],
)
def test_a_key_in_two_spellings_tells_nothing(arguments, name):
    with pytest.raises(Unclear):
        values_of(arguments, name)
