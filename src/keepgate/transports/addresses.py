"""Which addresses an outbound request may go to. Pure.

An address that only carries another one is judged by that one: mapped into IPv6, translated (NAT64), or tunnelled
(6to4, Teredo).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_WRAPPERS: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""Nothing but an IPv4 address written as IPv6."""
_NAT64: Final = (_WRAPPERS[1], IPv6Network("64:ff9b:1::/48"))
_MORE: Final = (ip_network("192.0.0.0/24"), ip_network("fec0::/10"))
"""Not global, whatever this version of Python thinks: protocol assignments (a cloud's metadata), old site-local."""
_COMPATIBLE: Final = IPv6Network("::/96")
_PRIVATE: Final = tuple(
    ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
_METADATA: Final = (IPv6Address("fd00:ec2::254"), IPv6Address("fd20:ce::254"))
"""Clouds that answer for their metadata service within a private network."""
_METADATA_V4: Final = tuple(
    ip_network(each)
    for each in ("169.254.0.0/16", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32")
)
"""Where clouds answer for it in IPv4: link-local, Alibaba's, Oracle's, Azure's."""


def is_public(text: str) -> bool:
    """Whether anybody on the internet could mean this address: not private, loopback, link-local, metadata, multicast.

    What is no address is not public.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    carried = _carried(address)
    if any(address in network for network in _WRAPPERS):
        return all(_global(inner) for inner in carried)
    return _global(address) and all(_global(inner) for inner in carried)


def is_private(text: str) -> bool:
    """Whether it is an address of a private network (RFC 1918, RFC 4193), and no metadata service."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return address not in _METADATA and any(address in network for network in _PRIVATE)


def is_metadata(text: str) -> bool:
    """Whether a cloud's metadata service may answer there, or anything else that is link-local; so is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return True
    inner = [each for each in (address, *_carried(address)) if isinstance(each, IPv4Address)]
    return (
        address in _METADATA
        or address.is_link_local
        or any(each in network for each in inner for network in _METADATA_V4)
    )


def _global(address: IPv4Address | IPv6Address) -> bool:
    odd = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not odd and not any(address in network for network in _MORE)


def _carried(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address carries."""
    if isinstance(address, IPv4Address):
        return []
    found = [each for each in (address.ipv4_mapped, address.sixtofour) if each is not None]
    found += list(address.teredo or ())
    if any(address in network for network in (*_NAT64, _COMPATIBLE)):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return found
