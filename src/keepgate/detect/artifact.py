"""An artifact: one inspectable thing outside of any message, as `keepgate check` and the scanner meet it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from keepgate.model.errors import RemoteError
from keepgate.model.message import Json


class ArtifactKind(StrEnum):
    """What an artifact is."""

    TOOL = "tool"
    TOOL_OUTPUT = "tool_output"
    PROMPT = "prompt"
    RESOURCE = "resource"
    CODE = "code"
    TEXT = "text"


_KINDS = ", ".join(f"`{kind}`" for kind in ArtifactKind)
_MEMBERS = frozenset(("id", "kind", "text", "tool", "server", "session"))


@dataclass(frozen=True, slots=True)
class Artifact:
    """What is looked at, and whose it is.

    `member` is the member that holds the content, `content` the text, or the definition of a tool. `session` are the
    names of the tools that the client sees of each server; `server` is the one this comes from.
    """

    kind: ArtifactKind
    content: Json
    member: str = "text"
    id: str | int | float | None = None
    server: str = ""
    session: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def artifact_of(value: Json) -> Artifact:
    """The artifact that a decoded line describes. Raises RemoteError with what to change."""
    if not isinstance(value, dict):
        raise _wrong("it must be a JSON object")
    identity = value.get("id")
    if isinstance(identity, bool | list | dict):
        raise _wrong("`id` must be a string or a number")
    if unknown := sorted(str(name)[:40] for name in value if name not in _MEMBERS):
        raise _wrong(f"there is no member `{unknown[0]}`: {', '.join(sorted(_MEMBERS))} are known")
    try:
        kind = ArtifactKind(value["kind"])
    except (KeyError, ValueError, TypeError):
        raise _wrong(f"`kind` must be one of {_KINDS}") from None
    member, content = _content(value, kind)
    server = value.get("server") or ""
    if not isinstance(server, str):
        raise _wrong("`server` must be a string")
    return Artifact(kind, content, member, identity, server, _session(value.get("session")))


def _content(value: dict[str, Any], kind: ArtifactKind) -> tuple[str, Json]:
    text, tool = value.get("text"), value.get("tool")
    if (text is None) == (tool is None):
        raise _wrong("it needs `text` or `tool`, and not both")
    if text is not None:
        if not isinstance(text, str):
            raise _wrong("`text` must be a string")
        return "text", text
    if kind is not ArtifactKind.TOOL:
        raise _wrong(f"`tool` goes with the kind `tool`, this is `{kind}`: give `text`")
    if not isinstance(tool, dict):
        raise _wrong("`tool` must be an object with the definition: name, description, inputSchema")
    return "tool", tool


def _session(value: Json) -> Mapping[str, tuple[str, ...]]:
    if value is None:
        return {}
    fine = isinstance(value, dict) and all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in value.values()
    )
    if not fine:
        raise _wrong("`session` must map ids of servers to lists of names of tools")
    return {server: tuple(names) for server, names in value.items()}


def _wrong(text: str) -> RemoteError:
    return RemoteError("artifact", text)
