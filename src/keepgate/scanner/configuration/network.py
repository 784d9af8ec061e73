"""How a server is reached: in plain text, by everybody, without authentication, through a tunnel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import ConfiguredServer, ScanFinding
from keepgate.scanner.hosts import is_address, is_here, is_inside, is_relay
from keepgate.scanner.launch import Launch, launch_of, target_of, variables
from keepgate.scanner.rule import Rule

PLAIN: Final = Rule(
    "config.plain-http",
    "the server is reached without encryption",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP07", "CWE-319"),
    "use https://, or reach it through a tunnel of your own",
)
BIND_ALL: Final = Rule(
    "config.bind-all",
    "the server listens for every machine around",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    ("OWASP-MCP07", "SAFE-T1005", "CWE-1327"),
    "bind it to 127.0.0.1",
)
AUTH_OFF: Final = Rule(
    "config.authentication-off",
    "authentication is switched off",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP07", "CWE-306"),
    "take the option out",
)
RELAY: Final = Rule(
    "config.relay-host",
    "the server, or what it is given, goes through a public tunnel or drop",
    Severity.HIGH,
    Confidence.LIKELY,
    ("OWASP-MCP09", "SAFE-T1911", "CWE-441"),
    "reach the server at its own address",
)
BARE_ADDRESS: Final = Rule(
    "config.bare-address",
    "the server is named by an address and not by a name",
    Severity.MEDIUM,
    Confidence.POSSIBLE,
    ("OWASP-MCP09", "CWE-350"),
    "use the name that its certificate is for, and find out who runs it",
)
METADATA: Final = Rule(
    "config.metadata-address",
    "the configuration leads to the metadata service of a cloud",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP05", "CWE-918"),
    "take the address out: it hands out the machine's credentials",
)
RULES: Final = (PLAIN, BIND_ALL, AUTH_OFF, RELAY, BARE_ADDRESS, METADATA)

_EVERY: Final = ("0.0.0.0", "::", "[::]", "*", "0", "0:0:0:0:0:0:0:0")
_HOST_OPTIONS: Final = (
    "--host",
    "--bind",
    "--listen",
    "--address",
    "--hostname",
    "--addr",
    "--listen-address",
    "--bind-address",
    "--server.address",
    "--ip",
)
_HOST_VARIABLES: Final = frozenset(
    "HOST MCP_HOST FASTMCP_HOST SERVER_HOST BIND_HOST LISTEN_HOST BIND_ADDRESS LISTEN_ADDRESS MCP_SERVER_HOST UVICORN_HOST FASTMCP_SERVER_HOST BIND MCP_BIND LISTEN HTTP_HOST MCP_HTTP_HOST LISTEN_ADDR".split()
)
_OFF_OPTIONS: Final = frozenset(
    "--no-auth --disable-auth --noauth --skip-auth --without-auth --allow-unauthenticated --insecure-no-auth --dangerously-omit-auth --no-authentication --disable-authentication --allow-anonymous --auth-disabled".split()
)
_TRUE: Final = ("1", "true", "yes", "on")
_OFF_VARIABLES: Final = {
    "DANGEROUSLY_OMIT_AUTH": _TRUE, "DISABLE_AUTH": _TRUE, "NO_AUTH": _TRUE, "SKIP_AUTH": _TRUE, "AUTH_DISABLED": _TRUE,
    "MCP_DISABLE_AUTH": _TRUE, "MCP_NO_AUTH": _TRUE, "ALLOW_ANONYMOUS": _TRUE, "ALLOW_UNAUTHENTICATED": _TRUE,
    "AUTH_ENABLED": ("0", "false", "no", "off"), "MCP_AUTH": ("none", "off", "false", "disabled"), "REQUIRE_AUTH": ("0", "false", "no", "off"),
    "AUTH_MODE": ("none", "off", "disabled"), "MCP_AUTH_MODE": ("none", "off", "disabled"), "ENABLE_AUTH": ("0", "false", "no", "off"),
    "OMIT_AUTH": _TRUE, "AUTH_REQUIRED": ("0", "false", "no", "off"), "MCP_AUTH_ENABLED": ("0", "false", "no", "off"),
}  # fmt: skip
_CONTAINERS: Final = ("docker", "podman", "nerdctl")
_METADATA: Final = (
    "169.254.169.254",
    "metadata.google.internal",
    "100.100.100.200",
    "169.254.170.2",
    "fd00:ec2::254",
)


def look(server: ConfiguredServer) -> Iterator[ScanFinding]:
    """How an entry is reached."""
    launch = launch_of(server)
    if server.entry.url:
        yield from _url(server, server.entry.url, "/url", sends=bool(server.entry.headers))
    if launch is not None:
        yield from _options(launch)
        yield from _addresses(server, launch)
    for name, value, place in variables(launch, server):
        upper, plain = name.upper(), value.strip().lower()
        if (
            upper in _HOST_VARIABLES
            and plain.rpartition(":")[0 if plain.count(":") == 1 else 2] in _EVERY
            and not _contained(launch)
        ):
            yield BIND_ALL.at(target_of(server), place, f"{name}={value}")
        if plain in _OFF_VARIABLES.get(upper, ()):
            yield AUTH_OFF.at(target_of(server), place, f"{name}={value}")
        if is_relay(host_of(value)):
            yield RELAY.at(target_of(server), place, f"{name}={_short(value)}")
        if any(each in plain for each in _METADATA):
            yield METADATA.at(target_of(server), place, f"{name}={_short(value)}")


def _contained(launch: Launch | None) -> bool:
    """In a container of its own, all addresses are those of the container."""
    return launch is not None and launch.program in _CONTAINERS


def _options(launch: Launch) -> Iterator[ScanFinding]:
    if not _contained(launch):
        for word, value in launch.values(*_HOST_OPTIONS):
            bare = value.rpartition(":")[0] if value.count(":") == 1 else value
            if bare in _EVERY:
                yield BIND_ALL.at(launch.target, launch.at(word), " ".join(launch.texts))
    for word in launch.words:
        name, _, value = word.text.partition("=")
        if (name in _OFF_OPTIONS and value.lower() not in ("false", "0")) or word.text.lower() in (
            "--auth=none",
            "--auth=false",
            "--auth=off",
        ):
            yield AUTH_OFF.at(launch.target, launch.at(word), word.text)


def _addresses(server: ConfiguredServer, launch: Launch) -> Iterator[ScanFinding]:
    bridge = any(
        "mcp-remote" in text or "supergateway" in text or "mcp-proxy" in text
        for text in (launch.program, *launch.texts)
    )
    sends = launch.flag("--header", "-H") is not None
    for word in launch.words:
        if word.text.startswith(("http://", "https://", "ws://", "wss://")):
            if bridge:
                yield from _url(server, word.text, word.pointer, sends=sends)
            elif is_relay(host_of(word.text)):
                yield RELAY.at(launch.target, launch.at(word), _short(word.text))
        elif is_relay(host_of(word.text.rpartition("@")[2])) and "." in word.text:
            yield RELAY.at(launch.target, launch.at(word), _short(word.text))
        if any(each in word.text for each in _METADATA):
            yield METADATA.at(launch.target, launch.at(word), _short(word.text))


def _url(server: ConfiguredServer, url: str, pointer: str, *, sends: bool) -> Iterator[ScanFinding]:
    target, place, host = target_of(server), server.at(pointer), host_of(url)
    if url.startswith(("http://", "ws://")) and host and not is_here(host):
        severity = (
            Severity.HIGH
            if sends or not is_inside(host)
            else Severity.MEDIUM
            if is_dotted(host)
            else Severity.LOW
        )
        yield PLAIN.at(target, place, _short(url), severity=severity)
    if host in ("0.0.0.0", "::"):
        yield BIND_ALL.at(target, place, _short(url), confidence=Confidence.POSSIBLE)
    if any(each in url for each in _METADATA):
        yield METADATA.at(target, place, _short(url))
    elif is_relay(host):
        yield RELAY.at(target, place, _short(url))
    elif is_address(host):
        yield BARE_ADDRESS.at(target, place, _short(url))


def is_dotted(host: str) -> bool:
    """False for names that only a container's network knows."""
    return "." in host or ":" in host


def host_of(url: str) -> str:
    """The host of an address; empty for what is none."""
    try:
        return (urlsplit(url if "://" in url else "//" + url).hostname or "").lower()
    except ValueError:
        return ""


def _short(url: str) -> str:
    """An address without what may be secret in it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{host}{port}{'/…' if len(parts.path) > 1 else ''}" if host else url[:80]
