"""A route of the admin API: a function whose signature says everything about it.

    @route("POST", "/keys", Permission.KEYS_WRITE, status=201)
    async def create_key(keys: Keys, body: NewKey) -> Created: ...

`who` is the Identity that asks, `call` the request; `body` and `query` are dataclasses that the request is validated
against, a parameter named in the path is part of it, and any other is what the gateway offers under that type. A route
that declares no permission cannot be made.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar, get_type_hints

from pydantic import ConfigDict, TypeAdapter

from keepgate.admin.access import Permission
from keepgate.model.errors import LocalError

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPEN: Final = "open"
"""Instead of a permission: the route is part of logging in, and decides by itself who may use it."""

S = TypeVar("S")
Handler = Callable[..., Awaitable[Any]]


def shape(cls: type[S]) -> type[S]:
    """A dataclass that takes no members it does not know."""
    cls.__pydantic_config__ = ConfigDict(extra="forbid", use_attribute_docstrings=True)  # type: ignore[attr-defined]
    return cls


@dataclass(frozen=True)
class Route:
    """One operation."""

    method: str
    path: str
    """Below the API's root, `{name}` for parts of it."""
    permission: Permission | str
    """A Permission, or OPEN."""
    handler: Handler = field(repr=False)
    status: int = 200
    private: bool = False
    """The request holds credentials: nothing of it goes into the log."""
    strong: bool = False
    """Needs a second factor although it changes nothing."""
    problems: tuple[int, ...] = ()
    """Status codes it answers with beyond those that every route can."""

    def __post_init__(self) -> None:
        if self.method not in METHODS or not self.path.startswith("/"):
            raise LocalError("route", f"`{self.method} {self.path}` is not a route")
        if self.permission != OPEN and not isinstance(self.permission, Permission):
            raise LocalError("route", f"`{self.method} {self.path}` declares no permission")
        missing = set(self.parts) - set(self._hints)
        if missing:
            raise LocalError("route", f"`{self.path}` has parts that its handler does not take: {missing}")

    @property
    def name(self) -> str:
        """The operation, as records and the OpenAPI document name it: `keys.create_key`."""
        return f"{self.handler.__module__.rpartition('.')[2]}.{self.handler.__name__}"

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    @property
    def demands_second_factor(self) -> bool:
        """Whatever changes something, or shows what was said."""
        own = self.permission in (OPEN, Permission.OWN)
        return not own and (self.strong or self.method != "GET")

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the variable parts of the path."""
        return tuple(piece.partition("}")[0] for piece in self.path.split("{")[1:])

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.handler, include_extras=True)

    @cached_property
    def takes(self) -> dict[str, Any]:
        """Parameter names and types, the answer left out."""
        return {name: hint for name, hint in self._hints.items() if name != "return"}

    @cached_property
    def wants(self) -> dict[str, type]:
        """What it uses of the gateway, by parameter name."""
        given = {"who", "call", "body", "query", *self.parts}
        return {name: hint for name, hint in self.takes.items() if name not in given}

    def adapter(self, name: str) -> TypeAdapter[Any] | None:
        """The validator of a parameter; None if there is no such parameter."""
        return self._adapters.get(name)

    @cached_property
    def _adapters(self) -> dict[str, TypeAdapter[Any]]:
        names = {"body", "query", *self.parts}
        return {name: TypeAdapter(hint) for name, hint in self.takes.items() if name in names}

    @cached_property
    def answer(self) -> TypeAdapter[Any] | None:
        """The serialiser of the answer; None for routes that answer 204, or make their answer themselves."""
        hint = self._hints.get("return")
        if hint in (None, type(None)) or (isinstance(hint, type) and hint.__name__ == "Response"):
            return None
        return TypeAdapter(hint)


def route(  # noqa: PLR0913 - what a route can declare
    method: str,
    path: str,
    permission: Permission | str,
    *,
    status: int = 200,
    private: bool = False,
    strong: bool = False,
    problems: tuple[int, ...] = (),
) -> Callable[[Handler], Route]:
    """Make a function a route. Raises LocalError for one that declares no permission."""

    def make(handler: Handler) -> Route:
        return Route(method, path, permission, handler, status, private, strong, problems)

    return make


def arguments(route_: Route, desk: Mapping[type, Any]) -> dict[str, Any]:
    """What the route uses of the gateway, by parameter. Raises LocalError for what `desk` does not have."""
    try:
        return {name: desk[hint] for name, hint in route_.wants.items()}
    except KeyError as error:
        raise LocalError("route", f"`{route_.name}` wants {error}, which nobody offers") from None
