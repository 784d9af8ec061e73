"""Checks of one server's section: what contradicts itself refuses to start, what is only odd becomes a warning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keepgate.config.check_identity import Remark
from keepgate.config.sections.server import Server, UpstreamTls
from keepgate.config.values import is_link_local, is_loopback

_SECRET_WORDS: Final = ("token", "secret", "password", "passwd", "apikey", "api_key", "api-key", "credential",
                        "private", "authorization", "cookie")  # fmt: skip
_BY_URL: Final = ("headers", "allow_private", "tls")
"""Keys that say how a server with a `url` is reached."""
_BY_COMMAND: Final = ("args", "env", "pass_env")
_NOTHING: Final = Server()


def problems(server: Server) -> Iterator[Remark]:
    """Reasons to refuse it; paths start at the server."""
    if bool(server.command) is bool(server.url):
        yield (), "a server needs exactly one of `command` and `url`"
    elif server.url:
        yield from _misplaced(server, _BY_COMMAND, "for a server with a `command`, this one has a `url`")
        yield from _reached(server)
    else:
        yield from _misplaced(server, _BY_URL, "for a server with a `url`, this one has a `command`")
    if "" in server.command[:1]:
        yield ("command",), "the program in `command` is empty"
    if any("\0" in word for word in server.argv):
        yield ("command",), "`command` must not have NUL characters"


def _misplaced(server: Server, keys: tuple[str, ...], why: str) -> Iterator[Remark]:
    for key in keys:
        if getattr(server, key) != getattr(_NOTHING, key):
            yield (key,), f"`{key}` is {why}"


def _reached(server: Server) -> Iterator[Remark]:
    if is_link_local(urlsplit(server.url).hostname or ""):
        yield ("url",), "a link-local address belongs to no server, but may to a cloud's metadata service"
    if server.tls != UpstreamTls() and not server.url.startswith("https:"):
        yield ("tls",), "`tls` is for `https://`, this `url` is plain http"
    if (server.tls.cert is None) is not (server.tls.key is None):
        yield ("tls",), "`tls.cert` and `tls.key` need each other"


def warnings(server: Server) -> Iterator[Remark]:
    """What is allowed but probably not meant."""
    for key, pairs in (("env", server.env), ("headers", server.headers)):
        for name, given in pairs.items():
            if isinstance(given, str) and given and any(word in name.lower() for word in _SECRET_WORDS):
                yield (
                    (key, name),
                    f"`{name}` looks like a secret in clear: write {{secret: env:NAME}} instead",
                )
    if server.url.startswith("http:") and not is_loopback(urlsplit(server.url).hostname or ""):
        yield ("url",), "plain http: everything sent to this server can be read on the way"
