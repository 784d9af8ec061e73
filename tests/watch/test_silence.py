"""What a silence covers, and what it does not."""

import pytest

from keepgate.model.finding import Severity
from keepgate.watch.alert import Alert, Sign, Subject
from keepgate.watch.silence import Silence

ALERT = Alert(
    50.0, Sign.FIRST_USE, Severity.LOW, Subject(principal="user:ann", server="crm", name="read"), "", ""
)


@pytest.mark.parametrize(
    ("sign", "about", "until", "covered"),
    [
        ("first_use", "", 100, True),
        ("", "user:ann", 100, True),
        ("", "crm", 100, True),
        ("", "crm/read", 100, True),
        ("first_use", "crm", 100, True),
        ("rate", "crm", 100, False),
        ("", "user:an", 100, False),
        ("", "cr", 100, False),
        ("", "read", 100, False),  # what a tool is called its server chose
        ("first_use", "", 50, False),
    ],
)
def test_covers(sign, about, until, covered):
    assert Silence("s", until, "local:me", "known", sign, about).covers(ALERT) is covered


@pytest.mark.parametrize(("sign", "about"), [("", ""), ("first-use", "")])
def test_everything_cannot_be_silenced(sign, about):
    with pytest.raises(ValueError, match=r"a silence names|there is no sign"):
        Silence("s", 1, "local:me", "known", sign, about)
