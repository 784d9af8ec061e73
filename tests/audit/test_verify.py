"""Tampering, kind by kind, on a log in memory; and the verifier against the page-sized specification."""

from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.audit.checkpoint import PublicKey, Signer
from keepgate.audit.record import PRUNED, RECOVERED, ROTATED
from keepgate.audit.verify import MOST, Segment, Status, verify_writer
from tests.audit.made import WRITER, MadeLog, entry, made_log, segment
from tests.spec.log_spec import holds


def test_an_untouched_log_passes_and_the_unsigned_window_is_told():
    report = verify_writer(made_log(6, signed=4).evidence())
    assert report.status is Status.PASS
    assert (report.records, report.signed, report.unsigned, report.checkpoints) == (6, 4, 2, 2)
    assert report.failed == []
    (question,) = report.unknown
    assert "kept elsewhere" in question


def test_nothing_signed_is_unknown_and_not_a_pass():
    report = verify_writer(made_log(2, signed=0).evidence())
    assert report.status is Status.UNKNOWN
    assert "no checkpoint signs these records" in report.unknown


def edit(line: bytes, **fields) -> bytes:
    return orjson.dumps(orjson.loads(line) | fields, option=orjson.OPT_SORT_KEYS) + b"\n"


def edit_record(log: MadeLog):
    log.parts[0].lines[2] = edit(log.parts[0].lines[2], name="other")


def edit_last_signed(log: MadeLog):
    log.parts[1].lines[1] = edit(log.parts[1].lines[1], name="other")
    del log.parts[1].lines[2:]


def remove_record(log: MadeLog):
    del log.parts[0].lines[2]


def insert_record(log: MadeLog):
    log.parts[0].lines.insert(2, log.parts[0].lines[2])


def reorder_records(log: MadeLog):
    lines = log.parts[0].lines
    lines[1], lines[2] = lines[2], lines[1]


def cut_signed_records(log: MadeLog):
    del log.parts[1].lines[1:]


def cut_everything(log: MadeLog):
    log.parts.clear()


def remove_first_segment(log: MadeLog):
    del log.parts[0]


def remove_last_segment(log: MadeLog):
    del log.parts[1]


def tear_first_segment(log: MadeLog):
    log.parts[0].lines.append(b'{"torn')


def edit_header(log: MadeLog):
    log.parts[1].lines[0] = edit(log.parts[1].lines[0], prev="0" * 64)


def remove_header(log: MadeLog):
    del log.parts[1].lines[0]


def change_payload(log: MadeLog):
    log.parts[0].sealed = b"X" + log.parts[0].sealed[1:]


def change_payload_inside(log: MadeLog):
    line = log.parts[0].lines[2]
    sealed = orjson.loads(line)["payload"]["sealed"]
    log.parts[0].lines[2] = line.replace(sealed.encode(), b"A" * len(sealed))


def remove_payloads(log: MadeLog):
    log.parts[0].sealed = b""


def swap_payloads(log: MadeLog):
    sealed = log.parts[0].sealed
    half = len(sealed) // 2
    log.parts[0].sealed = sealed[half:] + sealed[:half]


def edit_checkpoint(log: MadeLog):
    log.notes[0] = log.notes[0].replace(b"\n3\n", b"\n2\n")


def sign_with_another_key(log: MadeLog):
    log.notes[0] = Signer(log.signer.origin, b"x" * 32).sign(3, b"r" * 32)


def repeat_checkpoint(log: MadeLog):
    log.notes.append(log.notes[0])


def fork(log: MadeLog):
    """Another history under the same key: the chain is sound, the signed root is not its root."""
    other = made_log(6, signed=0)
    other.parts, other.tree, other.prev = [], MadeLog().tree, "0" * 64
    other.rotate()
    for number in range(6):
        other.add(entry(name=f"forged{number}"))
    log.parts = other.parts


def point_payload_elsewhere(log: MadeLog):
    line = log.parts[0].lines[3]
    log.parts[0].lines[3] = edit(line, payload=orjson.loads(line)["payload"] | {"off": 1})


def name_an_endless_payload(log: MadeLog):
    line = log.parts[0].lines[3]
    log.parts[0].lines[3] = edit(line, payload=orjson.loads(line)["payload"] | {"len": 1 << 60})


TAMPERING = [
    edit_record, edit_last_signed, remove_record, insert_record, reorder_records, cut_signed_records,
    cut_everything, remove_first_segment, remove_last_segment, tear_first_segment, edit_header, remove_header,
    change_payload, change_payload_inside, remove_payloads, swap_payloads, edit_checkpoint, sign_with_another_key,
    repeat_checkpoint, fork, point_payload_elsewhere, name_an_endless_payload,
]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda function: function.__name__)
def test_tampering_with_what_is_signed_fails(tamper: Callable[[MadeLog], None]):
    log = made_log(6, signed=4, rotated=3)
    tamper(log)
    report = verify_writer(log.evidence())
    assert report.status is Status.FAIL
    assert report.failed
    assert report.signed == 0


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"null",
        b"{}",
        b"x",
        b'{"payload":3}',
        b"\xff",
        b'{"v":2,"writer":"w","seq":0,"prev":"","payload":"x"}',
    ],
)
def test_what_is_no_record_fails(line):
    log = made_log(2, signed=0)
    log.parts[0].lines.append(line + b"\n")
    assert verify_writer(log.evidence()).status is Status.FAIL


@pytest.mark.parametrize(
    "more", [{"method": None}, {"rules": 3}, {"rules": None}, {"rules": [3]}, {"kind": []}]
)
@pytest.mark.parametrize("method", [RECOVERED, PRUNED, ROTATED])
def test_an_event_of_another_form_is_a_finding_and_no_crash(method, more):
    """Whoever can write the log must not be able to keep the verifier from answering."""
    log = made_log(2, signed=2)
    log.add(entry(kind="event", method=method, rules=("1-2",)))
    said = {
        key: value
        for key, value in (orjson.loads(log.parts[-1].lines[-1]) | more).items()
        if value is not None
    }
    log.parts[-1].lines[-1] = orjson.dumps(said) + b"\n"
    log.parts[-1].lines.append(edit(log.parts[-1].lines[-1], seq=3))
    assert verify_writer(log.evidence()).status is Status.FAIL


@pytest.mark.parametrize(
    "payload",
    [
        "3",
        '"x"',
        "[]",
        "{}",
        '{"sealed":"AAAA"}',
        '{"nonce":"00","sealed":"AAAA","off":0}',
        '{"nonce":"00","sealed":3}',
        '{"nonce":"00","sealed":"A?=="}',
        '{"cipher":"00","len":1,"off":0}',
        '{"cipher":"00","digest":"00","len":1,"nonce":"00","off":0}',
        '{"cipher":"00","len":0,"nonce":"00","off":0}',
        '{"cipher":"00","len":"1","nonce":"00","off":0}',
        '{"cipher":"00","len":1,"nonce":"00","off":1}',
    ],
)
def test_a_payload_of_another_form_fails_even_in_a_sound_chain(payload):
    log = MadeLog()
    log.add(given=payload)
    log.checkpoint()
    assert verify_writer(log.evidence()).status is Status.FAIL


@pytest.mark.parametrize(
    "public_key", ["", "garbage", Signer("test/ffffffffffffffff", b"s" * 32).public.vkey()], ids=str
)
def test_without_the_public_key_of_this_writer_nothing_passes(public_key):
    assert verify_writer(made_log().evidence(public_key=public_key)).status is Status.FAIL


def test_a_key_that_replaced_the_one_in_the_store_fails_against_a_checkpoint_kept_elsewhere():
    kept = made_log(6, signed=4).notes[-1]
    forged = MadeLog(signer=Signer(f"test/{WRITER}", b"f" * 32))
    for _ in range(5):
        forged.add(entry(name="forged"))
    forged.checkpoint()
    assert verify_writer(forged.evidence()).status is Status.PASS  # what docs/audit.md says of such a writer
    assert verify_writer(forged.evidence(elsewhere=[kept])).status is Status.FAIL


def test_truncation_to_an_older_checkpoint_fails_against_the_newer_one_kept_elsewhere():
    log = made_log(6, signed=6)
    kept = log.notes.pop()
    del log.parts[1].lines[2:]
    report = verify_writer(log.evidence())
    assert report.status is Status.PASS
    assert report.unknown
    report = verify_writer(log.evidence(elsewhere=[kept]))
    assert report.status is Status.FAIL
    assert "records were removed" in report.failed[0]


def test_a_checkpoint_kept_elsewhere_settles_the_open_question():
    log = made_log(6, signed=6)
    report = verify_writer(log.evidence(elsewhere=[log.notes[0], log.notes[-1]]))
    assert (report.status, report.unknown) == (Status.PASS, [])


def test_an_unfinished_record_at_the_end_is_no_tampering():
    log = made_log()
    log.parts[-1].lines.append(b'{"unfinished')
    report = verify_writer(log.evidence())
    assert report.status is Status.PASS
    assert any("unfinished" in question for question in report.unknown)


def recovered(log: MadeLog, lost: str) -> MadeLog:
    log.parts[-1].sealed = b"\0" * len(log.parts[-1].sealed)
    log.add(entry(kind="event", method=RECOVERED, rules=(lost,), payload=b""))
    log.checkpoint()
    return log


def test_payloads_that_a_power_failure_took_are_unknown():
    report = verify_writer(recovered(made_log(6, signed=0), "3-5").evidence())
    assert report.status is Status.PASS
    assert [question for question in report.unknown if "power failure" in question]


def test_payloads_of_the_unsigned_window_are_unknown_before_the_next_start_as_well():
    log = made_log(6, signed=3, rotated=-1)
    log.parts[0].sealed = log.parts[0].sealed[:-1]
    report = verify_writer(log.evidence())
    assert report.status is Status.PASS
    assert "no checkpoint covers it" in report.unknown[0]


@pytest.mark.parametrize("signed", [3, 5])
def test_a_hole_that_a_power_failure_left_is_no_tampering_unless_it_was_signed(signed):
    log = made_log(6, signed=signed, rotated=-1)
    line = log.parts[0].lines[5]
    log.parts[0].lines[5] = b"\0" * 9 + line[9:]
    report = verify_writer(log.evidence())
    assert report.status is (Status.PASS if signed == 3 else Status.FAIL)
    assert report.records == 4


def test_payloads_that_were_signed_before_cannot_be_excused():
    report = verify_writer(recovered(made_log(6, signed=6), "3-5").evidence())
    assert report.status is Status.FAIL


@pytest.mark.parametrize("lost", ["x", "1", "1-2-3", "9-1"])
def test_a_malformed_excuse_excuses_nothing(lost):
    assert verify_writer(recovered(made_log(6, signed=0), lost).evidence()).status is Status.FAIL


def test_a_long_list_of_problems_is_cut():
    log = made_log(MOST * 3, signed=MOST * 3, rotated=1)
    log.parts[1].sealed = b""
    assert len(verify_writer(log.evidence()).failed) == MOST


def change_bytes(lines: list[bytes], at: int, byte: int) -> None:
    if lines:
        line = bytearray(lines[at % len(lines)])
        line[at % len(line)] = byte
        lines[at % len(lines)] = bytes(line).replace(b"\n", b" ")


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["drop", "swap", "repeat", "byte", "cut", "payload", "nothing"]),
        st.integers(0, 500),
        st.integers(0, 255),
    ),
    max_size=3,
)


@given(st.integers(0, 6), st.integers(0, 6), CHANGES)
def test_the_verifier_fails_exactly_what_the_specification_does_not_hold(count, signed, changes):
    log = made_log(count, signed=signed, rotated=-1)
    (part,) = log.parts
    records = [line[:-1] for line in part.lines[1:]]
    for kind, at, byte in changes:
        place = at % len(records) if records else 0
        match kind:
            case "drop":
                del records[place : place + 1]
            case "swap":
                records[place : place + 2] = records[place : place + 2][::-1]
            case "repeat":
                records[place:place] = records[place : place + 1]
            case "byte":
                change_bytes(records, at, byte or 1)
            case "cut":
                del records[place:]
            case "payload":
                sealed = bytearray(part.sealed)
                sealed[at : at + 1] = bytes([byte]) if at < len(sealed) else b""
                part.sealed = bytes(sealed)
    part.lines[1:] = [record + b"\n" for record in records]
    key = PublicKey.parse(log.signer.public.vkey())
    checkpoints = [(found.size, found.root) for found in map(key.verify, log.notes)]
    report = verify_writer(log.evidence())
    assert (report.status is not Status.FAIL) == holds(WRITER, records, part.sealed, checkpoints)


def test_segments_may_be_read_lazily_and_only_once():
    log = made_log()
    lazy = (Segment(s.number, iter(s.lines), s.payload) for s in log.evidence().segments)
    assert verify_writer(log.evidence(segments=lazy)).status is Status.PASS
    assert segment(1, log.parts[0]).payload(0, 3)
