"""What the arguments of recorded calls had in common: the directory of paths, the hosts of URLs and addresses.

Only what a condition of a role can say (`policy.conditions`) is looked for, and only in texts that cannot be meant
otherwise: absolute paths, URLs, e-mail addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from keepgate.policy.conditions import Argument, When
from keepgate.policy.facts.derive import facts

LEAST: Final = 3
"""Calls with an argument from which something is concluded."""
NAMES: Final = 32
"""Arguments of one tool that are looked at."""
HOSTS: Final = 5
"""Different hosts, or else registrable domains, that are still written out."""
SAMPLES: Final = 50
"""Calls that are kept, for the suggestion to be held against."""


@dataclass(slots=True)
class Values:
    """One argument. `within` and the others are None once a value was none of the kind."""

    count: int = 0
    within: frozenset[str] | None = None
    hosts: frozenset[str] | None = None
    domains: frozenset[str] | None = None
    files: frozenset[str] = frozenset()
    """Directories that were themselves values, so that what lies beside them must be told from them."""

    def add(self, arguments: Mapping[str, Any], name: str) -> None:
        """One more call with it."""
        told = facts(arguments, name, ("texts", "within", "hosts", "domains", "path")) or {}
        texts = told.get("texts", [])
        paths = bool(texts) and all(
            text.startswith("/") or text.lower().startswith("file:") for text in texts
        )
        places = bool(texts) and all("://" in text or "@" in text for text in texts) and not paths
        one = Values(
            1,
            frozenset(told["within"]) if paths and "within" in told else None,
            frozenset(told["hosts"]) if places and "hosts" in told else None,
            frozenset(told["domains"]) if places and "domains" in told else None,
            frozenset(texts),
        )
        self.join(one)

    def join(self, other: Values) -> None:
        """The calls of another as well."""
        if not self.count:
            self.within, self.hosts, self.domains = other.within, other.hosts, other.domains
        else:
            both = self.within is not None and other.within is not None
            self.within = self.within & other.within if both else None  # type: ignore[operator]
            self.hosts = _union(self.hosts, other.hosts)
            self.domains = _union(self.domains, other.domains)
        self.count += other.count
        self.files = self.files | other.files if len(self.files) + len(other.files) <= SAMPLES else self.files

    def test(self, calls: int) -> Argument | None:
        """The condition that all values meet; None if there is none worth writing. `calls`: with and without it."""
        if self.count < LEAST:
            return None
        absent = True if calls > self.count else None
        root = max(self.within or (), key=len, default="")
        if root and root in self.files:
            root = root.rpartition("/")[0]
        if root.strip("/"):
            return Argument(below=root, absent=absent)
        if self.hosts and len(self.hosts) <= HOSTS:
            return Argument(hosts=tuple(sorted(self.hosts)), absent=absent)
        if self.domains and len(self.domains) <= HOSTS:
            return Argument(domains=tuple(sorted(self.domains)), absent=absent)
        return None


def _union(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None or len(one) + len(other) > 100 * HOSTS:
        return None
    return one | other


@dataclass(slots=True)
class Observed:
    """The calls of one tool."""

    calls: int = 0
    arguments: dict[str, Values] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, arguments: Any) -> None:
        """One call."""
        given = arguments if isinstance(arguments, dict) else {}
        self.calls += 1
        for name, value in given.items():
            known = self.arguments.get(name)
            if value is None or not _is_name(name) or (known is None and len(self.arguments) >= NAMES):
                continue
            self.arguments.setdefault(name, Values()).add(given, name)
        if len(self.samples) < SAMPLES:
            self.samples.append(given)

    def join(self, other: Observed) -> None:
        """The calls of another as well."""
        self.calls += other.calls
        for name, values in other.arguments.items():
            self.arguments.setdefault(name, Values()).join(values)
        self.samples = [*self.samples, *other.samples][:SAMPLES]

    def when(self) -> When | None:
        """The condition that all calls meet; None if there is none worth writing."""
        tests = {name: test for name, values in self.arguments.items() if (test := values.test(self.calls))}
        return When(arguments=dict(sorted(tests.items()))) if tests else None


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 64 and name.isprintable() and "." not in name
