"""The two edits, on text alone: our entry in the place of the servers, and the servers in the place of our entry."""

from __future__ import annotations

from typing import Any

from keepgate.clients.formats import ENTRY, KeyPath, Node, edit, pointer, scan

EMPTY = "{}\n"


def install(text: str, emptied: list[KeyPath], anchor: KeyPath | None, entry: dict[str, Any]) -> str:
    """Empty the objects of servers and put our entry into the one at `anchor`. Comments in them go with the servers."""
    new = text
    for keys in emptied:
        if keys != anchor:
            new = edit.put(new, keys, {})
    if anchor is not None:
        new = edit.put(new, anchor, {ENTRY: entry})
    _same_elsewhere(text, new, [*emptied, *([anchor] if anchor is not None else [])])
    return new


def uninstall(
    now: str, before: str, containers: tuple[KeyPath, ...], mark: dict[str, str]
) -> tuple[str, list[str]]:
    """Undo an install in a text that was changed since. Also says what could not be put back, and why.

    What is in the file now stays: servers added since, changes elsewhere, comments. Per object of servers, our entry is
    taken out and the former contents, comments included, are put behind what is left.
    """
    notes: list[str] = []
    former = scan(before)
    new = now
    for keys in containers:
        new, note = _put_back(new, keys, former.find(keys), before, mark)
        notes.extend(note)
    _same_elsewhere(now, new, list(containers))
    return new, notes


def _put_back(
    text: str, keys: KeyPath, former: Node | None, before: str, mark: dict[str, str]
) -> tuple[str, list[str]]:
    """Undo one object of servers. `former` is what it was in the text `before`, None if it was not there."""
    text, notes = _without_ours(text, keys, mark)
    if former is None:
        return _without_empty(text, keys), notes
    if scan(text).find(keys) is None:
        text = edit.put(text, keys, {})
    doc = scan(text)
    node = doc.find(keys)
    assert node is not None
    if node.kind != "object":
        return text, [f"`{pointer(keys)}` is no object any more: left as it is"]
    if not node.members and not any(node.start < start < node.end for start, _ in doc.comments):
        return edit.apply(text, [(node.start, node.end, before[former.start : former.end])]), notes
    inner, clashes = _rest(before, former, node)
    again = "was configured anew: the former one is not put back"
    return edit.merge(text, keys, inner), notes + [f"`{pointer((*keys, key))}` {again}" for key in clashes]


def _without_ours(text: str, keys: KeyPath, mark: dict[str, str]) -> tuple[str, list[str]]:
    doc = scan(text)
    node = doc.find(keys)
    entries = [member for member in node.members if member.key == ENTRY] if node else []
    if node is None or not entries:
        return text, []
    ours = [member for member in entries if _leads_to(member.node.plain(), mark)]
    if not ours:
        return text, [f"`{pointer((*keys, ENTRY))}` leads elsewhere by now: left as it is"]
    return edit.apply(text, edit.removal(doc, node, ours)), []


def _rest(before: str, former: Node, node: Node) -> tuple[str, list[str]]:
    """What stood in `former`, without the servers that are configured again in `node`; and which differ there."""
    again = {member.key: member.node.plain() for member in node.members}
    gone = [member for member in former.members if member.key in again]
    clashes = [member.key for member in gone if member.node.plain() != again[member.key]]
    text = before[former.start : former.end]
    if gone:
        doc = scan(text)
        text = edit.apply(text, edit.removal(doc, doc.root, [m for m in doc.root.members if m.key in again]))
    return text[1:-1], clashes


def _without_empty(text: str, keys: KeyPath) -> str:
    """Take out an object that we made, unless something is in it by now."""
    doc = scan(text)
    node, parent = doc.find(keys), doc.find(keys[:-1])
    if not keys or node is None or parent is None or text[node.start + 1 : node.end - 1].strip():
        return text
    return edit.apply(text, edit.removal(doc, parent, [m for m in parent.members if m.key == keys[-1]]))


def _leads_to(entry: Any, mark: dict[str, str]) -> bool:
    return isinstance(entry, dict) and all(entry.get(key) == value for key, value in mark.items())


def _same_elsewhere(old: str, new: str, containers: list[KeyPath]) -> None:
    """INVARIANT: an edit changes nothing but the objects it was meant to change."""
    one, two = scan(old).root.plain(), scan(new).root.plain()
    for keys in containers:
        _forget(one, keys)
        _forget(two, keys)
    if (one or None) != (two or None) and () not in containers:
        raise ValueError("the edit would have changed more than the servers")


def _forget(data: Any, keys: KeyPath) -> None:
    for key in keys[:-1]:
        data = data.get(key) if isinstance(data, dict) else None
    if keys and isinstance(data, dict):
        data.pop(keys[-1], None)
