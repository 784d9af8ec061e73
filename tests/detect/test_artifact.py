"""What is read as an artifact; what is not is told what to change (the table is in tests/cli/test_check.py)."""

import pytest

from keepgate.detect.artifact import ArtifactKind, artifact_of
from keepgate.model.errors import RemoteError


def test_everything_that_may_be_said():
    artifact = artifact_of(
        {"id": 7, "kind": "tool", "tool": {"name": "t"}, "server": "s", "session": {"o": ["a", "b"]}}
    )
    assert (artifact.kind, artifact.member, artifact.content) == (ArtifactKind.TOOL, "tool", {"name": "t"})
    assert (artifact.id, artifact.server, artifact.session) == (7, "s", {"o": ("a", "b")})


def test_a_definition_may_be_given_as_text():
    artifact = artifact_of({"kind": "tool", "text": "a description", "tool": None, "session": None})
    assert (artifact.member, artifact.content, artifact.session) == ("text", "a description", {})


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"kind": "text"}, {"kind": None, "text": "x"}])
def test_what_is_none_is_refused(value):
    with pytest.raises(RemoteError):
        artifact_of(value)
