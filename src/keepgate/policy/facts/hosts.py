"""Hosts of URLs and of e-mail addresses.

Programs disagree about odd URLs and addresses, and attacks live on it. So only plain ones are read: no user names, no
backslashes, no blanks, no display names, no quoted parts, nothing but ASCII. About the rest nothing is said.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final

from publicsuffixlist import PublicSuffixList

from keepgate.policy.facts.values import MOST, Unclear

LONGEST: Final = 8192
"""Characters of one text."""
_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_LOCAL: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#$&'*+-/=?^_`{|}~.")
"""Without `%` and `!`: some mail servers send `user%elsewhere@here` and `elsewhere!user@here` elsewhere."""
_SCHEME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789+-.")


def hosts(text: str) -> set[str]:
    """The hosts of a URL, of one or several e-mail addresses, or of a bare name, in lower case. Raises Unclear."""
    if not text or len(text) > LONGEST or not text.isascii() or "\\" in text:
        raise Unclear
    if "://" in text:
        return {_of_url(text)}
    if "@" in text:
        addresses = text.replace(";", ",").split(",")
        if len(addresses) > MOST:
            raise Unclear
        return {_of_address(each.strip(" ")) for each in addresses}
    return {_name(text)}


def domain(host: str) -> str:
    """The registrable domain of a host: `mail.example.co.uk` is `example.co.uk`. An address is its own.

    Raises Unclear for what nobody can register: `localhost`, a public suffix such as `github.io`.
    """
    if _is_address(host):
        return host
    found = _suffixes().privatesuffix(host)
    if not found:
        raise Unclear
    return str(found)


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    """The list as it comes with the package: no network. A name whose suffix it does not know is not registrable."""
    return PublicSuffixList(accept_unknown=False)


def _of_url(url: str) -> str:
    if any(char <= " " or char == "\x7f" for char in url):
        raise Unclear
    scheme, _, rest = url.partition("://")
    if not scheme or not set(scheme.lower()) <= _SCHEME:
        raise Unclear
    ends = [at for mark in "/?#" if (at := rest.find(mark)) >= 0]
    authority = rest[: min(ends, default=len(rest))]
    if authority.startswith("["):
        inside, bracket, port = authority[1:].partition("]")
        if not bracket or not _is_ipv6(inside):
            raise Unclear
        host = f"[{inside.lower()}]"
    else:
        name, colon, digits = authority.partition(":")
        host, port = _name(name), colon + digits
    if port and (port[0] != ":" or not (port[1:].isdigit() or port == ":")):
        raise Unclear
    return host


def _is_ipv6(text: str) -> bool:
    """True for an IPv6 address without a zone."""
    try:
        return "%" not in text and bool(IPv6Address(text))
    except ValueError:
        return False


def _of_address(address: str) -> str:
    local, at, name = address.rpartition("@")
    if not at or not local or not set(local) <= _LOCAL:
        raise Unclear
    return _name(name)


def _name(host: str) -> str:
    name = host.lower().removesuffix(".")
    labels = name.split(".")
    if not 0 < len(name) <= 253 or any(
        not each or not set(each) <= _LETTERS or len(each) > 63 for each in labels
    ):
        raise Unclear
    last = labels[-1]
    if (last.isdigit() or last.startswith("0x")) and not _is_dotted_quad(labels):
        raise Unclear  # one of the odd ways to write an address: 127.1, 0x7f000001, 2130706433
    return name


def _is_dotted_quad(labels: list[str]) -> bool:
    return len(labels) == 4 and all(
        each.isdigit() and str(int(each)) == each and int(each) < 256 for each in labels
    )


def _is_address(host: str) -> bool:
    return host.startswith("[") or _is_dotted_quad(host.split("."))
