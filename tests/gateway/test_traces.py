"""Values of one flow: whose they are, who may have them, and what is said where some were forgotten."""

import json
import tracemalloc

import pytest

from keepgate.gateway.traces import WAITING, Traces, tracked_labels

PRIVATE = frozenset(("private",))
ORIGINS = [("private", "crm"), ("untrusted", "web")]


@pytest.fixture
def traces():
    return Traces(b"k" * 32, begun=True)


def found(traces, text, receiver="mail"):
    return traces.found([{"q": text}], receiver, ORIGINS)


def test_what_a_server_returned_is_known_elsewhere(traces):
    traces.returned({"x": "INV-48213-C"}, "crm", PRIVATE, 20)
    assert traces.elsewhere("mail")
    assert not traces.elsewhere("crm")
    assert found(traces, "inv 48213 c") == {"private", "private:crm"}
    assert found(traces, "inv 48213 c", "crm") == set()
    assert found(traces, "Lisbon") == set()


def test_what_the_caller_or_the_receiver_brought_first_passes(traces):
    traces.asked({"x": "INV-48213-C"}, 20)
    traces.returned({"x": "ORD-777123"}, "mail", frozenset(), 20)
    traces.returned({"x": ["INV-48213-C", "ORD-777123", "KEY-9912837"]}, "crm", PRIVATE, 60)
    assert found(traces, "INV-48213-C") == set()
    assert found(traces, "ORD-777123") == set()
    assert found(traces, "KEY-9912837") == {"private", "private:crm"}


def test_what_the_caller_says_after_that_is_not_its_own(traces):
    traces.returned({"x": "INV-48213-C"}, "crm", PRIVATE, 20)
    traces.asked({"x": "INV-48213-C"}, 20)
    assert found(traces, "INV-48213-C") == {"private", "private:crm"}


def test_what_does_not_fit_into_the_queue_is_not_lost(traces):
    traces.returned({"x": "INV-48213-C"}, "crm", PRIVATE, WAITING)
    for number in range(50):
        traces.returned({"x": f"text {number}"}, "crm", PRIVATE, WAITING // 2)
        assert traces.size <= 1_000_000
    assert found(traces, "INV-48213-C") == {"private", "private:crm"}


def test_a_flow_has_a_megabyte_and_no_more():
    tracemalloc.start()
    traces = Traces(b"k" * 32, begun=True)
    before = tracemalloc.get_traced_memory()[0]
    for number in range(400):
        rows = [
            {"id": f"INV-{10_000 + 31 * number + row}-C", "text": "a row of a table"} for row in range(60)
        ]
        for server, labels in (("crm", PRIVATE), ("mail", frozenset())):
            raw = json.dumps(rows)
            traces.returned(json.loads(raw), server, labels, len(raw))
        assert traces.size <= 1_000_000
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert used <= 1_000_000


def test_what_is_only_issued_is_forgotten_rather_than_kept(traces):
    traces.returned({"x": "ORD-777123"}, "mail", frozenset(), 20)
    for number in range(50):
        traces.returned({"x": f"text {number}"}, "mail", frozenset(), WAITING // 4)
    traces.returned({"x": "ORD-777123"}, "crm", PRIVATE, 20)
    assert traces.size <= 1_000_000
    assert found(traces, "ORD-777123") == {"private", "private:crm"}


def test_where_something_was_forgotten_anything_may_be_it():
    traces = Traces(b"k" * 32, begun=False)
    assert traces.full
    assert found(traces, "INV-48213-C") == {
        "unknown", "private", "private:crm", "untrusted", "untrusted:web",
    }  # fmt: skip
    assert found(traces, "INV-48213-C", "crm") == {"unknown", "untrusted", "untrusted:web"}
    assert found(traces, "Lisbon") == set()
    traces.asked({"x": "INV-48213-C"}, 20)
    assert "unknown" in found(traces, "INV-48213-C")


def test_more_sources_than_can_be_told_apart_are_not_taken_for_none(traces):
    for number in range(40):
        traces.returned({"x": f"INV-{48213 + number}-C"}, f"s{number}", PRIVATE, 20)
    assert found(traces, "INV-48213-C") >= {"private", "private:s0"}
    assert "unknown" in found(traces, "INV-48250-C")


def test_strangers_words_are_known_only_where_a_policy_asks():
    both = frozenset(("private", "untrusted"))
    assert tracked_labels(both, all_of_them=False) == PRIVATE
    assert tracked_labels(both, all_of_them=True) == both
