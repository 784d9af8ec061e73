"""The keys of the vault: wrapped, changed, never beside what they open in clear."""

import pytest

from keepgate.model.errors import LocalError
from keepgate.stores.vault import Grants, LocalWrap, SecretStore
from tests.stores.vault.made import keys


def filled(directory, *given, **more):
    made = keys(directory, *given, **more)
    SecretStore(made).put({"a": "s3cr3t"})
    Grants(made).put("oauth:op/alice/c", "crm", {"access_token": "t0ken"})
    return made


def held(made):
    return SecretStore(made).get("a"), Grants(made).get("oauth:op/alice/c", "crm")


EVERYTHING = ("s3cr3t", {"access_token": "t0ken"})


def files(directory):
    return {path: path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def test_no_file_says_anything_and_all_are_the_owners_alone(tmp_path):
    filled(tmp_path)
    for path, data in files(tmp_path).items():
        assert not any(word in data for word in (b"s3cr3t", b"t0ken", b"alice", b"crm")), path
        assert not any(word in path.name for word in ("alice", "crm"))
        assert path.stat().st_mode & 0o077 == 0
    assert held(keys(tmp_path)) == EVERYTHING


def test_rotation_reseals_all_and_forgets_the_old_key(tmp_path):
    made = filled(tmp_path)
    before = files(tmp_path)
    secrets, grants = SecretStore(made), Grants(made)
    made.rotate(lambda: (secrets.reseal(), grants.reseal()))
    after = files(tmp_path)
    assert after.keys() == before.keys()
    assert all(after[path] != before[path] for path in after if path.suffix in (".sealed", ".key"))
    assert held(keys(tmp_path)) == held(made) == EVERYTHING
    (tmp_path / "secrets.sealed").write_bytes(before[tmp_path / "secrets.sealed"])
    with pytest.raises(LocalError, match="does not open"):
        SecretStore(keys(tmp_path)).get("a")


def test_a_rotation_that_was_broken_off_loses_nothing_and_can_be_repeated(tmp_path):
    made = filled(tmp_path)

    def broken():
        SecretStore(made).reseal()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.rotate(broken)
    again = keys(tmp_path)
    assert held(again) == EVERYTHING
    again.rotate(lambda: (SecretStore(again).reseal(), Grants(again).reseal()))
    assert held(keys(tmp_path)) == EVERYTHING
    assert keys(tmp_path).path.read_text().count('"wrapped"') == 1


def test_a_running_process_follows_a_rotation_by_another(tmp_path):
    running = filled(tmp_path)
    other = keys(tmp_path)
    other.rotate(lambda: (SecretStore(other).reseal(), Grants(other).reseal()))
    assert held(running) == EVERYTHING
    SecretStore(running).put({"b": "more"})
    assert SecretStore(keys(tmp_path)).names() == ("a", "b")


def test_the_wrapping_key_is_changed_by_naming_the_previous_one_and_rotating(tmp_path):
    filled(tmp_path, 1)
    with pytest.raises(LocalError, match="wrapped by another key"):
        held(keys(tmp_path, 2))
    both = keys(tmp_path, 2, 1)
    assert held(both) == EVERYTHING
    both.rotate(lambda: (SecretStore(both).reseal(), Grants(both).reseal()))
    assert held(keys(tmp_path, 2)) == EVERYTHING
    with pytest.raises(LocalError, match="wrapped by another key"):
        held(keys(tmp_path, 1))


def test_any_change_of_the_key_file_is_noticed(tmp_path):
    made = filled(tmp_path)
    data = made.path.read_bytes()
    start = data.index(b'"wrapped"')
    for index in range(start + 12, start + 40):
        changed = b"A" if data[index : index + 1] != b"A" else b"B"
        made.path.write_bytes(data[:index] + changed + data[index + 1 :])
        with pytest.raises(LocalError):
            held(keys(tmp_path))
    for wrong in (b"", b"{}", b'{"version":1,"current":9,"keys":{}}', data[:-5]):
        made.path.write_bytes(wrong)
        with pytest.raises(LocalError, match="damaged"):
            held(keys(tmp_path))


def test_a_wrap_says_which_key_it_is_and_not_the_key():
    wrap = LocalWrap(bytes(range(32)))
    assert wrap.id == LocalWrap(bytes(range(32))).id != LocalWrap(bytes(32)).id
    assert wrap.unwrap(wrap.wrap(b"x" * 64)) == b"x" * 64
    with pytest.raises(LocalError):
        wrap.unwrap(LocalWrap(bytes(32)).wrap(b"x" * 64))
