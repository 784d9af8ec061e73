"""One form for all ways of writing something."""

import pytest

from keepgate.detect.provenance.signs import bare, leaves, signs, words


@pytest.mark.parametrize(
    "text",
    ["PL61 1090-1014", "pl61.1090.1014", "ＰＬ６１ 1090 1014", "PL\u200b61 10901014", "РL61 1090 1014"],
)
def test_the_same_for_all(text):
    assert bare(text) == "pl6110901014"


def test_words_and_where_they_begin():
    assert words("a-b c_d, Éf") == ["a", "b", "c", "d", "ef"]
    told = signs("ab c-def")
    assert (told.text, told.edges) == ("abcdef", {0, 2, 3, 6})


def test_leaves_come_in_order_with_their_names_and_inner_names_last():
    found, whole = leaves({"a": ["x", 7, None, True], "b": {"c": "y", "d": {"e": 1.5}}}, most=100)
    assert whole
    assert found == [
        ("a", "x"),
        ("a", "7"),
        ("a", ""),
        ("a", ""),
        ("c", "y"),
        ("e", "1.5"),
        ("", "c"),
        ("", "d"),
        ("", "e"),
    ]


def test_there_is_an_end_to_it():
    found, whole = leaves(["x" * 60, "y" * 60, "z" * 60], most=100)
    assert not whole
    assert sum(len(text) for _, text in found) <= 100
    deep = []
    for _ in range(5000):
        deep = [deep]
    assert leaves(deep, most=10) == ([], True)
