"""What cannot be meant in `content`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple

from keepgate.config.check_identity import Remark
from keepgate.config.sections.inspection import Families, ServerContent, ToolContent
from keepgate.config.settings import Document
from keepgate.config.tree import Path
from keepgate.policy.pattern import Glob

_HELD = "a result cannot wait for a person: use `deny`, or `ask` in `arguments`"


def problems(document: Document) -> Iterator[Remark]:
    """Reasons to refuse the configuration."""
    content = document.content
    yield from _results(("content", "results"), content.results)
    for name, own in content.servers.items():
        where: Path = ("content", "servers", name)
        if name not in document.servers:
            yield where, f"there is no server `{name}`: it must stand in `servers`"
        yield from _results((*where, "results"), own.results)
        yield from _tools(where, own)


def _tools(where: Path, own: ServerContent) -> Iterator[Remark]:
    for pattern, tool in own.tools.items():
        place = (*where, "tools", pattern)
        try:
            Glob.parse(pattern)
        except ValueError as error:
            yield place, str(error)
        yield from _results((*place, "results"), tool.results)
        if tool == ToolContent():
            yield place, "it says nothing: name `arguments`, `results` or `wrap`"


def _results(where: Path, results: Families) -> Iterator[Remark]:
    if "ask" in astuple(results):
        yield where, _HELD
