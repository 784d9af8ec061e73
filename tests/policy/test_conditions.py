"""`when:` in Cedar: every test validates, and says what holds when a fact is missing."""

import cedarpy
import pytest

from keepgate.policy import schema
from keepgate.policy.conditions import Argument, When, terms
from keepgate.policy.roles import Conditional, Role, cedar_text

EVERY = Argument(
    below="/srv/data/",
    one_of=("a", 'b"'),
    domains=("Example.com",),
    hosts=("x",),
    statements=("SELECT",),
    at_most=10,
    at_least=-1.5,
    above=0.0001,
    items=3,
    length=100,
)
FULL = When(
    {"path": EVERY, 'a."b': Argument(at_most=1, absent=True)},
    "09:00-17:30",
    ("mon", "fri"),
    ("mfa",),
    3600,
    delegated=True,
    trust=("trusted",),
    data=("public",),
    read_only=True,
    destructive=False,
    open_world=False,
)


@pytest.mark.parametrize("verb", ["allow", "ask", "deny"])
def test_every_condition_validates_strictly(verb):
    text = cedar_text({"r": Role(**{verb: (Conditional("*/*", FULL),)})})
    assert cedarpy.validate_policies(text, schema.text(FULL.arguments)).errors == []


@pytest.mark.parametrize(("closed", "otherwise"), [(True, "false"), (False, "true")])
def test_what_is_missing_fails_a_permit_and_meets_a_denial(closed, otherwise):
    (term,) = terms(When({"n": Argument(at_most=1)}), closed=closed)
    assert term.count(f"else {otherwise}") == 2


def test_absent_says_what_a_missing_argument_means():
    (term,) = terms(When({"n": Argument(at_most=1, absent=True)}), closed=True)
    assert (term.count("else false"), term.count("else true")) == (1, 1)


@pytest.mark.parametrize(
    ("hours", "term"),
    [
        ("09:00-17:00", "{now} >= 540 && {now} < 1020"),
        ("22:00-6:30", "({now} >= 1320 || {now} < 390)"),
        ("00:00-24:00", "{now} >= 0 && {now} < 1440"),
    ],
)
def test_hours_may_go_over_midnight(hours, term):
    now = "context.time.hour * 60 + context.time.minute"
    assert list(terms(When(hours=hours), closed=True)) == [term.format(now=now)]


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (When({"x": Argument()}), "nothing is demanded of the argument `x`"),
        (When({"x": Argument(absent=True)}), "nothing is demanded"),
        (When({"x": Argument(below="../a")}), "is no directory"),
        (When({"x": Argument(below="~/a")}), "is no directory"),
        (When({"x": Argument(below=".")}), "is no directory"),
        (When({"x": Argument(at_most=0.00001)}), "four digits"),
        (When({"x": Argument(above=float("nan"))}), "four digits"),
        (When({"x": Argument(at_most=2**63)}), "too large"),
        (When({"x": Argument(items=-1)}), "counted to"),
        (When(login_age=2**63), "counted to"),
        *[
            (When(hours=hours), "no span of time")
            for hours in (
                "9-17",
                "09:00",
                "25:00-26:00",
                "09:60-10:00",
                "a:00-b:00",
                "09:00-10:00-11:00",
                "²:00-3:00",
            )
        ],
    ],
)
def test_what_cannot_be_meant_is_refused(when, why):
    with pytest.raises(ValueError, match=why):
        list(terms(when, closed=True))
