"""What is proposed is what was used, and nothing that no server should have."""

from __future__ import annotations

from pathlib import Path

import pytest

from keepgate.model.errors import LocalError
from keepgate.transports.sandbox import observing
from keepgate.transports.sandbox.learned import Fact, narrowest


@pytest.fixture
def home(tmp_path):
    for each in (".ssh", "notes/deep", "code", "state", "log"):
        (tmp_path / each).mkdir(parents=True)
    for each in (
        ".ssh/id_rsa",
        "notes/a",
        "notes/b",
        "notes/deep/c",
        "code/server.py",
        "state/key",
        "log/one",
    ):
        (tmp_path / each).write_text("x")
    return tmp_path


def learn(home, *facts):
    given = [
        Fact(use, what if what.startswith("/") or ":" in what else str(home / what)) for use, what in facts
    ]
    return narrowest(given, home=home, code=[home / "code"], hidden=[home / "state"])


def below(home, *names):
    return tuple(str(home / name) for name in names)


@pytest.mark.parametrize(
    ("facts", "read", "write"),
    [
        ([("read", "notes/a")], ["notes/a"], []),
        ([("read", "notes/a"), ("read", "notes/b")], ["notes/a", "notes/b"], []),
        ([("list", "notes"), ("read", "notes/a")], ["notes"], []),
        ([("list", "notes/deep"), ("read", "notes/a")], ["notes/a", "notes/deep"], []),
        ([("write", "notes/a"), ("read", "notes/a")], [], ["notes/a"]),
        ([("make", "log"), ("read", "log/one"), ("list", "log")], [], ["log"]),
        ([("read", "code/server.py"), ("list", "code")], [], []),
        ([("write", "code/server.py")], [], ["code/server.py"]),
        ([("read", "notes/gone")], [], []),
        (
            [("read", "/usr/lib/x"), ("read", "/etc/passwd"), ("list", "/proc/self/fd"), ("make", "/tmp")],
            [],
            [],
        ),
    ],
)
def test_no_more_than_what_was_used(home, facts, read, write):
    found = learn(home, *facts)
    assert (found.read, found.write) == (below(home, *read), below(home, *write))
    assert not found.remarks


@pytest.mark.parametrize(
    ("use", "what", "said"),
    [
        ("read", ".ssh/id_rsa", "credentials"),
        ("list", ".ssh", "credentials"),
        ("read", "state/key", "keepgate's own"),
        ("write", "state/key", "keepgate's own"),
        ("list", ".", "holds far more"),
        ("make", ".", "holds far more"),
        ("list", "/etc", "holds far more"),
    ],
)
def test_what_no_server_should_have_is_said_and_left_out(home, use, what, said):
    found = learn(home, (use, what))
    assert (found.read, found.write) == ((), ())
    assert said in found.remarks[0]


def test_a_link_to_credentials_is_one(home):
    (home / "notes" / "link").symlink_to(home / ".ssh" / "id_rsa")
    found = learn(home, ("read", "notes/link"))
    assert not found.read
    assert "credentials" in found.remarks[0]


def test_hosts_and_programs(home):
    found = learn(
        home,
        ("host", "api.example.com:443"),
        ("host", "api.example.com:443"),
        ("reach", "127.0.0.1:40001"),
        ("reach", "10.0.0.2:53"),
        ("reach", "[2001:db8::1]:5432"),
        ("run", "/usr/bin/git"),
    )
    assert found.network == ("api.example.com:443",)
    assert found.runs == ("/usr/bin/git",)
    (said,) = found.remarks
    assert "[2001:db8::1]:5432" in said
    assert "40001" not in said


def test_facts_are_kept_each_once_and_forgotten(tmp_path):
    with pytest.raises(LocalError, match="never observed"):
        list(observing.facts_of(tmp_path, "files"))
    path = observing.file_of(tmp_path, "files")
    path.parent.mkdir()
    path.write_text('{"use": "read", "what": "/a"}\n{"use": "read", "what": "/a"}\n[]\n{"use"\n{"use": 1}\n')
    assert list(observing.facts_of(tmp_path, "files")) == [Fact("read", "/a")]
    observing.forget(tmp_path, "files")
    observing.forget(tmp_path, "files")
    assert not path.exists()


def test_what_is_noted_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(observing, "MOST", 10)
    import os

    for _ in range(3):
        fd = observing.open_log(tmp_path, "files")
        os.write(fd, b"x" * 8)
        os.close(fd)
    assert observing.file_of(tmp_path, "files").stat().st_size == 16
    assert Path(tmp_path / "observed").stat().st_mode & 0o777 == 0o700
