"""Arguments that carry an attack: the detectors for arguments of calls, over the arguments of a launch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.scan import ConfiguredServer, ScanFinding
from keepgate.scanner.configuration import inline, reach
from keepgate.scanner.launch import launch_of, target_of
from keepgate.scanner.rule import Rule

ARGUMENT: Final = Rule(
    "config.attack-in-argument",
    "an argument carries a command, a climbing path or another attack",
    Severity.HIGH,
    Confidence.LIKELY,
    ("OWASP-MCP05", "SAFE-T1101", "CWE-88"),
    "write what the server documents for this argument, without shell signs",
)
RULES: Final = (ARGUMENT,)

Detect = Callable[[str], Sequence[Finding]]
"""Findings of the family `attack` in an argument of a call."""
_HERE: Final = frozenset(
    f"attack.{name}"
    for name in "pipe-to-shell encoded-shell shell-injection destructive-command reverse-shell traversal template-injection".split()
)
"""What is an attack in the arguments of a launch too; paths and addresses have rules of their own here."""


def look(server: ConfiguredServer, detect: Detect) -> Iterator[ScanFinding]:
    """Attacks in the arguments and variables of an entry, where no other rule speaks of them."""
    launch = launch_of(server)
    if launch is None or any(True for _ in inline.look(server)):
        return
    taken = {finding.location for finding in reach.look(server)}
    texts = [(word.pointer, word.text) for word in launch.words]
    texts += [(f"/env/{name}", value) for name, value in server.entry.env.items()]
    for pointer, text in texts:
        place = server.at(pointer)
        if place in taken or len(text) < 4:
            continue
        found = [
            each for each in detect(text) if each.rule in _HERE and each.confidence is not Confidence.POSSIBLE
        ]
        traversal_only = all(each.rule == "attack.traversal" for each in found)
        if found and not (traversal_only and pointer.startswith("/args") and text.count("../") < 4):
            yield ARGUMENT.at(target_of(server), place, f"{found[0].title}: {text}")
