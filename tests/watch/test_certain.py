"""What needs no baseline."""

import pytest

from keepgate.watch.alert import Sign
from keepgate.watch.certain import certain
from tests.watch.made import call


@pytest.mark.parametrize(
    ("event", "sign"),
    [
        (call(0, findings=("honeytoken",), effect="deny"), Sign.HONEYTOKEN),
        (call(0, findings=("canary-secret",)), Sign.HONEYTOKEN),
        (call(0, method="lock.withheld", kind="event"), Sign.DRIFT),
        (call(0, rules=("pins",), effect="deny"), Sign.DRIFT),
        (call(0, rules=("flow.trifecta",), effect="ask"), Sign.FLOW),
        (call(0, rules=("trifecta",), effect="ask"), Sign.FLOW),
        (call(0, rules=("trifecta",), effect="allow"), Sign.FLOW),
        (call(0, rules=("flow",), effect="allow"), None),
        (call(0, rules=("flower",), effect="deny"), None),
        (call(0, method="honeytoken.issued", kind="event"), None),
        (call(0, method="flow.cleared", kind="event", effect="deny"), None),
        (call(0, method="lock.withheld", own=False), None),
        (call(0, method="drift", own=False, effect="deny"), None),
        (call(0), None),
    ],
)
def test_what_an_event_says_itself(event, sign):
    found = certain(event)
    assert (found.sign if found else None) is sign
