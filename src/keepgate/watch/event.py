"""One decision as the watch sees it, read from what `audit query` prints (docs/audit.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from keepgate.model.errors import RemoteError

_LONGEST: Final = 256
"""Characters of a text that is kept."""
_MANY: Final = 32
"""Rules or findings of one event; argument names in a shape."""
_FROM: Final = ", from "
_MILLISECONDS, _NANOSECONDS = 1e11, 1e16
"""Numbers above are not seconds: in seconds, the first is the year 5138."""


class Event(NamedTuple):
    """One decision event. Texts that are not known are empty."""

    time: float
    """Unix time in seconds."""
    id: str
    """What leads back to the record: `writer:seq`, or the decision id."""
    principal: str = ""
    client: str = ""
    server: str = ""
    name: str = ""
    method: str = ""
    kind: str = "request"
    """request, notification, result, error, event"""
    to_server: bool = True
    effect: str = "allow"
    rules: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    sent: int = 0
    """Bytes that went to the server."""
    received: int = 0
    """Bytes that came from it."""
    source: str = ""
    """Network address of the caller, where it is recorded."""
    shape: tuple[str, ...] = ()
    """The names of the arguments, in order of the alphabet."""
    failed: bool = False
    """An answer that is an error."""
    times: int = 1
    """How many alike it stands for; `sent` and `received` are of all of them."""
    own: bool = True
    """False for a message: then its method is what its sender wrote, and no word of keepgate's."""

    @property
    def used(self) -> bool:
        """True for a request of a caller that names something of a server."""
        return self.kind == "request" and self.to_server and bool(self.name)

    @property
    def granted(self) -> bool:
        """True for such a request that was let through."""
        return self.used and self.effect in {"allow", "redact"}

    @property
    def target(self) -> str:
        """`server/name`, or the server alone."""
        return f"{self.server}/{self.name}" if self.name else self.server


def event_of(value: Any) -> Event:
    """The event of one JSON object of `audit query`. Raises RemoteError, which names what is missing.

    Besides keepgate's own shape it takes what other writers of such logs do: a verdict that is a text, sizes of both
    directions in one event, `arguments` or `shape`, `source`, times as numbers.
    """
    if not isinstance(value, Mapping):
        raise RemoteError("bad-event", "an event is a JSON object")
    verdict = value.get("verdict")
    effect, reason = (
        (_text(verdict.get("effect")), _text(verdict.get("reason"), 1024))
        if isinstance(verdict, Mapping)
        else (_text(verdict), _text(value.get("reason"), 1024))
    )
    kind = _text(value.get("kind")) or "request"
    to_server = _text(value.get("direction")) != "to_client"
    sent, received = _sizes(value, to_server=to_server)
    return Event(
        time=_time(value.get("time")),
        id=_identity(value),
        principal=_named(value.get("principal")),
        client=_named(value.get("client")),
        server=_named(value.get("server")),
        name=_text(value.get("name")) or _text(value.get("tool")),
        method=_text(value.get("method")),
        kind=kind,
        to_server=to_server,
        effect=effect.lower() or "allow",
        rules=_texts(value.get("rules")),
        findings=_texts(value.get("findings")),
        sent=sent,
        received=received,
        source=_text(value.get("source")) or peer_of(reason),
        shape=_texts(value.get("shape")) or shape_of(value.get("arguments")),
        failed=kind == "error" or bool(value.get("error")),
        own=kind == "event" or "writer" not in value,
    )


def shape_of(arguments: Any) -> tuple[str, ...]:
    """The names in an object of arguments, one level deep, in order of the alphabet."""
    if not isinstance(arguments, Mapping):
        return ()
    return tuple(sorted(str(name)[:64] for name in arguments)[:_MANY])


def _time(value: Any) -> float:
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(_microseconds(value))
        except ValueError:
            raise RemoteError("bad-event", f"its `time` `{value[:40]}` is not an RFC 3339 time") from None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e19:
        return value / (1e9 if value > _NANOSECONDS else 1e3 if value > _MILLISECONDS else 1)
    raise RemoteError("bad-event", "it has no `time`, which is an RFC 3339 time")


def _microseconds(text: str) -> str:
    """Python reads six digits of a second; records have nine."""
    whole, point, rest = text.partition(".")
    if not point:
        return text
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{whole}.{rest[: min(digits, 6)].ljust(6, '0')}{rest[digits:]}"


def _identity(value: Mapping[str, Any]) -> str:
    if "writer" in value and "seq" in value:
        return f"{_text(value['writer'])}:{value['seq']!s:.20}"
    return _text(value.get("id")) or _text(value.get("trace"))


def _sizes(value: Mapping[str, Any], *, to_server: bool) -> tuple[int, int]:
    both = value.get("sizes")
    if isinstance(both, Mapping):
        return (
            _first(both, "sent", "in", "request", "arguments"),
            _first(both, "received", "out", "response", "reply", "result"),
        )
    size = _count(value.get("size"))
    return (size, 0) if to_server else (0, size)


def _first(sizes: Mapping[str, Any], *names: str) -> int:
    return next((_count(sizes[name]) for name in names if name in sizes), 0)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


def _named(value: Any) -> str:
    return _text(value.get("id")) or _text(value.get("name")) if isinstance(value, Mapping) else _text(value)


def _text(value: Any, longest: int = _LONGEST) -> str:
    return value[:longest] if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        return ()
    return tuple(_text(one.get("rule") if isinstance(one, Mapping) else one) for one in value[:_MANY])


def peer_of(reason: str) -> str:
    """The address at the end of the reason of a refused login."""
    before, found, peer = reason.rpartition(_FROM)
    return peer[:64] if found and before else ""
