"""Toxic flows: a text of strangers that reaches the model, private data beside it, and a way out.

Each tool is told by its name, description and parameters to be a source of strangers' texts, a reader of private data, a
sink, or none. Where one client has all three, an order in the text can carry the data out. The finding names the shortest
such path and the policy that cuts it; without a policy every rich set of tools has one, so it is a hint and no alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import Location, ScanFinding
from keepgate.scanner.rule import Rule
from keepgate.scanner.tools.listing import Item, Listing, ToolSet

TOXIC: Final = Rule(
    "flow.toxic",
    "strangers' texts, private data and a way out meet in one client",
    Severity.LOW,
    Confidence.POSSIBLE,
    ("OWASP-MCP06", "SAFE-T1701", "CWE-668"),
    "let the ways out wait for a person",
)
RULES: Final = (TOXIC,)

_SOURCE: Final = (
    "fetch",
    "browse",
    "scrape",
    "crawl",
    "read_email",
    "get_email",
    "list_email",
    "search_email",
    "inbox",
    "issue",
    "comment",
    "pull_request",
    "message",
    "web",
    "http_get",
    "navigate",
    "rss",
    "feed",
    "ticket",
    "review",
    "download",
)
_PRIVATE: Final = (
    "read_file",
    "file",
    "query",
    "sql",
    "database",
    "secret",
    "credential",
    "env",
    "memory",
    "note",
    "calendar",
    "contact",
    "customer",
    "document",
    "drive",
    "email",
    "vault",
    "table",
    "record",
    "password",
    "graph",
)
_SINK: Final = (
    "send",
    "post",
    "publish",
    "upload",
    "create_issue",
    "create_pull",
    "comment",
    "share",
    "tweet",
    "webhook",
    "http_request",
    "execute",
    "run_command",
    "shell",
    "push",
    "reply",
    "invite",
    "transfer",
    "write_file",
    "email",
    "forward",
)
_READS: Final = frozenset(
    "get read list search query fetch find lookup describe show retrieve browse scrape crawl open view select load download navigate".split()
)
_ACTS: Final = frozenset(
    "send post publish upload create add share execute run push reply invite transfer write forward comment update submit call request put tweet".split()
)


@dataclass(frozen=True, slots=True)
class Step:
    """A tool in a path."""

    server: str
    item: Item

    @property
    def id(self) -> str:
        """As policies call it."""
        return f"{self.server}/{self.item.name}"


def look(listing: Listing, file: str) -> Iterator[ScanFinding]:
    """The shortest path of a file's sets together, if there is one: they are taken for one client's."""
    steps = [Step(each.server, item) for each in listing.sets for item in each.tools]
    found = path(steps)
    if found is None:
        return
    source, private, sink = found
    sinks = sorted({step.id for step in steps if is_sink(step.item)})
    words = f"a text that {source.id} brings can make the model read with {private.id} and send it out with {sink.id}"
    shown = ", ".join(f'"{each}"' for each in sinks[:8])
    place = Location(file, *listing.lines.place(sink.item.node.start))
    yield TOXIC.at("client", place, words, fix=f"let these wait for a person, in a role: ask: [{shown}]")


def path(steps: Sequence[Step]) -> tuple[Step, Step, Step] | None:
    """The path over the fewest servers."""
    sources = [step for step in steps if is_source(step.item)][:200]
    private = [step for step in steps if is_private(step.item)][:200]
    sinks = [step for step in steps if is_sink(step.item)][:200]
    best: tuple[int, tuple[Step, Step, Step]] | None = None
    for a in sources[:40]:
        for b in private[:40]:
            for c in sinks[:40]:
                if b.item is not a.item and c.item not in (a.item, b.item):
                    servers = len({a.server, b.server, c.server})
                    if best is None or servers < best[0]:
                        best = (servers, (a, b, c))
    return best[1] if best else None


def is_source(item: Item) -> bool:
    """It brings texts that strangers may have written."""
    return bool(_verb(item) & _READS) and _about(item, _SOURCE) and _open_world(item)


def is_private(item: Item) -> bool:
    """It reads what is not meant for everybody."""
    return bool(_verb(item) & _READS) and _about(item, _PRIVATE)


def is_sink(item: Item) -> bool:
    """What it is given leaves the client."""
    return bool(_verb(item) & _ACTS) and _about(item, _SINK) and not _hint(item, "readOnlyHint")


def _verb(item: Item) -> set[str]:
    return set(
        "".join(f" {c}" if c.isupper() else c if c.isalnum() else " " for c in item.name).lower().split()
    )


def _about(item: Item, marks: tuple[str, ...]) -> bool:
    name = item.name.lower().replace("-", "_")
    return any(mark in name for mark in marks)


def _open_world(item: Item) -> bool:
    return _hint(item, "openWorldHint") is not False


def _hint(item: Item, name: str) -> Any:
    annotations = item.node.get("annotations")
    found = annotations.get(name) if annotations is not None and annotations.kind == "object" else None
    return found.value if found is not None else None


def inventory(sets: Sequence[ToolSet], file: str) -> Iterator[dict[str, Any]]:
    """What each server offers, and what its tools can do."""
    for each in sets:
        yield {
            "kind": "tools",
            "name": each.server,
            "file": file,
            "tools": [item.name for item in each.tools],
            "sources": [item.name for item in each.tools if is_source(item)],
            "private": [item.name for item in each.tools if is_private(item)],
            "sinks": [item.name for item in each.tools if is_sink(item)],
        }
