"""Advisories in OSV form, read with suspicion: what does not fit is left out and counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from keepgate.model.finding import Severity
from keepgate.scanner.packages.spec import normal
from keepgate.scanner.packages.versions import affected

_ECOSYSTEMS: Final = {
    "npm": "npm",
    "pypi": "pypi",
    "nuget": "nuget",
    "go": "golang",
    "crates.io": "cargo",
    "maven": "maven",
    "rubygems": "gem",
    "packagist": "composer",
}
_SEVERITIES: Final = {
    "LOW": Severity.LOW,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "HIGH": Severity.HIGH,
    "CRITICAL": Severity.CRITICAL,
}
MAX_EVENTS: Final = 2000
MAX_VERSIONS: Final = 20_000

Event = tuple[str, str]
"""introduced, fixed or last_affected, and the version."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """One fault of one package. `ranges` are those of OSV, each a list of events."""

    id: str
    ecosystem: str
    package: str
    summary: str
    severity: Severity
    aliases: tuple[str, ...] = ()
    cwes: tuple[str, ...] = ()
    ranges: tuple[tuple[Event, ...], ...] = ()
    versions: frozenset[str] = frozenset()
    malicious: bool = False

    def hits(self, version: str) -> bool:
        """True if an exact version is affected."""
        bare = version.removeprefix("v").removeprefix("=")
        return bare in self.versions or any(affected(bare, self.ecosystem, events) for events in self.ranges)

    @property
    def always(self) -> bool:
        """True if every version is affected, and none is fixed."""
        return any(events and all(kind == "introduced" for kind, _ in events) for events in self.ranges)

    @property
    def fixed(self) -> str:
        """The last version that mends it, "" if none is known."""
        return next(
            (at for events in reversed(self.ranges) for kind, at in reversed(events) if kind == "fixed"), ""
        )

    @property
    def names(self) -> str:
        """Its identifiers, for evidence."""
        return ", ".join(dict.fromkeys((self.id, *self.aliases[:2])))


@dataclass(slots=True)
class Advisories:
    """All of them, by package."""

    date: str
    by_package: dict[tuple[str, str], list[Advisory]] = field(default_factory=dict)
    skipped: int = 0

    def add(self, records: Iterable[Any]) -> None:
        """Take in OSV records."""
        for record in records:
            found = list(read(record)) if isinstance(record, dict) else []
            self.skipped += not found
            for each in found:
                self.by_package.setdefault((each.ecosystem, each.package), []).append(each)

    def of(self, ecosystem: str, name: str) -> list[Advisory]:
        """What is known about a package."""
        return self.by_package.get((ecosystem, normal(name) if ecosystem == "pypi" else name.lower()), [])


def read(record: Mapping[str, Any]) -> Iterator[Advisory]:
    """The advisories in one OSV record, one for each package. A withdrawn record has none."""
    identity, affected_ = record.get("id"), record.get("affected")
    if not isinstance(identity, str) or not isinstance(affected_, list) or record.get("withdrawn"):
        return
    for each in affected_[:200]:
        package = each.get("package") if isinstance(each, dict) else None
        if not isinstance(package, dict):
            continue
        ecosystem = _ECOSYSTEMS.get(str(package.get("ecosystem", "")).partition(":")[0].lower(), "")
        name = str(package.get("name", ""))[:214]
        ranges = tuple(_events(item) for item in _list(each, "ranges")[:50])
        versions = frozenset(str(item)[:100] for item in _list(each, "versions")[:MAX_VERSIONS])
        if ecosystem and name and (any(ranges) or versions):
            extra = record.get("database_specific")
            own = extra if isinstance(extra, dict) else {}
            yield Advisory(
                identity[:64],
                ecosystem,
                normal(name) if ecosystem == "pypi" else name.lower(),
                str(record.get("summary", ""))[:200],
                _severity(identity, own),
                tuple(str(item)[:64] for item in _list(record, "aliases")[:20]),
                tuple(str(item)[:20] for item in _list(own, "cwe_ids")[:10]),
                tuple(filter(None, ranges)),
                versions,
                malicious=identity.startswith("MAL-") or "CWE-506" in _list(own, "cwe_ids"),
            )


def _events(item: Any) -> tuple[Event, ...]:
    if not isinstance(item, dict) or item.get("type") == "GIT":
        return ()
    return tuple(
        (kind, str(version)[:100])
        for event in _list(item, "events")[:MAX_EVENTS]
        if isinstance(event, dict)
        for kind, version in event.items()
        if kind in ("introduced", "fixed", "last_affected")
    )


def _severity(identity: str, own: Mapping[str, Any]) -> Severity:
    said = _SEVERITIES.get(str(own.get("severity", "")).upper())
    if said is not None:
        return said
    return Severity.CRITICAL if identity.startswith("MAL-") else Severity.HIGH


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    return found if isinstance(found, list) else []
