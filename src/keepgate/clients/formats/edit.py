"""Edits of a JSONC text: each touches the smallest span and keeps indentation and line ends as the file has them."""

from __future__ import annotations

import json
from typing import Any

from keepgate.protocol.jsonc import Document, Member, Node, scan

Change = tuple[int, int, str]
"""Replace the characters from start to end by a text."""


def apply(text: str, changes: list[Change]) -> str:
    """`text` with all changes made; they must not overlap."""
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def put(text: str, path: tuple[str, ...], value: Any) -> str:
    """`text` with `value` under the keys of `path`; objects on the way are made where they are missing.

    Raises JsoncError if the text cannot be read, ValueError if something on the way is not an object.
    """
    doc = scan(text)
    node, depth = doc.root, 0
    while depth < len(path) and (child := node.get(path[depth])):
        node, depth = child, depth + 1
    if depth == len(path):
        return apply(text, [(node.start, node.end, render(doc, value, _indent_at(text, node.start)))])
    if node.kind != "object":
        raise ValueError(f"`{'.'.join(path[:depth])}` is not an object")
    for key in reversed(path[depth + 1 :]):
        value = {key: value}
    return apply(text, _addition(doc, node, path[depth], value))


def merge(text: str, path: tuple[str, ...], inner: str) -> str:
    """Add `inner`, what once stood between the braces of the object at `path`, verbatim, behind what is there now."""
    doc = scan(text)
    node = doc.find(path)
    assert node is not None
    end = _content_end(doc, node)
    if end == node.start + 1:
        return apply(text, [(end, node.end - 1, inner)])
    comment = any(stop == end and text.startswith("//", start) for start, stop in doc.comments)
    lead = _newline(text) if comment and not inner.startswith(("\n", "\r\n")) else ""
    changes = [(end, node.end - 1, lead + inner)]
    last = node.members[-1] if node.members else None
    if last and last.comma < 0 and scan("{" + inner + "}").root.members:
        changes.append((last.node.end, last.node.end, ","))
    return apply(text, changes)


def removal(doc: Document, node: Node, gone: list[Member]) -> list[Change]:
    """Take members out of an object, each with one comma and, if nothing else is on it, its line."""
    kept = [member for member in node.members if member not in gone]
    changes = [_cut(doc.text, member) for member in gone]
    last = node.members[-1]
    # The last one had no comma behind it: then the new last one must not have one either.
    if last in gone and last.comma < 0 and kept:
        comma = kept[-1].comma
        changes.append((comma, comma + 1, ""))
    return changes


def render(doc: Document, value: Any, indent: str) -> str:
    """`value` as JSON in the style of the document, for a line that is indented by `indent`."""
    text = json.dumps(value, ensure_ascii=False, indent=_unit(doc))
    return text.replace("\n", _newline(doc.text) + indent)


def _addition(doc: Document, node: Node, key: str, value: Any) -> list[Change]:
    """Add a member at the end of an object."""
    indent = _inner_indent(doc, node)
    if indent is None:  # all on one line, and it stays so
        pair, lead = f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}", " "
    else:
        pair, lead = f"{json.dumps(key)}: {render(doc, value, indent)}", _newline(doc.text) + indent
    if not node.members:
        close = _newline(doc.text) + _indent_at(doc.text, node.start)
        return [(_content_end(doc, node), node.end - 1, lead + pair + close)]
    last = node.members[-1]
    tail = max(last.node.end, last.comma + 1)
    spot = tail if indent is None else _line_tail(doc, tail)
    if last.comma >= 0:
        return [(spot, spot, lead + pair + ",")]
    if spot == tail:
        return [(tail, tail, "," + lead + pair)]
    return [(tail, tail, ","), (spot, spot, lead + pair)]


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent_at(text: str, offset: int) -> str:
    """The white space that begins the line of `offset`."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset].lstrip("\ufeff")
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(doc: Document) -> str:
    """One step of indentation: what stands before the first key, else two spaces."""
    members = doc.root.members
    return (_indent_at(doc.text, members[0].start) if members else "") or "  "


def _inner_indent(doc: Document, node: Node) -> str | None:
    """The indentation of the members of an object; None if they stand on one line."""
    if not node.members:
        return _indent_at(doc.text, node.start) + _unit(doc)
    first = node.members[0]
    return _indent_at(doc.text, first.start) if "\n" in doc.text[node.start : first.start] else None


def _content_end(doc: Document, node: Node) -> int:
    """Where what stands in an object ends: its last member, comma or comment, or its opening brace."""
    ends = [end for start, end in doc.comments if node.start < start < node.end]
    ends += [max(member.node.end, member.comma + 1) for member in node.members[-1:]]
    return max(ends, default=node.start + 1)


def _line_tail(doc: Document, offset: int) -> int:
    """Past the comments that follow `offset` on its line."""
    for start, end in doc.comments:
        if start >= offset and not doc.text[offset:start].strip(" \t,"):
            offset = end
        elif start > offset:
            break
    return offset


def _cut(text: str, member: Member) -> Change:
    start, end = member.start, max(member.node.end, member.comma + 1)
    line = text.rfind("\n", 0, start) + 1
    after = text.find("\n", end)
    if line and after >= 0 and not text[line:start].strip() and not text[end:after].strip():
        return line, after + 1, ""
    if not text[end : end + 1].strip(" ") and text[end : end + 1]:
        end += 1
    return start, end, ""
