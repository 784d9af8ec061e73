"""What some server may take for one name is one name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.folding import folded


@pytest.mark.parametrize(
    "text",
    [
        "delete",
        "Delete",
        "DELETE",
        "delete ",
        " delete",
        "de\u200blete",
        "\uff44elete",
        "delete\n",
        "delete\u00a0",
    ],
)
def test_other_spellings_are_the_same(text):
    assert folded(text) == "delete"


@pytest.mark.parametrize(
    "text", ["delete_", "del-ete", "undelete", "d\u0435lete"]
)  # the last one is Cyrillic
def test_other_names_are_not(text):
    assert folded(text) != "delete"


@given(st.text(alphabet="abcXYZ019", max_size=20))
def test_the_short_way_is_the_long_way(text):
    assert folded(text) == folded(text + " ")
