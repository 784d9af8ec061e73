"""The checks of packages: advisories by exact version, imitated names, versions left open, sources without a registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import ScanFinding
from keepgate.scanner.packages.names import elsewhere, imitated, names
from keepgate.scanner.packages.osv import Advisories, Advisory
from keepgate.scanner.packages.spec import Use, is_exact
from keepgate.scanner.rule import Rule

MALICIOUS: Final = Rule(
    "package.malicious",
    "the package is malicious",
    Severity.CRITICAL,
    Confidence.CONFIRMED,
    ("OWASP-MCP04", "SAFE-T1002", "CWE-506"),
    "remove it, and change every secret that it could reach",
)
WAS_MALICIOUS: Final = Rule(
    "package.malicious-before",
    "versions of the package were malicious, and the version is left open",
    Severity.MEDIUM,
    Confidence.POSSIBLE,
    ("OWASP-MCP04", "SAFE-T1002", "CWE-506"),
    "find out which version you have, and write a good one into the command",
)
VULNERABLE: Final = Rule(
    "package.vulnerable",
    "the version has a known vulnerability",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP04", "SAFE-T1002", "CWE-1395"),
    "use a version in which it is mended",
)
IMITATES: Final = Rule(
    "package.imitates",
    "the name imitates that of a known package",
    Severity.HIGH,
    Confidence.LIKELY,
    ("OWASP-MCP04", "SAFE-T1003", "CWE-1007"),
    "use the real name",
)
OTHER_REGISTRY: Final = Rule(
    "package.other-registry",
    "the name belongs to a known project of another registry",
    Severity.MEDIUM,
    Confidence.LIKELY,
    ("OWASP-MCP04", "SAFE-T1003", "CWE-427"),
    "start it from the registry in which the project publishes",
)
UNPINNED: Final = Rule(
    "package.unpinned",
    "whatever version is newest is run",
    Severity.LOW,
    Confidence.CONFIRMED,
    ("OWASP-MCP04", "SAFE-T1201", "CWE-1357"),
    "write the version into the command, or approve the server with `keepgate lock approve`",
)
FROM_GIT: Final = Rule(
    "package.from-repository",
    "the newest state of a repository is run, past every registry",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    ("OWASP-MCP04", "SAFE-T1002", "CWE-494"),
    "use a released package, or the full hash of a commit",
)
FROM_URL: Final = Rule(
    "package.from-address",
    "a package is downloaded from an address, past every registry",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    ("OWASP-MCP04", "SAFE-T1002", "CWE-494"),
    "use a released package of a registry",
)
RULES: Final = (MALICIOUS, WAS_MALICIOUS, VULNERABLE, IMITATES, OTHER_REGISTRY, UNPINNED, FROM_GIT, FROM_URL)


def check(use: Use, advisories: Advisories) -> Iterator[ScanFinding]:
    """Everything about one use of a package."""
    known = advisories.of(use.ecosystem, use.name)
    yield from _known(use, known)
    if use.ecosystem in ("npm", "pypi") and not any(each.malicious and each.always for each in known):
        yield from _name(use)
    yield from _source(use)


def _known(use: Use, known: list[Advisory]) -> Iterator[ScanFinding]:
    exact = is_exact(use.version)
    hits = [each for each in known if (each.hits(use.version) if exact else each.always)]
    malicious = [each for each in hits if each.malicious]
    vulnerable = [each for each in hits if not each.malicious]
    if malicious:
        yield MALICIOUS.at(use.target, use.location, f"{use.text}: {malicious[0].names}")
    elif not exact and any(_for_good(each) for each in known):
        worst = next(each for each in known if _for_good(each))
        yield WAS_MALICIOUS.at(use.target, use.location, f"{use.text}: {worst.names}")
    elif vulnerable:
        worst = max(vulnerable, key=lambda each: each.severity)
        fixed = sorted({each.fixed for each in vulnerable if each.fixed})
        fix = (
            f"use {use.name} {', '.join(fixed)} or newer"
            if fixed
            else "no version mends it: use another server"
        )
        told = "; ".join(
            f"{each.names}: {each.summary.partition(': ')[2] or each.summary}" for each in vulnerable[:3]
        )
        more = f" and {len(vulnerable) - 3} more" if len(vulnerable) > 3 else ""
        yield VULNERABLE.at(
            use.target, use.location, f"{use.text}: {told}{more}", severity=worst.severity, fix=fix
        )


def _for_good(each: Advisory) -> bool:
    """Malice over several versions; a single one was a takeover that its owner has undone."""
    ends = [dict(events) for events in each.ranges]
    return each.malicious and any(
        e.get("last_affected", "") != e.get("introduced") and "introduced" in e for e in ends
    )


def _name(use: Use) -> Iterator[ScanFinding]:
    found = imitated(use.ecosystem, use.name)
    if found is not None:
        real, how, tier = found
        severity = Severity.HIGH if tier in ("reference", "official") else Severity.MEDIUM
        yield IMITATES.at(
            use.target, use.location, f"{use.name} is not {real}: {how}", severity=severity, fix=f"use {real}"
        )
        return
    other = elsewhere(use.ecosystem, use.name)
    if other:
        yield OTHER_REGISTRY.at(
            use.target, use.location, f"{use.name} is known from {other}, not from {use.ecosystem}"
        )


def _source(use: Use) -> Iterator[ScanFinding]:
    if not use.program or use.pinned:
        return
    if use.ecosystem == "git":
        tier_scope = use.name.removeprefix("github:").partition("/")[0]
        milder = tier_scope == "modelcontextprotocol"
        yield FROM_GIT.at(
            use.target, use.location, use.text, severity=Severity.LOW if milder else FROM_GIT.severity
        )
    elif use.ecosystem == "url":
        severity = Severity.HIGH if use.name.startswith("http://") else FROM_URL.severity
        yield FROM_URL.at(use.target, use.location, use.text, severity=severity)
    elif use.ecosystem in ("npm", "pypi", "golang", "jsr") and not use.pinned:
        yield UNPINNED.at(use.target, use.location, use.text)
    elif use.ecosystem == "oci" and use.version in ("", "latest"):
        yield UNPINNED.at(use.target, use.location, use.text, title="whatever image is newest is run")


def tier_of(use: Use) -> tuple[str, str]:
    """How far a package can be trusted by who publishes it, and why."""
    if use.ecosystem in ("npm", "pypi"):
        return names(use.ecosystem).tier(use.name)
    if use.ecosystem == "oci":
        for prefix, who in _PUBLISHERS:
            if use.name.startswith(prefix):
                return "official", f"an image of {who}"
    return "unknown", "not among the publishers that this version knows"


_PUBLISHERS: Final = (
    ("mcp/", "Docker's catalogue, built from reviewed sources"),
    ("ghcr.io/github/", "GitHub"),
    ("mcr.microsoft.com/", "Microsoft"),
    ("hashicorp/", "HashiCorp"),
    ("grafana/", "Grafana"),
    ("ghcr.io/modelcontextprotocol/", "the project of the protocol"),
    ("docker.io/mcp/", "Docker's catalogue, built from reviewed sources"),
    ("public.ecr.aws/awslabs", "AWS Labs"),
)
