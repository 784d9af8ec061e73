"""The lock on disk: believed only as it was signed, by a key that counts."""

import json
import os

import pytest

from keepgate.lock.document import Lock, LockError
from keepgate.model.errors import KeepgateError
from keepgate.stores.lockfile import Approver, read, verify, write
from tests.lock.made import locked

KEK = os.urandom(32)


@pytest.fixture
def approver(tmp_path):
    return Approver.of(tmp_path / "state", KEK)


@pytest.fixture
def path(tmp_path, approver):
    file = tmp_path / "keepgate.lock"
    write(file, approver.sign(Lock({"files": locked()})))
    return file


def edit(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_what_is_written_is_read_and_its_signature_counts(path, approver):
    lock = read(path)
    verify(lock, {approver.public})
    assert lock.servers.keys() == {"files"}
    assert path.read_text().endswith("}\n")


def test_the_key_stays_and_opens_with_no_other(tmp_path, approver):
    assert Approver.of(tmp_path / "state", KEK).public == approver.public
    assert (tmp_path / "state" / "approver.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(KeepgateError):
        Approver.of(tmp_path / "state", os.urandom(32))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda v: v["servers"]["files"]["launch"].update(command=["sh", "-c", "x"]),
            "changed after it was signed",
        ),
        (lambda v: v["servers"]["files"]["tools"].clear(), "changed after it was signed"),
        (lambda v: v["servers"]["files"].pop("approved"), "changed after it was signed"),
        (lambda v: v.pop("signature"), "signed by nobody"),
        (lambda v: v["signature"].update(value="AAAA"), "changed after it was signed"),
        (lambda v: v["signature"].update(value="no base64!"), "changed after it was signed"),
        (lambda v: v["signature"].update(key="A" * 43 + "="), "not trusted here"),
    ],
)
def test_an_edited_lock_does_not_count(path, approver, change, said):
    edit(path, change)
    with pytest.raises(LockError, match=said):
        verify(read(path), {approver.public})


def test_a_trusted_word_that_is_no_key_does_not_count(path):
    edit(path, lambda v: v["signature"].update(key="short"))
    with pytest.raises(LockError):
        verify(read(path), {"short"})


def test_whitespace_and_order_may_change(path, approver):
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items())), indent=8))
    verify(read(path), {approver.public})


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'{"version":1,"version":1,"servers":{}}', b"\xff", b"[]", b'{"version":9,"servers":{}}'],
)
def test_other_files_are_refused_and_named(path, text):
    path.write_bytes(text)
    with pytest.raises(LockError, match=str(path)):
        read(path)


def test_no_file_is_no_lock(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")
