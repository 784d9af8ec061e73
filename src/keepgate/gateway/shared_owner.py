"""The owner of the links that no session owns: what servers say there unasked, and that they are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from keepgate.gateway.enforce import Enforcer
    from keepgate.gateway.link import Link
    from keepgate.gateway.upstream import Upstream
    from keepgate.model.errors import UpstreamError
    from keepgate.model.message import Message


class SharedOwner:
    """Owner of the links that no session owns."""

    upstream: Upstream

    def __init__(self, enforcer: Enforcer, pass_on: Callable[[str, Message], None]) -> None:
        """`pass_on` takes what a server, by its key, says to whoever listens."""
        self._enforcer = enforcer
        self._pass_on = pass_on

    def unsolicited(self, link: Link, message: Message) -> None:
        if message.method == "notifications/message":
            self.dropped(
                link, message, "a log message that names no call, on a connection that callers share"
            )
        self._pass_on(self.upstream.key, message)

    def lost(self, link: Link, failure: UpstreamError) -> None:
        self.upstream.forget(link, failure)
        self._enforcer.note("upstream.lost", failure.public, private=failure.private, server=self.upstream.id)

    def dropped(self, link: Link, message: Message | None, why: str) -> None:
        self._enforcer.note("upstream.dropped", why, server=self.upstream.id)
