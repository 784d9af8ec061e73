"""Definitions that are kept to be shown, and what was seen first."""

import json

import pytest

from keepgate.lock.fingerprint import digest, fingerprint
from keepgate.model.errors import LocalError
from keepgate.stores import definitions
from keepgate.stores.definitions import Definitions, FirstUse
from tests.lock.made import READ


def test_what_is_kept_comes_back(tmp_path):
    kept = Definitions(tmp_path / "state")
    assert kept.get(fingerprint(READ)) is None
    kept.keep(fingerprint(READ), READ)
    assert Definitions(tmp_path / "state").get(fingerprint(READ)) == READ


def test_a_server_cannot_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(definitions, "MOST", 3)
    kept = Definitions(tmp_path)
    for number in range(9):
        kept.keep(fingerprint({"n": number}), {"n": number})
    kept.keep(fingerprint({"n": "x" * 2_000_000}), {"n": "x" * 2_000_000})
    assert len(list((tmp_path / "definitions").iterdir())) == 3


@pytest.mark.parametrize("name", ["sha256:../../etc/passwd", "sha256:", "/etc/passwd", "sha256:ß"])
def test_a_fingerprint_from_a_file_names_no_other_place(tmp_path, name):
    kept = Definitions(tmp_path)
    kept.keep(name, {"a": 1})
    assert all(path.parent == tmp_path / "definitions" for path in tmp_path.rglob("*.json"))


def test_a_text_that_was_changed_is_not_shown_as_the_approved_one(tmp_path):
    kept = Definitions(tmp_path)
    kept.keep(fingerprint(READ), READ)
    next((tmp_path / "definitions").iterdir()).write_text(json.dumps({**READ, "description": "read a FILE"}))
    assert kept.get(fingerprint(READ)) is None


def test_texts_are_kept_as_well(tmp_path):
    kept = Definitions(tmp_path)
    kept.keep(digest("Be kind."), "Be kind.")
    assert kept.get(digest("Be kind.")) == "Be kind."


def test_damage_is_nothing_to_show(tmp_path):
    kept = Definitions(tmp_path)
    kept.keep(fingerprint(READ), READ)
    next((tmp_path / "definitions").iterdir()).write_bytes(b"\xff")
    assert kept.get(fingerprint(READ)) is None


def test_what_is_seen_first_is_remembered(tmp_path):
    first = FirstUse(tmp_path / "state")
    assert first.pins("files", "tools") is None
    first.trust("files", "tools", {"t": "sha256:1"})
    first.trust("files", "prompts", {})
    again = FirstUse(tmp_path / "state")
    assert again.pins("files", "tools") == {"t": "sha256:1"}
    assert again.pins("files", "prompts") == {}
    assert again.pins("crm", "tools") is None


@pytest.mark.parametrize("text", ["{", "[]", '{"files": 1}', '{"files": {"tools": ["t"]}}'])
def test_a_damaged_memory_trusts_nobody_anew(tmp_path, text):
    (tmp_path / "first_use.json").write_text(text)
    with pytest.raises(LocalError, match="first_use"):
        FirstUse(tmp_path).pins("files", "tools")


def test_what_cannot_be_remembered_is_not_trusted(tmp_path):
    (tmp_path / "state").write_text(json.dumps("a file"))
    first = FirstUse(tmp_path / "other")
    first._path = tmp_path / "state" / "first_use.json"
    with pytest.raises(LocalError):
        first.trust("files", "tools", {})
    assert first.pins("files", "tools") is None
