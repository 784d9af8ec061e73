"""The definitions of a tool set: the gateway's detectors with the other servers' names known, and what they contradict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from keepgate.detect.fold import fold, has_lookalikes, skeleton
from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.scan import Location, ScanFinding
from keepgate.protocol.jsonc import Node
from keepgate.scanner.detection import Detection
from keepgate.scanner.rule import Rule
from keepgate.scanner.tools.listing import Item, Listing, ToolSet

POISONED: Final = Rule(
    "tools.poisoned",
    "a definition gives orders to the model that have nothing to do with the tool",
    Severity.HIGH,
    Confidence.LIKELY,
    ("OWASP-MCP03", "SAFE-T1001", "CWE-94"),
    "do not use the server; tell whoever publishes it",
)
HIDDEN: Final = Rule(
    "tools.hidden-text",
    "a definition has parts that people cannot see",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP03", "SAFE-T1402", "CWE-116"),
    "do not use the server",
)
SECRET: Final = Rule(
    "tools.secret",
    "a secret stands in a definition",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    ("OWASP-MCP01", "SAFE-T1502", "CWE-798"),
    "tell whoever runs the server to revoke it",
)
EXFILTRATES: Final = Rule(
    "tools.exfiltrates",
    "a definition sends what the model knows to somebody",
    Severity.HIGH,
    Confidence.LIKELY,
    ("OWASP-MCP10", "SAFE-T1911", "CWE-200"),
    "do not use the server",
)
LOOKALIKE: Final = Rule(
    "tools.lookalike-name",
    "the name of a tool imitates another by letters that look alike",
    Severity.HIGH,
    Confidence.LIKELY,
    ("OWASP-MCP03", "SAFE-T1004", "CWE-1007"),
    "do not use the server",
)
CONTRADICTS: Final = Rule(
    "tools.annotation-contradicts",
    "a tool that says it only reads is named after something that changes",
    Severity.MEDIUM,
    Confidence.LIKELY,
    ("OWASP-MCP03", "SAFE-T1501", "CWE-451"),
    "do not let clients approve it unasked; treat the annotation as false",
)
COLLIDES: Final = Rule(
    "tools.same-name",
    "two servers offer a tool of the same name",
    Severity.LOW,
    Confidence.CONFIRMED,
    ("OWASP-MCP03", "SAFE-T1301", "CWE-694"),
    "give the servers prefixes, as the gateway does",
)
RULES: Final = (POISONED, HIDDEN, SECRET, EXFILTRATES, LOOKALIKE, CONTRADICTS, COLLIDES)
_BY_FAMILY: Final = {"attack": POISONED, "hidden": HIDDEN, "secret": SECRET, "exfil": EXFILTRATES}
_CHANGING: Final = frozenset(
    "delete remove drop write send destroy kill overwrite truncate purge wipe upload transfer deletes removes drops writes sends destroys overwrites truncates wipes uploads transfers erase erases terminate".split()
)


def look(listing: Listing, file: str, detection: Detection) -> Iterator[ScanFinding]:
    """Everything about the sets of a file."""
    names = {each.server: tuple(item.name for item in each.tools) for each in listing.sets}
    for each in listing.sets:
        others = {
            **{server: tools for server, tools in names.items() if server != each.server},
            **each.session,
        }
        yield from _set(listing, each, file, detection, others)
    yield from _collisions(listing, file)


def _set(
    listing: Listing, each: ToolSet, file: str, detection: Detection, others: dict[str, tuple[str, ...]]
) -> Iterator[ScanFinding]:
    siblings = tuple(item.name for item in each.tools)
    for item in each.items:
        target = f"{item.kind.removesuffix('s')}:{each.server}/{item.name}"
        found = detection.definition(
            item.value, each.server, others, tuple(n for n in siblings if n != item.name)
        )
        yield from _grouped(listing, file, target, item.node, found)
        yield from _names(listing, file, target, item)
        yield from _annotations(listing, file, target, item)
    if each.instructions is not None and isinstance(each.instructions.value, str):
        found = detection.definition(each.instructions.value, each.server, others, siblings)
        yield from _grouped(listing, file, f"instructions:{each.server}", each.instructions, found)


def _grouped(
    listing: Listing, file: str, target: str, node: Node, found: list[Finding]
) -> Iterator[ScanFinding]:
    """One finding for each family, at its surest place."""
    families: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        families[finding.rule.partition(".")[0]].append(finding)
    for family, rule in _BY_FAMILY.items():
        sure = [each for each in families[family] if each.confidence is not Confidence.POSSIBLE]
        if family == "secret":
            sure = [each for each in sure if each.confidence is Confidence.CONFIRMED]
        if not sure:
            continue
        first = min(sure, key=lambda each: (each.confidence is not Confidence.CONFIRMED, -each.severity))
        inner = _follow(node, first.path)
        place = listing.place(inner, first.start) if inner is not None else listing.lines.place(node.start)
        reasons = ", ".join(dict.fromkeys(each.title for each in sure[:4]))
        yield rule.at(
            target,
            Location(file, *place),
            f"{reasons}: {first.evidence}",
            confidence=first.confidence,
            severity=min(rule.severity, first.severity) if family == "exfil" else rule.severity,
        )


def _follow(node: Node, pointer: str) -> Node | None:
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if node.kind == "array":
            if not key.isdigit() or int(key) >= len(node.value):
                return node
            node = node.value[int(key)]
        else:
            inner = node.get(key)
            if inner is None:
                return node
            node = inner
    return node


def _names(listing: Listing, file: str, target: str, item: Item) -> Iterator[ScanFinding]:
    name = item.name
    if name.isascii() or item.kind == "resources":
        return
    folded = fold(name)
    if (
        any(c.isascii() and c.isalpha() for c in name)
        and has_lookalikes(folded)
        and skeleton(folded).isascii()
    ):
        found = item.node.get("name") or item.node
        yield LOOKALIKE.at(
            target, Location(file, *listing.lines.place(found.start)), f"{name} looks like {skeleton(folded)}"
        )


def _annotations(listing: Listing, file: str, target: str, item: Item) -> Iterator[ScanFinding]:
    annotations = item.node.get("annotations")
    hint = (
        annotations.get("readOnlyHint") if annotations is not None and annotations.kind == "object" else None
    )
    if hint is None or hint.value is not True:
        return
    description: Any = getattr(item.node.get("description"), "value", "")
    said = str(description).split()[:1]
    verbs = {*_words(item.name)[:1], *(word.strip(".,:").lower() for word in said)}
    if verbs & _CHANGING:
        told = f"{item.name}: readOnlyHint is true; {str(description)[:80]}"
        yield CONTRADICTS.at(target, Location(file, *listing.lines.place(hint.start)), told)


def _words(name: str) -> list[str]:
    return "".join(f" {c}" if c.isupper() else c if c.isalnum() else " " for c in name).lower().split()


def _collisions(listing: Listing, file: str) -> Iterator[ScanFinding]:
    seen: dict[str, str] = {}
    for each in listing.sets:
        for item in each.tools:
            before = seen.setdefault(item.name, each.server)
            if before != each.server:
                place = Location(file, *listing.lines.place(item.node.start))
                yield COLLIDES.at(
                    f"tool:{each.server}/{item.name}", place, f"{before} offers {item.name} as well"
                )
