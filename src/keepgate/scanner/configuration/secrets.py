"""Secrets in plain text: in variables, headers, arguments and addresses. Formats come from the detectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.scan import ConfiguredServer, Location, ScanFinding
from keepgate.scanner.hosts import is_reference
from keepgate.scanner.launch import target_of
from keepgate.scanner.rule import Rule

_TAGS: Final = ("OWASP-MCP01", "SAFE-T1502", "CWE-798")

KNOWN: Final = Rule(
    "config.secret",
    "a secret stands in the configuration",
    Severity.HIGH,
    Confidence.CONFIRMED,
    _TAGS,
    "revoke it, and keep the new one out of the file: `keepgate secrets set`, an input variable, or the keychain",
)
LIKELY: Final = Rule(
    "config.secret-likely",
    "what looks like a secret stands in the configuration",
    Severity.MEDIUM,
    Confidence.LIKELY,
    _TAGS,
    KNOWN.fix,
)
IN_ADDRESS: Final = Rule(
    "config.secret-in-address",
    "a secret stands in an address, where logs and proxies keep it",
    Severity.HIGH,
    Confidence.LIKELY,
    ("OWASP-MCP01", "SAFE-T1502", "CWE-598"),
    "revoke it, and send the new one in a header that takes it from a reference",
)
RULES: Final = (KNOWN, LIKELY, IN_ADDRESS)

Detect = Callable[[str], Sequence[Finding]]
"""Findings of the family `secret` in a text."""

_FILL_INS: Final = (
    "your", "xxx", "...", "…", "example", "changeme", "change-me", "change_me", "placeholder", "replace", "insert",
    "dummy", "redacted", "todo", "<", ">", "{{", "}}", "${", "***", "enter", "_here", "-here", "goes here", "test-key",
    "fake", "sample", "my-api", "my_api", "myapi", "api-key", "api_key", "apikey", "none", "null",
    "undefined", "secret-name", "provide", "fill", "set-me", "configure", "optional", "token-value", "keychain", "mytoken",
    "my-token", "my_token", "my-secret", "my_secret", "mysecret", "access-token", "access_token", "some-", "some_", "the-",
)  # fmt: skip
_CODE: Final = frozenset(("c", "e", "command", "encodedcommand", "enc", "eval", "call"))
_COUNTED: Final = ("abc123", "123456789")
"""What people type for a secret that is none; a value in the very format of one is told all the same."""
_HARMLESS: Final = frozenset(
    "postgres root admin password secret test local dev development user guest default demo token key".split()
)
_SHAPED: Final = (
    "id",
    "ids",
    "user",
    "username",
    "name",
    "email",
    "region",
    "profile",
    "mode",
    "level",
    "type",
    "project",
    "host",
    "url",
    "uri",
    "path",
    "file",
    "dir",
    "port",
    "org",
    "organization",
    "workspace",
    "team",
    "scope",
    "scopes",
    "algorithm",
    "length",
    "limit",
    "enabled",
    "required",
    "prefix",
    "format",
    "header",
    "duration",
    "ttl",
    "expiry",
)
"""A variable whose last word is one of these tells about a secret and is none."""


def look(server: ConfiguredServer, detect: Detect) -> Iterator[ScanFinding]:
    """Secrets in an entry, one finding for each place."""
    target = target_of(server)
    for pointer, name, value in _values(server):
        yield from _judge(name, value, target, server.at(pointer), detect, guessed=pointer in server.secrets)
    if server.entry.url:
        yield from _address(server.entry.url, target, server.at("/url"), detect)


def _values(server: ConfiguredServer) -> Iterator[tuple[str, str, str]]:
    entry = server.entry
    for prefix, table in (("/env/", entry.env), ("/headers/", entry.headers)):
        for name, value in table.items():
            yield prefix + name, name, value
    before = ""
    for index, arg in enumerate(entry.args):
        name, mark, value = arg.partition("=")
        if before.lstrip("-").lower() in ("header", "h"):
            name, mark, value = arg.partition(":")
        named = bool(mark) and " " not in name and not name.startswith("http")
        yield f"/args/{index}", (name if named else before).lstrip("-"), value.strip() if named else arg
        before = arg if arg.startswith("-") else ""


def _judge(
    name: str, value: str, target: str, place: Location, detect: Detect, **told: bool
) -> Iterator[ScanFinding]:
    bare = (
        value.removeprefix("Bearer ")
        .removeprefix("bearer ")
        .removeprefix("Basic ")
        .removeprefix("token ")
        .strip()
    )
    if not bare or is_reference(bare) or name.lower() in _CODE or ("://" not in bare and _fill_in(bare)):
        return
    shown = f"{name}={_masked(bare)}" if name else _masked(bare)
    if "://" in bare:
        yield from _address(bare, target, place, detect)
        return
    found = [
        each
        for each in detect(f"{name}={value}" if name else value)
        if each.confidence is Confidence.CONFIRMED
    ]
    if found:
        yield KNOWN.at(target, place, f"{found[0].title}: {shown}")
    elif any(mark in bare.lower() for mark in _COUNTED):
        return
    elif told["guessed"] and not _about(name) and _worth(bare, named=bool(name)):
        yield LIKELY.at(target, place, shown)


def _worth(value: str, *, named: bool) -> bool:
    """Long or mixed enough to be a secret; what is only a word is none, nor is a path."""
    if (
        value.lower() in _HARMLESS
        or "/" in value[:2]
        or value.startswith(("~", "./", "\\"))
        or value[1:3] == ":\\"
    ):
        return False
    if len(value) < 6 or value.replace(".", "").isdigit():
        return False
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return mixed or (named and len(value) >= 8 and (any(not c.isalnum() for c in value) or len(value) >= 16))


def _about(name: str) -> bool:
    words = name.replace("-", "_").lower().split("_")
    return bool(words) and words[-1] in _SHAPED


def _fill_in(value: str) -> bool:
    lowered = value.lower()
    if value.isupper() and "_" in value and not any(sign.isdigit() for sign in value):
        return True  # the name of a variable
    signs = set(lowered.replace("-", "").replace("_", "").replace("sk", "").replace("ghp", ""))
    return any(mark in lowered for mark in _FILL_INS) or len(signs) < 4


def _address(url: str, target: str, place: Location, detect: Detect) -> Iterator[ScanFinding]:
    try:
        parts = urlsplit(url)
        password = unquote(parts.password or "")
    except ValueError:
        return
    shown = f"{parts.scheme}://{parts.hostname or ''}"
    if password and not is_reference(password) and not _fill_in(password):
        if password.lower() not in _HARMLESS:
            yield IN_ADDRESS.at(target, place, f"{shown} with a password")
        return
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        value = unquote(value)
        secret = any(
            word in name.lower()
            for word in ("key", "token", "secret", "password", "auth", "sig", "credential", "pat")
        )
        if secret and value and not is_reference(value) and not _fill_in(value) and _worth(value, named=True):
            yield IN_ADDRESS.at(target, place, f"{shown}?{name}={_masked(value)}")
            return
    if any(each.confidence is Confidence.CONFIRMED for each in detect(url)) and not _fill_in(parts.path):
        yield IN_ADDRESS.at(target, place, f"{shown}/…")
        return
    if any(_opaque(piece) for piece in parts.path.split("/")):
        yield IN_ADDRESS.at(
            target, place, f"{shown}/…", severity=Severity.LOW, confidence=Confidence.POSSIBLE
        )


def _opaque(piece: str) -> bool:
    """A long mixed piece of a path, as hosted servers put keys into their addresses."""
    bare = piece.replace("-", "").replace("_", "")
    return (
        len(bare) >= 24
        and bare.isalnum()
        and sum(c.isdigit() for c in bare) >= 4
        and sum(c.isalpha() for c in bare) >= 4
        and not is_reference(piece)
        and not _fill_in(piece)
    )


def _masked(value: str) -> str:
    return f"{value[: min(4, len(value) // 4)]}… ({len(value)} characters)"
