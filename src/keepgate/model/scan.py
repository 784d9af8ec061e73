"""What the scanner says: findings at places in files, what there is, and what was not looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keepgate.model.finding import Confidence, Severity
from keepgate.model.upstream import LaunchEntry


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file. Lines and columns count from 1, columns in characters; 0 where there is none."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class ScanFinding:
    """One root cause at its place. `also` are the other places where the same cause shows."""

    rule: str
    severity: Severity
    confidence: Confidence
    title: str
    target: str
    """What is affected: a server, a package, a tool, a file."""
    location: Location
    evidence: str = ""
    fix: str = ""
    taxonomy: tuple[str, ...] = ()
    also: tuple[Location, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What stays the same when lines move: rule, target, file and evidence."""
        told = "\0".join((self.rule, self.target, self.location.file, self.evidence))
        return hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Coverage:
    """A check and whether it was made. A gap never reads as an all-clear."""

    what: str
    checked: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """One package that something depends on, for the bill of materials."""

    purl: str
    name: str
    version: str = ""
    ecosystem: str = ""
    integrity: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class ScanReport:
    """Everything that a scan says."""

    findings: tuple[ScanFinding, ...] = ()
    inventory: tuple[Mapping[str, Any], ...] = ()
    coverage: tuple[Coverage, ...] = ()
    components: tuple[Component, ...] = ()
    suppressed: tuple[ScanFinding, ...] = ()
    """What a baseline accepts: counted, never silently gone."""

    @property
    def highest(self) -> Severity | None:
        """The severity of the worst finding; None without one."""
        return max((finding.severity for finding in self.findings), default=None)

    @property
    def gaps(self) -> tuple[Coverage, ...]:
        """What was not checked."""
        return tuple(each for each in self.coverage if not each.checked)


@dataclass(frozen=True, slots=True)
class ConfiguredServer:
    """A server as a client's file has it: the launch, the raw entry, and where each value of it stands.

    `spots` maps JSON pointers inside the entry (`/args/1`, `/env/TOKEN`, "" for the name) to line and column.
    """

    entry: LaunchEntry
    raw: Mapping[str, Any] = field(default_factory=dict)
    spots: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    """Pointers of values that look like secrets in plain text."""

    def at(self, pointer: str = "") -> Location:
        """Where a value of the entry stands; the entry itself where that is not known."""
        origin = self.entry.origin
        line, column = self.spots.get(pointer, (origin.line, origin.column))
        return Location(origin.file, line, column)


@dataclass(frozen=True, slots=True)
class ClientSetting:
    """A setting of a client beside its servers that bears on them: what it trusts, runs or is led to."""

    client: str
    scope: str
    key: str
    """Steps from the root of the file, joined by points."""
    value: Any
    location: Location


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something about a file itself: it cannot be read, or it may be read in two ways."""

    kind: str
    """unreadable, duplicate-key, too-large, case-variant, writable, bad-entry"""
    text: str
    location: Location
    target: str = ""
    inside: bool = False
    """It concerns a server, and not some other part of the file."""
