"""Free text from a server: escaped, cut, slowed down, its end kept."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from keepgate.transports.stderr_tail import StderrTail, printable


def tail(now=lambda: 0.0):
    lines = []
    return StderrTail(lines.append, now), lines


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_cut_gives_the_same_printable_lines(data, cuts):
    whole, parts = tail(), tail()
    whole[0].feed(data)
    edges = [0, *sorted(cuts), len(data)]
    for a, b in pairwise(edges):
        parts[0].feed(data[a:b])
    assert parts[1] == whole[1]
    assert parts[0].tail() == whole[0].tail()
    assert all(line.isprintable() for line in whole[1])


def test_control_format_and_invalid_characters_are_shown_not_sent():
    assert printable(b"\x1b[31m\xe2\x80\xae\xff ok") == "\\x1b[31m\\u202e\\xff ok"
    assert printable(b"x" * 10, 4) == "xxxx…"


def test_no_more_than_fifty_lines_a_second_and_the_rest_is_counted():
    clock = [0.0]
    kept, lines = tail(lambda: clock[0])
    kept.feed(b"line\n" * 80)
    assert len(lines) == 50
    clock[0] = 1.0
    kept.feed(b"next\n")
    assert lines[50:] == ["(30 more lines)", "next"]


def test_the_last_bytes_are_kept_and_an_endless_line_is_cut():
    kept, lines = tail()
    for _ in range(100):
        kept.feed(b"x" * 10_000)
    kept.feed(b"end\nlast")
    assert len(lines) == 1
    assert len(lines[0]) <= 2001
    assert kept.tail(8) == "end\\nlast"
    assert len(kept._kept) <= 64 << 10
