"""Checks of `identity`: what would let a token in that is not meant for this gateway refuses to start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keepgate.config.sections.identity import Issuer
from keepgate.config.settings import Document
from keepgate.config.tree import Path
from keepgate.config.values import is_loopback

Remark = tuple[Path, str]
"""Where in the file, and what."""

WANTED: Final = {
    "user": "it needs an issuer of access tokens under `identity.issuers`",
    "client": "it needs an issuer of access tokens under `identity.issuers`, or `tls.client_ca`",
    "group": "no issuer under `identity.issuers` has `claims.groups`",
    "tenant": "no issuer under `identity.issuers` has `claims.tenant`",
}
"""What is missing for a grant to somebody of this kind ever to match."""


def can_name(document: Document, kind: str) -> bool:
    """Whether some issuer's tokens can stand for somebody that is named so in grants."""
    issuers = document.identity.issuers.values()
    if kind == "group":
        return any(issuer.claims.groups for issuer in issuers)
    if kind == "tenant":
        return any(issuer.claims.tenant for issuer in issuers)
    if kind == "client" and document.tls and document.tls.client_ca:
        return True
    return bool(issuers)


def problems(document: Document) -> Iterator[Remark]:
    """Reasons to refuse the configuration."""
    identity = document.identity
    if identity.trust_domains and not (document.tls and document.tls.client_ca):
        yield ("identity", "trust_domains"), "certificates are not asked for: set `tls.client_ca`"
    if not identity.issuers:
        for key in ("scopes", "dpop_nonce"):
            if getattr(identity, key):
                yield (
                    ("identity", key),
                    f"`identity.{key}` concerns access tokens: it needs `identity.issuers`",
                )
        return
    if not document.public_url:
        yield (
            ("identity", "issuers"),
            "access tokens must be for this gateway by name: set `identity.public_url` to the URL that clients use",
        )
    for name, issuer in identity.issuers.items():
        yield from ((("identity", "issuers", name, *path), text) for path, text in _issuer(issuer))
    yield from _together(document)
    yield from _front(document)
    login = document.admin.login if document.admin is not None else None
    if login is not None and login.issuer not in identity.issuers:
        yield ("admin", "login", "issuer"), f"`{login.issuer}` is none of `identity.issuers`"


def warnings(document: Document) -> Iterator[Remark]:
    """What is allowed but probably not meant."""
    if document.identity.step_up and not document.identity.issuers:
        yield (
            ("identity", "step_up"),
            "nobody can log in with an access token: what this concerns is denied to all",
        )
    if document.identity.front is not None and document.identity.front.registration:
        yield ("identity", "front", "registration"), "whoever can reach this gateway may register a client"
    for name, issuer in document.identity.issuers.items():
        where: Path = ("identity", "issuers", name)
        if "JWT" in issuer.types:
            yield (
                (*where, "types"),
                "with `JWT`, any signed token of this issuer whose audience fits is taken for an access token",
            )
        if issuer.private_network and is_loopback(urlsplit(issuer.url).hostname or ""):
            yield (*where, "private_network"), "the issuer is on this machine: `private_network` does nothing"


def _issuer(issuer: Issuer) -> Iterator[Remark]:
    asked = issuer.introspection.url if issuer.introspection else ""
    for path, url in (
        (("url",), issuer.url),
        (("jwks_url",), issuer.jwks_url),
        (("introspection", "url"), asked),
    ):
        if url.startswith("http:") and not is_loopback(urlsplit(url).hostname or ""):
            yield path, "must be https: whoever can change what is sent on the way could make tokens"
    if urlsplit(issuer.url).query:
        yield ("url",), "an issuer has no query"
    for key in ("algorithms", "types"):
        if not getattr(issuer, key):
            yield (key,), f"`{key}` is empty: no token could be accepted"
    for number, audience in enumerate(issuer.audience):
        if "*" in audience:
            yield (
                ("audience", number),
                "an audience must be named: a wildcard would take tokens meant for others",
            )
    for key in ("user", "client"):
        if not getattr(issuer.claims, key):
            yield ("claims", key), f"`claims.{key}` must name a claim"


def _front(document: Document) -> Iterator[Remark]:
    front = document.identity.front
    if front is None:
        return
    where: Path = ("identity", "front")
    issuer = document.identity.issuers.get(front.issuer)
    if issuer is None:
        yield (*where, "issuer"), f"`{front.issuer}` is none of `identity.issuers`"
    elif issuer.dpop == "required":
        yield (
            (*where, "issuer"),
            "tokens of the front are bound to no key, which this issuer's tokens must be",
        )


def _together(document: Document) -> Iterator[Remark]:
    """What two issuers must not have in common."""
    urls: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    asked = ""
    for name, issuer in document.identity.issuers.items():
        where: Path = ("identity", "issuers", name)
        if (other := urls.setdefault(issuer.url, name)) != name:
            yield (*where, "url"), f"issuer `{other}` has the same `url`"
        if (other := prefixes.setdefault(issuer.prefix, name)) != name:
            yield (
                (*where, "prefix") if issuer.prefix else where,
                f"issuer `{other}` has the same `prefix`: one's users could pass for the other's, give each its own",
            )
        if issuer.introspection and asked:
            yield (
                (*where, "introspection"),
                f"issuer `{asked}` is asked already: an opaque token does not say whose it is, and is not shown around",
            )
        asked = asked or (name if issuer.introspection else "")
