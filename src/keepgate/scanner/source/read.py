"""A file to a unit, by its language."""

from __future__ import annotations

from keepgate.scanner.source import python, trees
from keepgate.scanner.source.code import MAX_FILE, Unit

INSTALL = "its grammar is not installed: pip install 'keepgate[scan]'"


def read(text: str, file: str, language: str) -> tuple[Unit | None, str]:
    """The unit, or why there is none."""
    if len(text) > MAX_FILE:
        return None, f"longer than {MAX_FILE} characters"
    if language == "python":
        unit = python.read(text, file)
        return unit, "" if unit is not None else "it is no Python that this interpreter reads"
    unit = trees.read(text, file, language)
    return unit, "" if unit is not None else INSTALL
