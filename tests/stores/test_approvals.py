"""An approval holds for exactly what was asked, once, for a time, and cannot be made without the key."""

import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from keepgate.model.approval import Constraint, State, Wanted
from keepgate.model.errors import LocalError
from keepgate.stores import approvals
from keepgate.stores.approvals import Approvals

MASTER = os.urandom(32)
WANTED = Wanted(
    "key:alice",
    "claude/1",
    "call_tool",
    "bank",
    "pay",
    {"name": "pay", "arguments": {"to": "bob", "amount": 5}},
    "d" * 64,
    "a role asks",
    ("role:clerk",),
    "trace",
)
OTHERS = [
    replace(WANTED, principal="key:bob"),
    replace(WANTED, client="other/1"),
    replace(WANTED, action="get_prompt"),
    replace(WANTED, server="bank2"),
    replace(WANTED, name="pay_all"),
    replace(WANTED, params={"name": "pay", "arguments": {"to": "bob", "amount": 5.5}}),
    replace(WANTED, params={"name": "pay", "arguments": {"to": "bob", "amount": "5"}}),
    replace(WANTED, params={"name": "pay", "arguments": {"to": "bob", "amount": 5, "x": None}}),
    replace(WANTED, definition="e" * 64),
]


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    return Approvals(tmp_path, MASTER, clock, seconds=100)


def approved(store):
    claim = store.claim(WANTED)
    store.decide(claim.id, approve=True, by="carol", reason="fine")
    return claim.id


def test_it_waits_until_somebody_decides_and_passes_once(store):
    first = store.claim(WANTED)
    assert first.state is State.PENDING
    assert store.claim(WANTED) == first
    store.decide(first.id, approve=True, by="carol")
    used = store.claim(WANTED)
    assert (used.state, used.by, used.id) == (State.APPROVED, "carol", first.id)
    again = store.claim(WANTED)
    assert again.state is State.PENDING
    assert again.id != first.id


@pytest.mark.parametrize("other", OTHERS)
def test_it_holds_for_nothing_else(store, other):
    approved(store)
    assert store.claim(other).state is State.PENDING
    assert store.claim(WANTED).state is State.APPROVED


def test_reason_and_trace_are_not_part_of_what_is_asked(store):
    name = approved(store)
    assert store.claim(replace(WANTED, trace="t2", reason="other", rules=())).id == name


def test_a_refusal_stands_until_it_expires(store, clock):
    name = store.claim(WANTED).id
    store.decide(name, approve=False, by="carol")
    assert store.claim(WANTED).state is State.DENIED
    clock.now += 101
    assert store.claim(WANTED).state is State.PENDING


def test_no_answer_is_no_approval_and_an_old_one_neither(store, clock):
    name = store.claim(WANTED).id
    clock.now += 101
    with pytest.raises(LocalError, match="expired"):
        store.decide(name, approve=True, by="carol")
    name = approved(store)
    clock.now += 101
    assert store.claim(WANTED).state is State.PENDING
    assert store.get(name).state is State.EXPIRED


def test_what_was_decided_is_decided(store):
    name = approved(store)
    with pytest.raises(LocalError, match="approved"):
        store.decide(name, approve=False, by="mallory")
    with pytest.raises(LocalError, match="no approval"):
        store.decide("nope", approve=True, by="mallory")


def test_a_call_that_was_let_through_may_be_gone_on_with(store, clock):
    approved(store)
    assert store.claim(WANTED).state is State.APPROVED
    assert store.claim(WANTED, goes_on="one").state is State.APPROVED
    assert store.claim(WANTED, goes_on="two").state is State.APPROVED
    assert store.claim(WANTED, goes_on="one").state is State.PENDING, "a handle counts once"


def test_what_another_process_let_through_is_not_gone_on_with(store, tmp_path, clock):
    approved(store)
    store.claim(WANTED)
    again = Approvals(tmp_path, MASTER, clock, seconds=100)
    assert again.claim(WANTED, goes_on="one").state is State.PENDING


def test_a_request_cannot_pose_as_one_that_goes_on(store):
    assert store.claim(WANTED, goes_on="x").state is State.PENDING


def test_of_many_who_claim_at_once_one_gets_it(store, tmp_path, clock):
    approved(store)
    processes = [Approvals(tmp_path, MASTER, clock, seconds=100) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        states = [claim.state for claim in pool.map(lambda each: each.claim(WANTED), processes)]
    assert states.count(State.APPROVED) == 1


def test_it_outlives_a_restart(store, tmp_path, clock):
    name = approved(store)
    assert Approvals(tmp_path, MASTER, clock, seconds=100).claim(WANTED).id == name


def test_an_older_file_put_back_brings_no_used_approval_back(store, tmp_path):
    approved(store)
    shutil.copy(tmp_path / "approvals.db", tmp_path / "kept")
    assert store.claim(WANTED).state is State.APPROVED
    shutil.copy(tmp_path / "kept", tmp_path / "approvals.db")
    assert store.claim(WANTED).state is State.PENDING


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE approval SET state = 'approved'",
        'UPDATE approval SET state = \'approved\', decided = \'{"by":"root","reason":""}\'',
        "UPDATE approval SET expires = 1e12",
        "UPDATE approval SET mac = x'00'",
    ],
)
def test_a_file_that_was_written_without_the_key_approves_nothing(store, tmp_path, attack):
    store.claim(WANTED)
    with sqlite3.connect(tmp_path / "approvals.db") as database:
        database.execute(attack)
    with pytest.raises(LocalError, match="without the key"):
        store.claim(WANTED)
    assert store.every() == []


def test_an_approval_cannot_be_moved_to_another_request(store, tmp_path):
    name = approved(store)
    other = store.claim(OTHERS[0]).id
    with sqlite3.connect(tmp_path / "approvals.db") as database:
        digest = database.execute("SELECT digest FROM approval WHERE id = ?", (other,)).fetchone()[0]
        database.execute("DELETE FROM approval WHERE id = ?", (other,))
        database.execute("UPDATE approval SET digest = ? WHERE id = ?", (digest, name))
    with pytest.raises(LocalError):
        store.claim(OTHERS[0])


def test_another_key_opens_nothing(store, tmp_path, clock):
    name = approved(store)
    other = Approvals(tmp_path, os.urandom(32), clock, seconds=100)
    assert other.claim(WANTED).state is State.PENDING
    with pytest.raises(LocalError):
        other.get(name)


def test_what_is_asked_cannot_be_read_in_the_file(store, tmp_path):
    store.claim(WANTED)
    raw = (tmp_path / "approvals.db").read_bytes()
    assert all(word not in raw for word in (b"alice", b"amount", b"bank", b"a role asks"))
    assert (tmp_path / "approvals.db").stat().st_mode & 0o777 == 0o600


def test_one_that_asks_without_end_is_stopped(store, monkeypatch):
    monkeypatch.setattr(approvals, "MAX_PENDING", 3)
    for number in range(3):
        store.claim(replace(WANTED, params={"n": number}))
    with pytest.raises(LocalError, match="wait for approval already"):
        store.claim(replace(WANTED, params={"n": 4}))
    assert store.claim(replace(WANTED, principal="key:bob")).state is State.PENDING


def test_what_nobody_can_judge_is_not_asked(store):
    with pytest.raises(LocalError, match="more than"):
        store.claim(replace(WANTED, params={"text": "x" * approvals.MAX_BYTES}))


def test_old_ones_are_forgotten(store, clock):
    store.claim(WANTED)
    clock.now += approvals.KEPT + 200
    store.claim(OTHERS[0])
    assert len(store.every()) == 1


def test_a_damaged_file_is_an_error(store, tmp_path):
    (tmp_path / "approvals.db").write_bytes(b"no database" * 100)
    with pytest.raises(LocalError, match="cannot be used"):
        store.claim(WANTED)


def test_the_approver_sees_what_was_asked(store):
    (found,) = [store.get(approved(store))]
    assert found.wanted == WANTED
    assert (found.by, found.reason, found.state) == ("carol", "fine", State.APPROVED)


# Remembered


def remembered(store, constraint=Constraint(), seconds=1000, wanted=WANTED):  # noqa: B008 - frozen
    return store.remember(store.claim(wanted).id, constraint, by="carol", seconds=seconds)


def passes(store, wanted=WANTED):
    return store.claim(wanted).state is State.APPROVED


def paying(**arguments):
    return replace(WANTED, params={"name": "pay", "arguments": {"to": "bob", "amount": 5, **arguments}})


def test_what_is_remembered_passes_until_it_expires(store, clock):
    one = remembered(store)
    assert all(passes(store) for _ in range(3))
    claim = store.claim(WANTED)
    assert (claim.id, claim.by) == (one.id, "carol, remembered")
    assert [each.id for each in store.remembered()] == [one.id]
    clock.now += 999
    assert passes(store)
    clock.now += 2
    assert not passes(store)
    assert not store.remembered()


def test_what_is_revoked_is_asked_anew(store):
    one = remembered(store)
    passes(store)  # the approval itself
    store.revoke(one.id)
    assert not passes(store)
    with pytest.raises(LocalError, match="nothing is remembered"):
        store.revoke(one.id)


@pytest.mark.parametrize("other", OTHERS)
def test_without_a_constraint_it_holds_for_exactly_the_same(store, other):
    remembered(store)
    assert not passes(store, other)


FREE = Constraint(free=("to",), most=(("amount", 10),))


@pytest.mark.parametrize(
    "arguments", [{}, {"to": "eve"}, {"amount": 0}, {"amount": 10}, {"to": None, "amount": 9.5}]
)
def test_a_constraint_lets_go_of_what_it_names(store, arguments):
    remembered(store, FREE)
    assert passes(store, paying(**arguments))


@pytest.mark.parametrize(
    "other",
    [
        paying(amount=11),
        paying(amount=-1),
        paying(amount="5"),
        paying(amount=True),
        paying(amount=None),
        paying(note="x"),
        replace(WANTED, params={"name": "pay", "arguments": {"to": "bob"}}),
        replace(WANTED, params={"name": "pay", "arguments": []}),
        replace(WANTED, params={"name": "pay"}),
        replace(paying(), principal="key:bob"),
        replace(paying(), client="other/1"),
        replace(paying(), name="pay_all"),
        replace(paying(), definition="e" * 64),
        replace(paying(), rules=("role:clerk", "trifecta")),
    ],
)
def test_and_of_nothing_else(store, other):
    remembered(store, FREE)
    store.claim(WANTED)
    assert not passes(store, other)


@pytest.mark.parametrize(
    ("constraint", "seconds"),
    [
        (Constraint(free=("memo",)), 100),
        (Constraint(free=("to", "to")), 100),
        (Constraint(free=("amount",), most=(("amount", 9),)), 100),
        (Constraint(most=(("amount", 4),)), 100),
        (Constraint(most=(("amount", float("nan")),)), 100),
        (Constraint(most=(("to", 9),)), 100),
        (Constraint(), 0),
        (Constraint(), -5),
        (Constraint(), 31 * 86_400),
    ],
)
def test_a_constraint_that_does_not_fit_is_refused(store, constraint, seconds):
    name = store.claim(WANTED).id
    with pytest.raises(LocalError):
        store.remember(name, constraint, by="carol", seconds=seconds)
    assert not store.remembered()
    assert store.get(name).state is State.PENDING


def test_what_was_refused_or_used_cannot_be_remembered(store):
    name = store.claim(WANTED).id
    store.decide(name, approve=False, by="carol")
    with pytest.raises(LocalError, match="denied"):
        store.remember(name, Constraint(), by="carol", seconds=10)


def test_a_refusal_counts_more_than_what_is_remembered(store):
    remembered(store, FREE)
    store.claim(WANTED)
    other = paying(memo="x")
    store.decide(store.claim(other).id, approve=False, by="carol")
    assert store.claim(other).state is State.DENIED


def test_what_is_remembered_helps_what_waits_already(store):
    waiting = paying(to="eve")
    assert store.claim(waiting).state is State.PENDING
    remembered(store, FREE)
    assert passes(store, waiting)


def test_what_becomes_out_of_band_is_asked_anew(store):
    loose = replace(WANTED, out_of_band=False)
    remembered(store, wanted=loose)
    assert passes(store, loose)
    assert passes(store, loose)
    assert not passes(store, WANTED)


def test_what_is_remembered_does_not_let_private_data_leave(store):
    remembered(store, FREE)
    told = replace(WANTED, rules=(*WANTED.rules, "trifecta"))
    assert passes(store)
    assert passes(store)
    assert not passes(store, told)


def test_unless_that_is_what_was_approved(store):
    told = replace(WANTED, rules=(*WANTED.rules, "trifecta"))
    remembered(store, FREE, wanted=told)
    assert passes(store, told)
    assert passes(store, told)


def test_without_the_key_nothing_can_be_remembered_moved_or_prolonged(store, tmp_path):
    one = remembered(store)
    passes(store)
    with sqlite3.connect(tmp_path / "approvals.db") as database:
        database.execute("UPDATE remembered SET id = 'aaaaaaaaaa'")
    assert not passes(store)
    assert not store.remembered()
    with sqlite3.connect(tmp_path / "approvals.db") as database:
        database.execute("UPDATE remembered SET id = ?, expires = 9e9", (one.id,))
    assert store.remembered()[0].expires == one.expires
    with sqlite3.connect(tmp_path / "approvals.db") as database:
        database.execute("UPDATE remembered SET scope = x'00'")
    assert not store.remembered()


def test_a_file_of_an_older_version_is_taken_over(tmp_path, clock):
    with sqlite3.connect(tmp_path / "approvals.db") as database:
        for statement in (*approvals._FIRST, "PRAGMA user_version = 1"):
            database.execute(statement)
    remembered(Approvals(tmp_path, MASTER, clock, seconds=100))


def test_a_client_decides_on_nothing_but_its_own(store):
    loose = replace(WANTED, out_of_band=False)
    name = store.claim(loose).id
    for principal, client in (("key:bob", "claude/1"), ("key:alice", "other/1")):
        with pytest.raises(LocalError, match="not this caller's"):
            store.answer(name, approve=True, principal=principal, client=client)
    assert store.answer(name, approve=True, principal="key:alice", client="claude/1").state is State.APPROVED
    with pytest.raises(LocalError, match="nothing to decide"):
        store.answer(name, approve=True, principal="key:alice", client="claude/1")
