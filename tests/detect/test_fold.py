"""Folding makes alike what reads alike, and the way back leads to the character it came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.detect.fold import INVISIBLE, fold, has_lookalikes, skeleton, unfolded


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ignore", "ignore"),
        ("ＩＧＮＯＲＥ", "ignore"),
        ("ig\u200bno\u00adre\ufe0f", "ignore"),
        ("Prévïöus", "previous"),
        ("Straße", "strasse"),
        ("𝓘𝓰𝓷𝓸𝓻𝓮", "ignore"),
        ("ﬁle", "file"),
        ("МОСКВА", "москва"),
        ("東京", "東京"),
        ("한국어", "한국어"),
        ("تَجَاهَل", "تجاهل"),
    ],
)
def test_folding(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize("text", ["Іgnоrе", "ɪɢɴᴏʀᴇ", "🅸🅶🅽🅾🆁🅴", "ιgnοre"])
def test_lookalikes(text):
    assert has_lookalikes(fold(text))
    assert skeleton(fold(text)) == "ignore"


@pytest.mark.parametrize("text", ["Größe", "東京 タワー", "Привет, мир", "ignore"])
def test_other_scripts_are_no_disguise(text):
    assert not has_lookalikes(fold(text))


@given(st.text())
def test_folded_text_has_nothing_invisible_and_the_way_back_stays_inside(text):
    folded = fold(text)
    assert not any(ord(sign) in INVISIBLE for sign in folded)
    for at in range(len(folded)):
        start, end = unfolded(text, at, at + 1)
        assert 0 <= start < end <= len(text)


@given(st.text(alphabet="aAÄßﬁ\u200b東ö́"))
def test_the_way_back_leads_to_what_made_it(text):
    folded = fold(text)
    for at in range(len(folded)):
        start, end = unfolded(text, at, at + 1)
        assert folded[at] in fold(text[start:end])
