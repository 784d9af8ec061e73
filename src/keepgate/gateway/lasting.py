"""Progress tokens that stay good after the reply: 2025-11-25, where the reply was that a task was made."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from keepgate.gateway.pending import Pending
from keepgate.model.message import Message

MAX_TOKENS = 256
"""Per link; the oldest are forgotten first."""


class LastingTokens:
    """Of one link: the token a server was given to the client's own."""

    def __init__(self) -> None:
        self._clients: OrderedDict[int, Any] = OrderedDict()

    def note(self, pending: Pending, reply: Message) -> None:
        """Keep the token of a call that was answered with a task."""
        if pending.sent_token is None or "task" not in reply.body.get("result", ()):
            return
        self._clients[pending.sent_token] = pending.token
        if len(self._clients) > MAX_TOKENS:
            self._clients.popitem(last=False)

    def put_back(self, message: Message) -> bool:
        """Put the client's token into a progress notification; False if it is not for a task."""
        token = message.params.get("progressToken")
        if type(token) is not int or token not in self._clients:
            return False
        message.body["params"] = {**message.params, "progressToken": self._clients[token]}
        return True
