"""What goes through keepgate arrives as it was sent, unknown fields included, but for what is written down here."""

import os
from pathlib import Path

import pytest

from tests.e2e.survey import PAIRINGS, survey_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
BEGIN, END = "<!-- fidelity: written by tests/e2e/test_fidelity.py -->", "<!-- end of fidelity -->"

EXPLAINED = {}


@pytest.mark.parametrize("pairing", PAIRINGS, ids=str)
def test_show(everything, pairing):
    found = survey_of(everything, pairing)
    bad = {thing: found.changes(thing) for thing in found.seen if found.changes(thing)}
    print()
    for thing, changes in bad.items():
        print(f"{thing}:")
        for each in changes:
            print("   ", each)
