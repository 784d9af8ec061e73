"""Which values of a client's file are secrets, and how a file, a command or an address is shown without them.

A guess, on purpose too eager: a harmless value that is sealed still works, a secret in plain text does not come back.
"""

from __future__ import annotations

from collections import Counter
from math import log2
from urllib.parse import urlsplit, urlunsplit

from keepgate.model.upstream import LaunchEntry
from keepgate.protocol.jsonc import Document, JsoncError, Node, scan

MASK = "***"

_WORDS = frozenset(
    "auth authorization bearer cookie cookies credential credentials dsn key keys pass passwd passphrase password "
    "passwords pat pin private pwd secret secrets session sig signature token".split()
)
_ABOUT = frozenset(
    "count dir directory endpoint file host limit max name path size timeout type uri url".split()
)
"""A name that ends in one of these tells about a secret and is none: `TOKEN_FILE`."""
_PARTS = ("apikey", "authtoken", "credential", "passwd", "password", "secret", "token")
_PLAIN = frozenset(("", "true", "false", "0", "1", "yes", "no", "none", "null"))
_PREFIXES = (
    "-----BEGIN", "AIza", "AKIA", "ASIA", "Basic ", "Bearer ", "eyJ", "gho_", "ghp_", "ghr_", "ghs_", "ghu_",
    "github_pat_", "glpat-", "hf_", "npm_", "pk_", "pypi-", "sk-", "sk_", "xapp-", "xox",
)  # fmt: skip
_TOKEN_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=~.")


def is_secret(name: str, value: str) -> bool:
    """True if a value of this name should not stand in plain text."""
    return value.lower() not in _PLAIN and (secret_name(name) or secret_value(value))


def secret_name(name: str) -> bool:
    """True for `GITHUB_TOKEN`, `exaApiKey`, `x-api-key`, `--password`; false for `MAX_TOKENS` and `KEYBOARD`."""
    split = "".join(
        f" {c}" if c.isupper() and before.islower() else c if c.isalnum() else " "
        for before, c in zip(" " + name, name, strict=False)
    )
    words = split.lower().split()
    return not _ABOUT.intersection(words[-1:]) and any(
        word in _WORDS or word.endswith(_PARTS) for word in words
    )


def secret_value(value: str) -> bool:
    """True for what looks like a credential whatever its name: a known prefix, a password in an address, noise."""
    if "://" in value:
        return secret_address(value)
    if value.startswith(_PREFIXES) and len(value) >= 16:
        return True
    return _TOKEN_CHARS.issuperset(value) and any(
        map(_noise, value.replace("-", ".").replace("_", ".").split("."))
    )


def secret_address(url: str) -> bool:
    """True for an address with credentials in front of the host or in its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return parts.password is not None or any(is_secret(*pair) for pair in _query(parts.query))


def show_url(url: str) -> str:
    """An address without user, query values and path segments that look like credentials."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    _, at, host = parts.netloc.rpartition("@")
    path = "/".join(MASK if secret_value(piece) else piece for piece in parts.path.split("/"))
    query = "&".join(f"{name}={MASK}" for name, _ in _query(parts.query))
    return urlunsplit((parts.scheme, f"{MASK}@{host}" if at else host, path, query, ""))


def show_args(args: tuple[str, ...]) -> tuple[str, ...]:
    """Arguments with secrets masked: `--token x`, `--token=x`, `NAME=x`, `Header: x`, and what looks like one."""
    return tuple(_show_arg(before, arg) for before, arg in zip(("", *args), args, strict=False))


def secret_args(entry: LaunchEntry) -> bool:
    """True if a secret seems to stand among the arguments."""
    return show_args(entry.args) != entry.args


def masked(text: str) -> str:
    """The text of a client's file with its secrets masked and its comments emptied, to be shown, never to be used."""
    try:
        doc = scan(text)
    except JsoncError:
        return MASK
    spans = [(start, end, "//" if text.startswith("//", start) else "/* */") for start, end in doc.comments]
    spans += [(node.start, node.end, f'"{MASK}"') for node in _secret_nodes(doc)]
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _secret_nodes(doc: Document) -> list[Node]:
    """Texts that are not to be shown: everything under `env` and `headers`, and what looks like a secret elsewhere."""
    found = []
    stack = [("", "", doc.root)]
    while stack:
        above, name, node = stack.pop()
        if node.kind == "object":
            stack.extend((name, member.key, member.node) for member in node.members)
        elif node.kind == "array":
            before = ""
            for item in node.value:
                stack.append((before, name, item))
                before = item.value if isinstance(item.value, str) else ""
        elif isinstance(node.value, str) and (
            above in ("env", "headers")
            or is_secret(name, node.value)
            or _show_arg(above, node.value) != node.value
        ):
            found.append(node)
    return found


def _show_arg(before: str, arg: str) -> str:
    if "://" in arg and secret_address(arg):
        return MASK
    for mark in ("=", ":"):
        name, found, value = arg.partition(mark)
        if found and " " not in name and not value.startswith("//") and is_secret(name, value.strip()):
            return f"{name}{mark}{MASK}"
    # `-e GITHUB_TOKEN` names a variable, `--token x` hands over a value.
    after_flag = before.startswith("-") and secret_name(before) and not arg.startswith("-")
    return MASK if after_flag or secret_value(arg) else arg


def _query(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]


def _noise(piece: str) -> bool:
    """True for a long run of characters as mixed as those of a random text; words and versions are not."""
    size = len(piece)
    if size < 16 or not (any(c.isdigit() for c in piece) and any(c.isalpha() for c in piece)):
        return False
    return -sum(n / size * log2(n / size) for n in Counter(piece).values()) >= 3
