"""The collections in ../shared/data/open. They are read from there and are no part of this repository."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.detection.items import Item

ROOT = Path(__file__).resolve().parents[2]
OPEN = Path(os.environ.get("KEEPGATE_DETECTION_DATA") or ROOT.parent / "shared" / "data" / "open")
KINDS = {
    "tool_description": "tool",
    "tool_output": "tool_output",
    "prompt": "prompt",
    "secret": "text",
    "pii": "text",
}
NEEDS_CONTEXT = ("msb_context",)
"""Clean descriptions: only the other servers' tools say what is wrong."""
ORDINARY = ("injecagent_base", "bipia_text")
"""Ordinary requests in a place where nobody asked for them: no content detector is promised there."""


def records(source: str) -> Iterator[dict[str, Any]]:
    """The records of one file; nothing where it is absent."""
    file = OPEN / f"{source}.jsonl"
    if file.exists():
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def sources() -> list[str]:
    return sorted(file.stem for file in OPEN.glob("*.jsonl")) if OPEN.exists() else []


def server_of(record: dict[str, Any]) -> str:
    """The server a tool belongs to, as far as the collection says."""
    meta = record.get("meta") or {}
    return str(meta.get("server") or record.get("group") or record["source"])


def item(record: dict[str, Any]) -> Item:
    tool = record.get("tool")
    return Item(
        id=str(record["id"]),
        source=record["source"],
        kind=KINDS[record["kind"]],
        attack=record["label"] == "malicious",
        text=record["text"] if tool is None else "",
        tool=tool,
        attack_class=record.get("attack_class") or "",
        group=str(record.get("group") or record["id"]),
        server=server_of(record) if tool is not None else "",
    )


def items() -> list[Item]:
    """All of them."""
    return [item(record) for source in sources() for record in records(source)]
