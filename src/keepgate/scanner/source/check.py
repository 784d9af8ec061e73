"""Findings from the analysis: what an argument of a tool can do, and what the code does besides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import Location, ScanFinding
from keepgate.scanner.rule import Rule
from keepgate.scanner.source.code import Function, Unit
from keepgate.scanner.source.summary import Hit
from keepgate.scanner.source.taint import Analysis, hits_of

_FIX_COMMAND: Final = (
    "start the program with a list of words and no shell; check the words against what is allowed"
)


def _rule(name: str, title: str, severity: Severity, tags: tuple[str, ...], fix: str) -> Rule:
    return Rule(f"source.{name}", title, severity, Confidence.LIKELY, tags, fix)


COMMAND: Final = _rule(
    "command-injection",
    "an argument reaches a command line",
    Severity.HIGH,
    ("OWASP-MCP05", "SAFE-T1101", "CWE-78"),
    _FIX_COMMAND,
)
CODE: Final = _rule(
    "code-injection",
    "an argument is run as code",
    Severity.CRITICAL,
    ("OWASP-MCP05", "SAFE-T1101", "CWE-94"),
    "parse the value; never evaluate it",
)
TEMPLATE: Final = _rule(
    "template-injection",
    "an argument is used as a template",
    Severity.HIGH,
    ("OWASP-MCP05", "SAFE-T1101", "CWE-1336"),
    "keep templates in files, and hand values to them",
)
PATH: Final = _rule(
    "path-traversal",
    "an argument names a file without being held to a directory",
    Severity.HIGH,
    ("OWASP-MCP05", "SAFE-T1105", "CWE-22"),
    "resolve the path, links included, and compare it with the allowed directory",
)
SSRF: Final = _rule(
    "request-forgery",
    "an argument decides where a request goes",
    Severity.MEDIUM,
    ("OWASP-MCP05", "CWE-918"),
    "hold the host to a list, or refuse private and metadata addresses after resolving",
)
SQL: Final = _rule(
    "sql-injection",
    "an argument is put into the text of a query",
    Severity.HIGH,
    ("OWASP-MCP05", "SAFE-T1803", "CWE-89"),
    "hand the values to the query as parameters",
)
DESERIALISE: Final = _rule(
    "deserialisation",
    "what an outsider writes is turned into objects",
    Severity.HIGH,
    ("OWASP-MCP05", "CWE-502"),
    "use JSON, or a loader that makes plain values only",
)
DYNAMIC: Final = _rule(
    "dynamic-loading",
    "an argument decides which code is loaded",
    Severity.HIGH,
    ("OWASP-MCP05", "CWE-470"),
    "look the name up in a table of what may be loaded",
)
REMOTE_CODE: Final = _rule(
    "runs-downloaded-code",
    "code from the network or from a coded text is run",
    Severity.CRITICAL,
    ("OWASP-MCP04", "SAFE-T1002", "CWE-506"),
    "do not use it",
)
LEAK: Final = _rule(
    "environment-harvested",
    "the environment, or what lies where keys are kept, is sent away",
    Severity.CRITICAL,
    ("OWASP-MCP01", "SAFE-T1503", "CWE-200"),
    "do not use it, and change every secret that it could read",
)
RULES: Final = (
    COMMAND,
    CODE,
    TEMPLATE,
    PATH,
    SSRF,
    SQL,
    DESERIALISE,
    DYNAMIC,
    REMOTE_CODE,
    LEAK,
)
_BY_KIND: Final = {
    "command": COMMAND, "program": COMMAND, "code": CODE, "template": TEMPLATE, "path": PATH, "ssrf": SSRF, "sql": SQL, "deserialise": DESERIALISE,
    "dynamic": DYNAMIC,
}  # fmt: skip
_FEW: Final = 3
"""Files without any handler that are taken for a handler's own code."""
_ALWAYS: Final = frozenset(("command", "code", "deserialise", "sql"))
_REQUEST: Final = frozenset(("request", "req", "params", "arguments", "args", "input", "payload", "body"))
_CONTEXT: Final = frozenset(
    (
        "self",
        "cls",
        "ctx",
        "context",
        "mcp_context",
        "extra",
        "server",
        "app",
        "next",
        "res",
        "response",
        "cancellationToken",
        "token",
        "session",
    )
)
_FILES: Final = ("read_file", "write_file", "filesystem", "list_directory", "readfile", "writefile")


def look(units: Sequence[Unit]) -> Iterator[ScanFinding]:
    """Everything that values do in these files together."""
    yield from judged(Analysis(units))


def judged(analysis: Analysis) -> Iterator[ScanFinding]:
    """What an analysis comes to, even one that was stopped."""
    units = analysis.units
    handlers = any(function.handler for unit in units for function in unit.functions)
    causes: dict[tuple[str, str], ScanFinding] = {}
    for unit, function, hit in hits_of(analysis):
        found = _judge(unit, function, hit, handlers=handlers, few=len(units) <= _FEW)
        if found is None:
            continue
        known = causes.setdefault((found.rule, found.location.file), found)
        if found.location not in (known.location, *known.also):
            worse = max(known.severity, found.severity)
            causes[found.rule, found.location.file] = replace(
                known, also=(*known.also, found.location), severity=worse
            )
    yield from causes.values()


def _judge(unit: Unit, function: Function, hit: Hit, *, handlers: bool, few: bool) -> ScanFinding | None:
    place = Location(hit.file, *hit.place)
    target = f"tool:{function.tool}" if function.handler and function.tool else f"file:{unit.file}"
    if hit.kind == "leak":
        return LEAK.at(target, place, f"{hit.call} is given {', '.join(sorted(hit.labels))}")
    if hit.kind in ("code", "command", "program", "dynamic") and hit.labels & {"net", "decoded"}:
        return REMOTE_CODE.at(
            target,
            place,
            f"{hit.call} is given what was {'decoded' if 'decoded' in hit.labels else 'downloaded'}",
        )
    if hit.kind == "deserialise" and "net" in hit.labels:
        return DESERIALISE.at(target, place, f"{hit.call} is given what was downloaded")
    names = [
        function.params[int(label)]
        for label in sorted(hit.labels)
        if label.isdigit() and int(label) < len(function.params)
    ]
    names = [name for name in names if name not in _CONTEXT]
    rule = _BY_KIND.get(hit.kind)
    if not names or rule is None:
        return None
    if function.handler:
        # A tool that opens whatever it is told may be meant to; one that puts a name behind a directory is not.
        open_ = hit.kind == "path" and not hit.joined
        severity = Severity.MEDIUM if open_ else rule.severity
        return rule.at(target, place, f"{', '.join(names)} reaches {hit.call}", severity=severity)
    if handlers and not (set(names) & _REQUEST and few):
        return None
    if not few and hit.kind not in _ALWAYS:
        return None
    milder = Severity.MEDIUM if rule.severity > Severity.MEDIUM and not few else rule.severity
    return rule.at(
        target,
        place,
        f"{', '.join(names)} reaches {hit.call}",
        severity=milder,
        confidence=Confidence.POSSIBLE,
    )
