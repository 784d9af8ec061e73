"""Invisible text is decoded; what emoji and scripts need is left alone."""

import pytest

from keepgate.detect.unhide import pieces, runs, without_ansi

FLAG = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


def tags(text):
    return "".join(chr(0xE0000 + ord(sign)) for sign in text)


def test_tags_are_read():
    assert [piece.text for piece in pieces(f"hi{tags('ignore this')}!")] == ["ignore this"]


@pytest.mark.parametrize("text", [FLAG, "👨‍👩‍👧‍👦 family", "क्‍ष", "نمی‌خواهم", "❤️ and ☎️", "a\u00adb"])
def test_ordinary_invisible_characters_say_nothing(text):
    assert list(pieces(text)) == []


def test_runs_are_bounded():
    assert len(list(runs(("\u200b" * 8 + "a") * 1000))) == 64


def test_turned_text_is_read_as_it_shows():
    assert [piece.text for piece in pieces("file\u202egnp.exe\u202c")] == ["exe.png"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;https://x.example\x07link\x1b]8;;\x07", "link"),
        ("a\x9b2Kb", "ab"),
        ("\x1b[2J\x1b[Hüber", "über"),
    ],
)
def test_terminal_escapes_go(text, left):
    piece = without_ansi(text)
    assert piece.text == left
