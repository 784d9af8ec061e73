"""What servers say about how to be authorized: challenges, and where their documents are. Pure: nothing is believed.

RFC 6750 and 9728 (challenges, protected resource metadata), RFC 8414 and OpenID Connect Discovery (issuers).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

_MOST: Final = 32
"""Parameters of a challenge, scopes of a list."""


def bearer(header: str) -> dict[str, str]:
    """The parameters of the first Bearer challenge of a `WWW-Authenticate`; empty if there is none. Never raises."""
    scheme = ""
    found: dict[str, str] = {}
    for part in _parts(header):
        name, equals, value = part.partition("=")
        words = name.split()
        if len(words) == 2 or not equals:
            if scheme == "bearer":
                break
            scheme = words[0].lower() if words else ""
            name = words[1] if len(words) == 2 else ""
        if scheme == "bearer" and name.strip() and len(found) < _MOST:
            found.setdefault(name.strip().lower(), _unquoted(value.strip()))
    return found


def _parts(header: str) -> list[str]:
    """Split at commas that are not within quotes."""
    parts, start, quoted, escaped = [], 0, False, False
    for place, char in enumerate(header):
        if escaped:
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            parts.append(header[start:place])
            start = place + 1
    return [*parts, header[start:]]


def _unquoted(value: str) -> str:
    if len(value) < 2 or not (value.startswith('"') and value.endswith('"')):
        return value
    out, escaped = [], False
    for char in value[1:-1]:
        escaped = char == "\\" and not escaped
        if not escaped:
            out.append(char)
    return "".join(out)


def scopes_of(text: object) -> tuple[str, ...]:
    """The scopes in a space-separated text or a list; what is malformed has none."""
    words = text.split(" ") if isinstance(text, str) else text if isinstance(text, list) else []
    wanted = [word for word in words if isinstance(word, str) and 0 < len(word) <= 256 and _is_scope(word)]
    return tuple(dict.fromkeys(wanted))[:_MOST]


def _is_scope(word: str) -> bool:
    return word.isascii() and word.isprintable() and not any(c in ' "\\' for c in word)


def resource_places(url: str) -> tuple[str, ...]:
    """Where the protected resource metadata of a server can be (RFC 9728 section 3): with its path, at the root."""
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource"
    path = parts.path.rstrip("/")
    return (root + path, root) if path else (root,)


def issuer_places(issuer: str) -> tuple[str, ...]:
    """Where the metadata of an issuer can be: path inserted, then (OpenID Connect) inserted and appended."""
    parts = urlsplit(issuer)
    root, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    oauth, openid = ".well-known/oauth-authorization-server", ".well-known/openid-configuration"
    if not path:
        return f"{root}/{oauth}", f"{root}/{openid}"
    return f"{root}/{oauth}{path}", f"{root}/{openid}{path}", f"{root}{path}/{openid}"


def origin_of(url: str) -> str:
    """Scheme and authority."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def covers(resource: object, url: str) -> bool:
    """Whether a resource can be that of the server at `url`: of the same origin, and its path begins the server's."""
    if not isinstance(resource, str) or len(resource) > 2048:
        return False
    given, server = urlsplit(resource), urlsplit(url)
    if (given.scheme, given.netloc.lower()) != (server.scheme, server.netloc.lower()):
        return False
    path = given.path.rstrip("/")
    return not given.fragment and (server.path.rstrip("/") + "/").startswith(path + "/")


def is_web(url: object, *, local: bool) -> bool:
    """Whether a URL that a server named may be asked: https, or http on this machine where the server is there too."""
    if (
        not isinstance(url, str)
        or len(url) > 2048
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        return False
    try:
        parts = urlsplit(url)
        usable = (
            bool(parts.hostname) and parts.username is None and parts.password is None and not parts.fragment
        )
        _ = parts.port
    except ValueError:
        return False
    return usable and (parts.scheme == "https" or (local and parts.scheme == "http"))


def texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts out of a document; empty if it is absent or anything else."""
    found = document.get(name)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()
