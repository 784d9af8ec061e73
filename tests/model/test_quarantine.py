"""Targets of the kill switch."""

import pytest

from keepgate.model.errors import LocalError
from keepgate.model.quarantine import Held, Hold, checked


@pytest.mark.parametrize("target", ["server:a", "tool:a/b/c", "principal:user:x", "all"])
def test_targets_are_kept_as_they_are(target):
    assert checked(target) == target
    held = Held((Hold(target, "x", 0.0),))
    assert held.everything == (target == "all")


def test_a_name_of_any_length_is_refused():
    with pytest.raises(LocalError):
        checked("server:" + "x" * 600)


def test_everything_covers_all():
    held = Held((Hold("all", "x", 0.0),))
    assert held.server("a")
    assert held.tool("a", "b")
    assert held.principal("key:a")


@pytest.mark.parametrize(
    "name",
    [
        "delete",
        "Delete",
        "DELETE",
        "delete ",
        " delete",
        "de\u200blete",
        "\uff44elete",
        "delete\n",
        "\u1e9e/x",
    ],
)
def test_no_other_spelling_of_a_tool_gets_around_its_quarantine(name):
    held = Held((Hold("tool:files/delete", "x", 0.0), Hold("tool:files/ss/X", "x", 0.0)))
    assert held.tool("files", name)
    assert not held.tool("files", "undelete")
    assert not held.tool("mail", name)
