"""What is kept of honeytokens: nothing that could be used in their place."""

import pytest

from keepgate.detect.honeytokens import KINDS, HoneytokenDetector
from keepgate.model.errors import LocalError
from keepgate.stores.honeytokens import MOST, Honeytokens

KEY = b"k" * 32


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_issued_is_found_and_not_kept(tmp_path, kind):
    store = Honeytokens(tmp_path, KEY)
    assert store.issued() is None
    token, text = store.issue(kind, "in the wiki", 1000.0)
    assert text.endswith(KINDS[kind].suffix)
    kept = (tmp_path / "honeytokens.json").read_text()
    assert text not in kept
    assert text.removeprefix(KINDS[kind].prefix)[:12] not in kept
    assert (tmp_path / "honeytokens.json").stat().st_mode & 0o777 == 0o600
    detector = HoneytokenDetector()
    detector.issued = store.issued()
    (sighting,) = detector.look({"a": text})
    assert sighting.finding.rule == f"honeytoken.{token.id}"
    assert store.revoke(token.id, 2000.0).id == token.id
    assert store.issued() is None
    assert store.read()[0].revoked == 2000.0


def test_two_are_never_the_same(tmp_path):
    store = Honeytokens(tmp_path, KEY)
    assert len({store.issue("aws", "", 0.0)[1] for _ in range(20)}) == 20


@pytest.mark.parametrize("kind", ["", "AWS", "password"])
def test_an_unknown_kind_is_refused_with_those_there_are(tmp_path, kind):
    with pytest.raises(LocalError, match="aws, github"):
        Honeytokens(tmp_path, KEY).issue(kind, "", 0.0)
    assert not (tmp_path / "honeytokens.json").exists()


def test_only_what_is_in_force_can_be_revoked(tmp_path):
    store = Honeytokens(tmp_path, KEY)
    token, _ = store.issue("aws", "", 0.0)
    with pytest.raises(LocalError, match="in force"):
        store.revoke("0" * 8, 1.0)
    store.revoke(token.id, 1.0)
    with pytest.raises(LocalError, match="in force"):
        store.revoke(token.id, 2.0)


def test_there_is_an_end_to_them(tmp_path, monkeypatch):
    monkeypatch.setattr("keepgate.stores.honeytokens.MOST", 2)
    store = Honeytokens(tmp_path, KEY)
    store.issue("aws", "", 0.0)
    store.issue("aws", "", 0.0)
    with pytest.raises(LocalError, match="more than 2"):
        store.issue("aws", "", 0.0)
    assert MOST == 1000


def test_a_damaged_file_is_an_error_that_says_so(tmp_path):
    store = Honeytokens(tmp_path, KEY)
    store.issue("aws", "", 0.0)
    (tmp_path / "honeytokens.json").write_text("{")
    with pytest.raises(LocalError, match="damaged"):
        store.issued()
