"""Grants: each opens only as that of its principal and server."""

import pytest

from keepgate.model.errors import LocalError
from keepgate.stores.vault import Grants
from keepgate.stores.vault import grants as module
from tests.stores.vault.made import keys


@pytest.fixture
def grants(tmp_path):
    return Grants(keys(tmp_path))


def test_each_principal_has_its_own(grants):
    assert grants.get("key:a", "crm") is None
    grants.put("key:a", "crm", {"t": 1})
    grants.put("key:b", "crm", {"t": 2})
    grants.put("key:a", "erp", {"t": 3})
    assert grants.get("key:a", "crm") == {"t": 1}
    assert grants.names() == [("key:a", "crm"), ("key:a", "erp"), ("key:b", "crm")]
    assert grants.remove("key:a", "crm")
    assert not grants.remove("key:a", "crm")
    assert grants.get("key:a", "crm") is None
    assert grants.get("key:b", "crm") == {"t": 2}


def test_names_that_run_together_are_still_two(grants):
    grants.put("a", "b/c", {"t": 1})
    assert grants.get("a/b", "c") is None
    assert grants.get('a","b', "c") is None


def test_an_entry_moved_to_another_principal_does_not_open(grants):
    """Who can write files but has no key cannot give one user's tokens to another."""
    grants.put("key:a", "crm", {"t": 1})
    (mine,) = grants.directory.glob("*.sealed")
    grants.put("key:b", "crm", {"t": 2})
    (other,) = (path for path in grants.directory.glob("*.sealed") if path != mine)
    other.write_bytes(mine.read_bytes())
    with pytest.raises(LocalError, match="does not open"):
        grants.get("key:b", "crm")


def test_sizes_and_numbers_are_bounded(grants, monkeypatch):
    with pytest.raises(LocalError, match="larger"):
        grants.put("a", "b", {"t": "x" * (64 << 10)})
    monkeypatch.setattr(module, "MAX_ENTRIES", 1)
    grants.put("a", "b", {"t": 1})
    grants.put("a", "b", {"t": 2})
    with pytest.raises(LocalError, match="more than"):
        grants.put("a", "c", {"t": 1})


def test_before_anything_was_put_nothing_is_made(grants):
    assert (grants.get("a", "b"), grants.remove("a", "b"), grants.names()) == (None, False, [])
    assert not list(grants.directory.parent.iterdir())
