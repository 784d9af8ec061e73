"""The calls of one client that run, by the ids it gave them: what it may cancel, and what ends with it."""

from __future__ import annotations

from typing import Any, Protocol

from keepgate.model.message import RequestId


class Cancellable(Protocol):
    """A task, or a call that needs none."""

    def cancel(self) -> object:
        """Give it up."""


class InFlight:
    """True while something runs. A client may use an id twice, although it must not: then the id names neither."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[RequestId | None, list[Cancellable]] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def begin(self, request_id: RequestId | None, call: Cancellable) -> None:
        """It runs."""
        calls = self._calls.get(request_id)
        if calls is None:
            self._calls[request_id] = [call]
        else:
            calls.append(call)

    def end(self, request_id: RequestId | None, call: Cancellable) -> None:
        """It runs no more."""
        calls = self._calls[request_id]
        calls.remove(call)
        if not calls:
            del self._calls[request_id]

    def cancel(self, request_id: Any) -> None:
        """Cancel the call of that id; an id that names none or several does nothing."""
        calls = self._calls.get(request_id, ()) if type(request_id) in (int, str) else ()
        if len(calls) == 1:
            calls[0].cancel()

    def cancel_all(self) -> None:
        """Cancel whatever runs."""
        for call in [call for calls in self._calls.values() for call in calls]:
            call.cancel()
