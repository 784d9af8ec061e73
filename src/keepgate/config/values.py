"""Single values of the configuration: what each may look like, and how to say it right.

Validators raise ValueError with the text that is shown beside file, line and column.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SCHEMES: Final = ("env", "file", "keyring", "store")
_OURS: Final = frozenset(
    "accept connection content-encoding content-length content-type host te transfer-encoding upgrade".split()
)
"""Headers that keepgate writes itself, besides everything that starts with `mcp-`."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a secret, fetched only when it is used: `{secret: "env:GITHUB_TOKEN"}`."""

    scheme: str
    """env (a variable of keepgate's environment), file (a path), keyring (`service/name`), store (keepgate's own)"""
    name: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}"


Value = str | Secret
"""Text, or a reference to it."""

VALUE_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"secret": {"type": "string", "pattern": f"^({'|'.join(SCHEMES)}):.+$"}},
            "required": ["secret"],
            "additionalProperties": False,
        },
    ]
}
SECRET_SCHEMA: Final[dict[str, Any]] = VALUE_SCHEMA["anyOf"][1]
WORDS_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}


def value(given: object) -> Value:
    """Text or a secret reference. Never repeats the text: it may be a secret."""
    if isinstance(given, str):
        if any(c < " " and c != "\t" for c in given):
            raise ValueError("must not have control characters")
        return given
    if isinstance(given, dict) and given.keys() == {"secret"} and isinstance(given["secret"], str):
        scheme, _, name = given["secret"].partition(":")
        if scheme in SCHEMES and name:
            return Secret(scheme, name)
        raise ValueError(f"a secret is one of {', '.join(f'`{each}:...`' for each in SCHEMES)}")
    raise ValueError("must be text (in quotes if it looks like a number) or `{secret: env:NAME}`")


def secret(given: object) -> Secret:
    """A secret reference, never the secret itself."""
    found = value(given)
    if not isinstance(found, Secret):
        raise ValueError("must be a reference, not the secret itself: write {secret: env:NAME}")
    return found


def claim(given: object) -> object:
    """The name of a claim, or the path to one inside of others."""
    if isinstance(given, str):
        return (given,)
    return tuple(given) if isinstance(given, list) else given


def public_url(given: str) -> str:
    """Scheme, host and port of the gateway for its clients: HTTPS, or HTTP on loopback."""
    parts = urlsplit(url(given))
    if given.rstrip("/") != f"{parts.scheme}://{parts.netloc}" or "*" in given or given != given.lower():
        raise ValueError("must be scheme and host in lower case, no path: `https://gate.example.com`")
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("must be https: tokens would be sent in clear")
    return given.rstrip("/")


def words(given: object) -> object:
    """A command: a list, or one word as client configurations write it."""
    if isinstance(given, str):
        if " " in given.strip():
            raise ValueError("write the command as a list, one word each: no shell splits it")
        return (given,)
    return tuple(given) if isinstance(given, list) else given


def url(given: str) -> str:
    """An http or https address without credentials."""
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address such as `https://host/path`")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry credentials: put them under `headers` as a secret")
    if parts.fragment or any(c <= " " for c in given):
        raise ValueError("must not have a fragment or blanks")
    return given


def receiver(given: str) -> str:
    """As `url`; or `tls://host:port`."""
    parts = urlsplit(given)
    if parts.scheme != "tls":
        return url(given)
    if not parts.hostname or not parts.port or given != f"tls://{parts.netloc}" or "@" in parts.netloc:
        raise ValueError("must be `tls://host:port`")
    return given


NETWORK_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"enum": ["none", "host"]}, {"type": "array", "items": {"type": "string"}}]
}


def network(given: object) -> str | tuple[str, ...]:
    """`none`, `host`, or the destinations that may be reached."""
    if given in ("none", "host"):
        return str(given)
    if isinstance(given, list) and all(isinstance(each, str) for each in given):
        return tuple(map(destination, given))
    raise ValueError("must be `none`, `host` or a list of `host:port`")


def destination(given: str) -> str:
    """Where a contained server may connect to: `host:port`, `*.host:port`, `address:port`, `network/bits:port`."""
    host, _, port = given.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    fits = port == "*" or (port.isascii() and port.isdigit() and 0 < int(port) < 65536)
    if not fits or (":" in bare) is (bare == host):
        raise ValueError(f"`{given}` is not `host:port`: write `api.example.com:443`")
    try:
        ip_network(bare)
    except ValueError as error:
        name = bare.removeprefix("*.").replace("-", "").replace("_", "").replace(".", "")
        if "/" in bare or not name.isascii() or not name.isalnum() or bare[-1:].isdigit():
            text = (
                f"`{bare}` is neither a name (`api.example.com`, `*.example.com`) nor an address or network"
            )
            raise ValueError(text) from error
    return given.lower()


def header(given: str) -> str:
    """A header name that the operator may set."""
    if given.lower() in _OURS or given.lower().startswith("mcp-"):
        raise ValueError(f"`{given}` is written by keepgate itself")
    return given


def listen(given: str) -> str:
    """`address:port`, the address an IP address or a name, IPv6 in brackets."""
    split_listen(given)
    return given


def split_listen(given: str) -> tuple[str, int]:
    """Host without brackets, and port. Raises ValueError."""
    host, _, port = given.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if (
        not bare
        or (":" in bare) is (bare == host)
        or not (port.isascii() and port.isdigit())
        or int(port) > 65535
    ):
        raise ValueError(f"`{given}` is not an address and a port: write `127.0.0.1:8700` or `[::1]:8700`")
    return bare, int(port)


def is_loopback(given: str) -> bool:
    """True if `given` is an address or name that only this machine reaches."""
    if given == "localhost":
        return True
    try:
        return ip_address(given).is_loopback
    except ValueError:
        return False


def is_link_local(given: str) -> bool:
    """True if `given` is an address that holds on one link only."""
    try:
        return ip_address(given).is_link_local
    except ValueError:
        return False


def storage(given: str) -> str:
    """`sqlite:///path`."""
    if given.startswith(("postgresql://", "postgres://")):
        raise ValueError("`postgresql://` is built later: use `sqlite:///...` until then")
    if not given.removeprefix("sqlite:///") or not given.startswith("sqlite:///"):
        raise ValueError("must be `sqlite:///` and a file name")
    return given


def host(given: str) -> str:
    """A host name as it stands in a `Host` header, with or without a port."""
    if not given or any(c in given for c in "/*@ ") or not given.isascii():
        raise ValueError(f"`{given}` is not a host name: write `gate.example.com` or `gate.example.com:8700`")
    return given.lower()


def origin(given: str) -> str:
    """A web origin: scheme, host and port, nothing behind."""
    parts = urlsplit(given)
    if (
        parts.scheme not in ("http", "https")
        or given != f"{parts.scheme}://{parts.netloc}"
        or "*" in given
        or not parts.netloc
    ):
        raise ValueError(f"`{given}` is not an origin: write `https://app.example.com`, no path, no wildcard")
    return given.lower()


def timezone(name: str) -> str:
    """Name of a time zone of the IANA database. Raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"`{name}` is no time zone: write one such as `Europe/Berlin` or `UTC`") from None
    return name
