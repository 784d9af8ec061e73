"""The lockfile as data: back and forth without loss, and refused whole where it does not fit."""

import json

import pytest

from keepgate.lock.document import Lock, LockError, lock_of
from tests.lock.made import locked, offer, tool

LOCK = Lock({"files": locked(), "crm": locked(offer(tools=[tool(name="t")], instructions=""))}, "k", "s")


def test_back_and_forth():
    assert lock_of(json.loads(json.dumps(LOCK.value()))) == lock_of(LOCK.value())
    assert lock_of(LOCK.value()).value() == LOCK.value()


def test_the_signature_covers_everything_but_itself():
    other = LOCK.with_("crm", None)
    assert Lock(LOCK.servers, "x", "y").signed() == LOCK.signed()
    assert other.signed() != LOCK.signed()
    assert (other.key, other.signature) == ("", "")


def damaged(change):
    value = json.loads(json.dumps(LOCK.value()))
    change(value)
    return value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v.update(version=2), "version 2"),
        (lambda v: v.pop("servers"), "`/`"),
        (lambda v: v.update(extra=1), "`/`"),
        (lambda v: v["servers"]["files"].pop("launch"), "`/servers/files`"),
        (lambda v: v["servers"]["files"].update(verdict="safe"), "`/servers/files/verdict`"),
        (lambda v: v["servers"]["files"]["tools"]["read_file"].update(hash="md5:1"), "/tools/read_file/hash"),
        (lambda v: v["servers"].update({"Bad Name": v["servers"]["files"]}), "`/servers`"),
        (lambda v: v["servers"]["files"]["approved"].update(until="tomorrow"), "/approved/until"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(change, said):
    with pytest.raises(LockError) as caught:
        lock_of(damaged(change))
    assert said in caught.value.public


@pytest.mark.parametrize("value", [None, [], "x", 1, {"version": "1"}])
def test_other_json_is_refused(value):
    with pytest.raises(LockError):
        lock_of(value)
