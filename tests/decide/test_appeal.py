"""No text of an outsider can pass for keepgate's words, hide, or turn what is read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.decide.appeal import MOST, arguments, head, plain, question
from keepgate.model.approval import Pending, State, Wanted

WANTED = Wanted(
    "key:alice", "claude/1", "call_tool", "bank", "pay", {"arguments": {"to": "bob"}}, "", "a role asks", (), "t",
    out_of_band=False, risk=("it can remove or overwrite",),
)  # fmt: skip


def pending(**change: object) -> Pending:
    return Pending("3f9c21ab07", State.PENDING, replace(WANTED, **change), 0.0, 900.0)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 5 €", "plain text, 5 €"),
        ("Zürich, Gdańsk, Hà Nội", "Zürich, Gdańsk, Hà Nội"),
        ("Цюрих", "Цюрих"),
        ("東京", "東京"),
        ("a\nb", "a\\nb"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("a\u2028b", "a\\u2028b"),
        ("\U000e0041", "\\U000e0041"),
        ("a\ufe0fb", "a\\ufe0fb"),
        ("p\u0430ypal.com", "p\\u0430ypal.com"),
        ("\u0441\u043e\u0441\u043e", "\\u0441\\u043e\\u0441\\u043e"),
        ("\uff54\uff4f", "\\uff54\\uff4f"),
        ("e\u0301", "e\\u0301"),
    ],
)
def test_what_is_not_what_it_looks_like_is_written_out(text, shown):
    assert plain(text, 100) == shown


def test_a_long_text_is_cut_visibly():
    assert plain("x" * 10, 4) == "xxxx…"


@given(st.text())
def test_whatever_comes_is_one_line_of_visible_characters(text):
    shown = plain(text, 10_000)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=5), st.text(max_size=100))
def test_keepgates_own_lines_are_the_only_ones_at_the_margin(given_arguments, name):
    one = pending(params={"arguments": given_arguments}, name=name, client=name, reason=name)
    own = ("approval:", "asked by:", "to:", "because:", "risk:", "rules:", "decision:")
    for line in head(one, 0.0):
        assert line.startswith(own)
        assert line.isprintable()
    first, *rest = arguments(one.wanted)
    assert first.startswith("arguments, ")
    assert all(line.startswith("    | ") and line.isprintable() for line in rest)


def test_a_question_says_who_wants_what_and_what_speaks_against_it():
    text = question(pending(), 100.0)
    for said in ("call_tool bank/pay", "key:alice", "claude/1", '"to": "bob"', "it can remove", "800 s left"):
        assert said in text
    assert text.splitlines()[0].startswith("keepgate asks you")


@pytest.mark.parametrize(
    "change",
    [
        {"params": {"arguments": {"text": "x" * MOST}}},
        {"name": "x" * 200},
        {"client": "x" * 200},
        {"reason": "x" * 200},
    ],
)
def test_what_would_be_cut_is_not_asked_at_all(change):
    assert question(pending(**change), 0.0) == ""
