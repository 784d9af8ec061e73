"""Server-initiated requests reach the client only if it declared the capability (never launder capabilities)."""

from __future__ import annotations

from collections.abc import Iterator

from keepgate.decide.facts import Fact, Facts
from keepgate.detect.fold import fold, skeleton
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import Verdict, deny
from keepgate.protocol import tasks
from keepgate.protocol.eras import CALLBACK_CAPABILITY

_TO_CLIENT, _REQUEST = Direction.TO_CLIENT, Kind.REQUEST


class Callbacks:
    """What a server asks of a client, tasks of the client included, needs the declaration of the client itself."""

    id = "callbacks"
    needs: frozenset[Fact] = frozenset()

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """DENY an undeclared callback or mode, else no opinion."""
        message = exchange.message
        if message.kind is not _REQUEST or exchange.direction is not _TO_CLIENT:
            return None
        if message.method in tasks.METHODS and message.method not in tasks.operations(exchange.capabilities):
            return deny("the client did not declare `tasks`", guard=self.id)
        if "task" in message.params and not tasks.augmentable(exchange.capabilities, message.method):
            return deny(f"the client did not declare `tasks` for `{message.method}`", guard=self.id)
        needed = CALLBACK_CAPABILITY.get(message.method)
        if needed is None:
            return None
        declared = exchange.capabilities.get(needed)
        if not isinstance(declared, dict):
            return deny(f"the client did not declare `{needed}`", guard=self.id)
        if poses_as_keepgate(message.method, message.params):
            return deny("no server asks in keepgate's name", guard=self.id)
        missing = missing_mode(message.method, message.params, declared)
        return deny(f"the client did not declare `{needed}.{missing}`", guard=self.id) if missing else None


_NAME = "keepgate"


def poses_as_keepgate(method: str, params: object) -> bool:
    """Whether a person who reads a server's question could take it for one of keepgate's, whatever it is written with.

    What is approved by answering it would be nothing; but who answers may be asked for anything.
    """
    return method == "elicitation/create" and any(_names_us(text) for text in _texts(params))


def _names_us(text: str) -> bool:
    return _NAME in "".join(sign for sign in skeleton(fold(text)) if sign.isalnum())


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def missing_mode(method: str, params: dict[str, object], declared: dict[str, object]) -> str:
    """The sub-capability a callback needs and the client lacks, or an empty string.

    An empty elicitation capability means form mode only; `tools` in sampling needs `sampling.tools`.
    """
    if method == "elicitation/create":
        mode = params.get("mode", "form")
        if mode == "form":
            return "" if not declared or "form" in declared else "form"
        return "" if isinstance(mode, str) and mode in declared else str(mode)[:32]
    if method == "sampling/createMessage" and ("tools" in params or "toolChoice" in params):
        return "" if "tools" in declared else "tools"
    return ""
