"""What is quarantined, kept whole; damage stops everything."""

import pytest

from keepgate.compose.quarantine import held_of
from keepgate.model.errors import LocalError
from keepgate.model.quarantine import Hold
from keepgate.stores.quarantine import QuarantineFile


@pytest.fixture
def file(tmp_path):
    return QuarantineFile(tmp_path / "state")


def hold(target, reason=""):
    return Hold(target, "local:me", 1.0, reason)


def test_added_and_removed(file):
    assert file.read().holds == ()
    assert file.version() is None
    assert file.add(hold("server:files", "drift"))
    before = file.version()
    assert not file.add(hold("server:files"))
    assert file.add(hold("tool:crm/export"))
    assert file.version() != before
    held = file.read()
    assert held.server("files")
    assert held.tool("files", "anything")
    assert held.tool("crm", "export")
    assert not held.server("crm")
    assert not held.principal("key:a")
    assert file.remove("server:files")
    assert not file.remove("server:files")
    assert [one.target for one in file.read().holds] == ["tool:crm/export"]


@pytest.mark.parametrize(
    "target",
    ["", "server:", "files", "tool:crm", "tool:/x", "tool:crm/", "all:x", "everything", "principal:"],
)
def test_what_names_nothing_is_refused(file, target):
    with pytest.raises(LocalError, match="names nothing"):
        file.add(hold(target))


@pytest.mark.parametrize("text", [b"", b"{", b'{"version":2,"holds":[]}', b'{"version":1}', b"\xff"])
def test_damage_stops_everything(file, text):
    file.add(hold("server:files"))
    file._path.write_bytes(text)
    assert held_of(file).everything
    with pytest.raises(LocalError, match="restore it"):
        file.add(hold("server:crm"))
