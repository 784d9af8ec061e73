"""The shape that is printed, and identity."""

from keepgate.model.finding import Severity
from keepgate.watch.alert import Alert, Sign, Subject

ALERT = Alert(
    5.0,
    Sign.RATE,
    Severity.MEDIUM,
    Subject(principal="user:ann", server="crm"),
    "300",
    "at most 60",
    ("w:1",),
)


def test_the_shape_of_a_line():
    assert ALERT.as_json("1970-01-01T00:00:05Z") == {
        "id": ALERT.id,
        "time": "1970-01-01T00:00:05Z",
        "sign": "rate",
        "severity": "medium",
        "subject": {"principal": "user:ann", "server": "crm"},
        "seen": "300",
        "expected": "at most 60",
        "records": ["w:1"],
        "incident": ALERT.id,
    }


def test_the_same_alert_has_the_same_id():
    assert ALERT.id == Alert(5.0, Sign.RATE, Severity.LOW, ALERT.subject, "", "").id
    assert ALERT.id != Alert(6.0, Sign.RATE, Severity.LOW, ALERT.subject, "", "").id
    assert ALERT.id != Alert(5.0, Sign.FLOW, Severity.LOW, ALERT.subject, "", "").id


def test_a_subject_in_words():
    assert str(Subject(principal="user:ann", server="crm", name="read")) == "user:ann crm/read"
