"""Names: one that looks like another, one that hides something, one that means two things, a known one that is not it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final
from unicodedata import category

from keepgate.detect.fold import fold, has_lookalikes, skeleton
from keepgate.detect.unhide import runs
from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import ConfiguredServer, ScanFinding
from keepgate.scanner.launch import target_of
from keepgate.scanner.rule import Rule

HIDDEN: Final = Rule(
    "config.hidden-text",
    "invisible characters or terminal escapes stand in the entry",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP03", "SAFE-T1402", "CWE-116"),
    "remove the entry: nobody types such characters by chance",
)
LOOKALIKE: Final = Rule(
    "config.lookalike-name",
    "the name imitates another by letters that look alike",
    Severity.HIGH,
    Confidence.LIKELY,
    ("OWASP-MCP09", "SAFE-T1004", "CWE-1007"),
    "find out who put the entry there, and remove it",
)
SHADOWED: Final = Rule(
    "config.shadowed-server",
    "a server of this name is configured twice and started differently",
    Severity.MEDIUM,
    Confidence.LIKELY,
    ("OWASP-MCP09", "SAFE-T1601", "CWE-694"),
    "keep one of them: which one a client takes depends on where it is opened",
)
RULES: Final = (HIDDEN, LOOKALIKE, SHADOWED)
_JOINERS: Final = "\u200d\u200c"
"""Hold emoji together, and letters of some scripts; alone among plain letters they are seen as lookalikes."""
_NAMING: Final = ("", "/command", "/url")


def look(server: ConfiguredServer) -> Iterator[ScanFinding]:
    """The texts of one entry."""
    entry, target = server.entry, target_of(server)
    texts = [("", entry.name), ("/command", entry.command), ("/url", entry.url), ("/cwd", entry.cwd)]
    texts += [(f"/args/{index}", arg) for index, arg in enumerate(entry.args)]
    texts += [(f"/env/{name}", name + value) for name, value in entry.env.items()]
    for pointer, text in texts:
        if any(True for _ in runs(text)) or any(_control(sign) for sign in text):
            yield HIDDEN.at(target, server.at(pointer), text)
        elif not text.isascii() and (pointer in _NAMING or "://" in text) and _mixed(text):
            yield LOOKALIKE.at(target, server.at(pointer), text)


def _control(sign: str) -> bool:
    if sign.isascii():
        return (sign < " " and sign not in "\t\n\r") or sign == "\x7f"
    return category(sign) in ("Cc", "Cf") and sign not in _JOINERS


def _mixed(text: str) -> bool:
    """Letters of another script that look like ASCII stand among ASCII letters; a name in one script is fine."""
    folded = fold(text)
    plain = any(c.isascii() and c.isalpha() for c in text)
    return plain and has_lookalikes(folded) and skeleton(folded).isascii()


def look_at_all(servers: Iterable[ConfiguredServer]) -> Iterator[ScanFinding]:
    """What the entries are to each other, client by client."""
    by_client: dict[str, list[ConfiguredServer]] = defaultdict(list)
    for server in servers:
        by_client[server.entry.origin.client].append(server)
    for mine in by_client.values():
        yield from _twice(mine)


def _twice(servers: list[ConfiguredServer]) -> Iterator[ScanFinding]:
    """A project's entry takes the place of the user's under one name, or one file has it twice."""
    first: dict[str, ConfiguredServer] = {}
    for server in servers:
        known = first.setdefault(server.entry.name.casefold(), server)
        if known is server or _same(known, server) or not _meet(known, server):
            continue
        yield SHADOWED.at(
            target_of(server),
            server.at(),
            f"{server.entry.name}: also at {known.entry.origin}, started differently",
        )


def _same(one: ConfiguredServer, other: ConfiguredServer) -> bool:
    return (one.entry.argv, one.entry.url) == (other.entry.argv, other.entry.url)


def _meet(one: ConfiguredServer, other: ConfiguredServer) -> bool:
    """The same client sees both at once: two in one file, or the user's and a project's; not two projects' or plugins'."""
    a, b = one.entry.origin, other.entry.origin
    if a.file == b.file:
        return a.scope == b.scope
    scopes = {a.scope.partition(" ")[0], b.scope.partition(" ")[0]}
    return "user" in scopes and "project" in scopes
