"""Segment headers read back what was written, and nothing else."""

import orjson
import pytest

from keepgate.audit.checkpoint import EvidenceError
from keepgate.audit.segment import Header, torn

HEADER = Header("00112233445566ff", 2, 3, "ab" * 32, (b"x" * 32, b"y" * 32))


def test_a_header_survives_the_way_through_its_line():
    assert Header.parse(HEADER.line()) == HEADER
    assert HEADER.tree().size == 3


def changed(**fields) -> bytes:
    return orjson.dumps(orjson.loads(HEADER.line()) | fields, option=orjson.OPT_SORT_KEYS) + b"\n"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"[]\n",
        b"null\n",
        HEADER.line()[:-1],
        b" " + HEADER.line(),
        changed(format="keepgate-audit/1"),
        changed(more=1),
        changed(seq=4),
        changed(seq="3"),
        changed(peaks=["zz"]),
        changed(peaks=None),
    ],
)
def test_another_line_is_refused(line):
    with pytest.raises(EvidenceError):
        Header.parse(line)


@pytest.mark.parametrize(
    ("line", "is_torn"), [(b"{}\n", False), (b"{}", True), (b"", True), (b'{"\0}\n', True)]
)
def test_a_line_without_its_end_or_with_a_hole_is_torn(line, is_torn):
    assert torn(line) is is_torn
