"""Checks of one server's section: what contradicts itself refuses to start, what is only odd becomes a warning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keepgate.config.check_identity import Remark
from keepgate.config.sections.auth import Auth
from keepgate.config.sections.server import Server, UpstreamTls
from keepgate.config.values import is_link_local, is_loopback
from keepgate.policy.servers import check_labels

_SECRET_WORDS: Final = ("token", "secret", "password", "passwd", "apikey", "api_key", "api-key", "credential",
                        "private", "authorization", "cookie")  # fmt: skip
_BY_URL: Final = ("headers", "auth", "allow_private", "tls")
"""Keys that say how a server with a `url` is reached."""
_BY_COMMAND: Final = ("args", "env", "pass_env", "sandbox", "warm")
_NOTHING: Final = Server()


def problems(server: Server) -> Iterator[Remark]:
    """Reasons to refuse it; paths start at the server."""
    if bool(server.command) is bool(server.url):
        yield (), "a server needs exactly one of `command` and `url`"
    elif server.url:
        yield from _misplaced(server, _BY_COMMAND, "for a server with a `command`, this one has a `url`")
        yield from _reached(server)
        yield from _authorized(server)
    else:
        yield from _misplaced(server, _BY_URL, "for a server with a `url`, this one has a `command`")
    if "" in server.command[:1]:
        yield ("command",), "the program in `command` is empty"
    yield from _labelled(server)
    if any("\0" in word for word in server.argv):
        yield ("command",), "`command` must not have NUL characters"


def _labelled(server: Server) -> Iterator[Remark]:
    said: list[tuple[tuple[str, ...], tuple[str, ...]]] = [(("flow",), server.flow.labels)]
    said += [(("tools", name), each.labels) for name, each in server.tools.items()]
    for path, labels in said:
        try:
            check_labels(labels)
        except ValueError as error:
            yield (*path, "labels"), str(error)


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


def _authorized(server: Server) -> Iterator[Remark]:
    auth = server.auth
    if auth is None:
        return
    if any(name.lower() == "authorization" for name in server.headers):
        yield ("headers",), "`auth` writes the `Authorization` header: remove it from `headers`"
    if server.url.startswith("http:") and not is_loopback(urlsplit(server.url).hostname or ""):
        yield ("url",), "must be https: tokens would be sent in clear"
    yield from _client(auth)
    if (auth.type == "id_jag") is (auth.idp is None):
        yield ("auth",), "`idp` is for `id_jag`, which needs it"
    if auth.type not in ("token_exchange", "id_jag") and (
        auth.subject_token or auth.subject != "access_token"
    ):
        yield ("auth",), f"`subject` and `subject_token` are for an exchange, not for `{auth.type}`"
    if auth.idp is not None and bool(auth.idp.issuer) is bool(auth.idp.token_url):
        yield ("auth", "idp"), "`idp` needs one of `issuer` and `token_url`"


def _client(auth: Auth) -> Iterator[Remark]:
    secrets = [key for key in ("client_secret", "client_key") if getattr(auth, key) is not None]
    if len(secrets) > 1:
        yield ("auth", "client_key"), "a client has a secret or a key, not both"
    if secrets and not auth.client_id:
        yield ("auth", secrets[0]), f"`{secrets[0]}` is that of a client: write its `client_id`"
    if auth.client_id and not auth.issuer:
        yield (
            ("auth", "client_id"),
            "credentials belong to an issuer: write `issuer`, or the server could choose who gets them",
        )
    if auth.type != "oauth" and not (auth.client_id and secrets):
        yield (
            ("auth", "type"),
            f"`{auth.type}` needs a client: `client_id` and `client_secret` or `client_key`",
        )


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
