"""What is wrong with who is told of alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keepgate.config.sections.alerts import Receiver
from keepgate.config.values import is_loopback

if TYPE_CHECKING:
    from keepgate.config.settings import Document

Remark = tuple[tuple[Any, ...], str]

MAILS = ("465", "587")


def problems(document: Document) -> Iterator[Remark]:
    """Where, and what to change."""
    for name, receiver in document.alerts.receivers.items():
        for key, why in _problems(receiver):
            yield ("alerts", "receivers", name, key), why


def _problems(receiver: Receiver) -> Iterator[tuple[str, str]]:
    kind, url = receiver.type, receiver.url or ""
    if url.startswith("http:") and not is_loopback(urlsplit(url).hostname or ""):
        yield "url", "must be https: who did what would be sent in clear"
    if kind == "email":
        host, _, port = receiver.server.rpartition(":")
        if not host or port not in MAILS:
            yield "server", "must be host and port, `mail.example.com:465` (TLS) or `:587` (STARTTLS)"
        if not receiver.to or not receiver.sender:
            yield "to", "a mail needs `to` and `sender`"
        if any(_breaks(text) for text in (*receiver.to, receiver.sender)):
            yield "to", "must be addresses, one each"
    elif kind == "webhook" and not (url and receiver.secret):
        yield "url", "a webhook needs `url`, and `secret` for its signature"
    elif kind == "pagerduty" and receiver.secret is None:
        yield "secret", "PagerDuty needs the routing key as `secret`"
    elif kind in {"slack", "teams"} and bool(url) == (receiver.secret is not None):
        yield "url", "one of `url` and `secret` (a reference to the address) is needed"


def _breaks(address: str) -> bool:
    return "@" not in address or any(not sign.isprintable() or sign in ' ,;<>"' for sign in address)
