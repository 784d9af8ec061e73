"""Proof files: what they prove, and to whom; every way to bend one."""

import orjson
import pytest

from keepgate.audit.checkpoint import EvidenceError, Signer
from keepgate.audit.proof import inclusion
from keepgate.audit.receipt import Receipt, document, verify_document
from keepgate.audit.record import leaf
from tests.audit.made import WRITER, made_log
from tests.spec.log_spec import tree_hash


@pytest.fixture
def log():
    return made_log(7, signed=7)


def receipt(log, seq, size=7) -> Receipt:
    records = [line[:-1] for part in log.parts for line in part.lines[1:]]
    leaves = [leaf(record) for record in records]
    path = inclusion(lambda level, at: tree_hash(leaves[at << level : (at + 1) << level]), seq, size)
    return Receipt(records[seq], seq, path, log.notes[-1], log.signer.public.vkey())


@pytest.fixture
def made(log):
    return orjson.loads(document([receipt(log, 2), receipt(log, 5)]))


def check(made, *known):
    return verify_document(orjson.dumps(made), known)


def test_a_file_proves_its_records_to_who_knows_the_key(log, made):
    proven = check(made, log.signer.public.vkey())
    assert [each.record["seq"] for each in proven] == [2, 5]
    assert all(each.pinned and each.checkpoint.size == 7 for each in proven)


def test_without_a_key_from_elsewhere_it_is_not_said_whose_log_it_is(made):
    assert not any(each.pinned for each in check(made))


def test_extra_data_of_the_format_is_passed_over(log, made):
    made["records"][0]["proof"] = made["records"][0]["proof"].replace("\nindex", "\nextra QUJD\nindex")
    assert len(check(made, log.signer.public.vkey())) == 2


def another_log_of_this_name(made):
    """A whole forged log under its own key: only who knows the key can tell."""
    forged = made_log(7, signed=7)
    forged.signer = Signer(f"test/{WRITER}", b"f" * 32)
    forged.notes.clear()
    forged.checkpoint()
    made["records"] = orjson.loads(document([receipt(forged, 2)]))["records"]


def change(part, old, new):
    def bend(made):
        entry = made["records"][0]
        assert old in entry[part]
        entry[part] = entry[part].replace(old, new, 1)

    bend.__name__ = f"{part}: {old!r} to {new!r}"
    return bend


def swap_records(made):
    first, second = made["records"]
    first["record"], second["record"] = second["record"], first["record"]


def cut_path(made):
    entry = made["records"][0]
    lines = entry["proof"].split("\n")
    del lines[2]
    entry["proof"] = "\n".join(lines)


def endless_path(made):
    entry = made["records"][0]
    lines = entry["proof"].split("\n")
    lines[2:2] = [lines[2]] * 100
    entry["proof"] = "\n".join(lines)


def no_records(made):
    made["records"] = []


BENDS = [
    another_log_of_this_name,
    swap_records,
    cut_path,
    endless_path,
    no_records,
    change("record", '"allow"', '"deny"'),
    change("record", '"seq":2', '"seq":3'),
    change("proof", "index 2", "index 3"),
    change("proof", "index 2", "index 99999999999999999999"),
    change("proof", "index 2", "index -2"),
    change("proof", "index 2", "index ²"),
    change("proof", "\n7\n", "\n8\n"),
    change("proof", "tlog-proof@v1", "tlog-proof@v2"),
    change("proof", "\nindex 2\n", "\nindex 2\nAAAA\n"),
    change("proof", "\nindex 2\n", "\nindex 2\n!\n"),
    change("proof", "— test", "— tast"),
    change("key", "+", "-"),
]


@pytest.mark.parametrize("bend", BENDS, ids=lambda bend: bend.__name__)
def test_a_file_that_was_bent_proves_nothing(log, made, bend):
    bend(made)
    with pytest.raises(EvidenceError):
        check(made, log.signer.public.vkey())


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b'{"format":"keepgate-proof/1"}', b'{"format":"keepgate-proof/1","records":3}',
     b'{"format":"keepgate-proof/2","records":[]}', b'{"format":"keepgate-proof/1","records":[{}]}',
     b'{"format":"keepgate-proof/1","records":[{"key":1,"proof":"","record":""}]}', b"\xff"],
)  # fmt: skip
def test_what_is_no_proof_file_is_refused(data):
    with pytest.raises(EvidenceError):
        verify_document(data)


def test_a_signed_leaf_that_is_no_record_of_this_place_is_refused(log):
    for stored in (b"[]", b"x", b'{"writer":"other","seq":0}'):
        root = leaf(stored)
        note = log.signer.sign(1, root)
        made = document([Receipt(stored, 0, [], note, log.signer.public.vkey())])
        with pytest.raises(EvidenceError):
            verify_document(made)
