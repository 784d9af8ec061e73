"""The Cedar context of one request: exactly what the policies that can apply read, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from keepgate.model.access import Principal, Request, ResourceKind
from keepgate.model.flow import NO_FLOW
from keepgate.policy.arguments import shape_of
from keepgate.policy.facts.derive import facts
from keepgate.policy.mentions import Path
from keepgate.policy.moment import moment


@dataclass(frozen=True, slots=True)
class Needs:
    """What a set of policies reads."""

    parts: Mapping[str, frozenset[str]]
    """Attributes by part of the context: `time`, `auth`, `input`; `approvals` has none."""
    facts: Mapping[str, frozenset[str]]
    """Facts by argument."""

    @classmethod
    def of(cls, reads: Iterable[Path]) -> Needs:
        """What these paths need."""
        parts: dict[str, set[str]] = {}
        about: dict[str, set[str]] = {}
        for path in reads:
            if path[0] == "facts":
                about.setdefault(path[1], set()).update(path[2:])
            else:
                parts.setdefault(path[0], set()).update(path[1:2])
        return cls(
            {part: frozenset(names) for part, names in parts.items()},
            {argument: frozenset(names) for argument, names in about.items()},
        )

    @property
    def timed(self) -> bool:
        """Whether the time of the request is read."""
        return "time" in self.parts or "age" in self.parts.get("auth", ())

    @property
    def flowing(self) -> bool:
        """Whether what was returned before is read."""
        return "flow" in self.parts

    @property
    def tracing(self) -> bool:
        """Whether it is read what of it the arguments repeat."""
        return "values" in self.parts.get("flow", ())

    @property
    def approvals(self) -> bool:
        """Whether it is read who approved the request."""
        return "approvals" in self.parts

    @property
    def input(self) -> frozenset[str]:
        """Arguments that are read as they are."""
        return self.parts.get("input", frozenset())


def context_of(needs: Needs, request: Request, zone: tzinfo) -> dict[str, Any]:
    """The context in Cedar's JSON form, without `input`.

    Raises ValueError, OverflowError or KeyError if something that is read is not at hand.
    """
    given, out = request.context, dict[str, Any]()
    if needs.facts:
        arguments = arguments_of(request)
        told = {name: facts(arguments, name, wanted) for name, wanted in needs.facts.items()}
        out["facts"] = {name: found for name, found in told.items() if found is not None}
    if (wanted := needs.parts.get("time")) is not None:
        now = moment(given["time"], zone)
        out["time"] = {name: now[name] for name in wanted}
    if (wanted := needs.parts.get("auth")) is not None:
        auth = _auth(request.principal, given.get("time"))
        out["auth"] = {name: auth[name] for name in wanted if name in auth}
    if (wanted := needs.parts.get("flow")) is not None:
        flow = NO_FLOW.as_context() | (given.get("flow") or {})
        out["flow"] = {name: flow[name] for name in wanted}
    if "approvals" in needs.parts:
        out["approvals"] = sorted(given.get("approvals", ()))
    return out


def input_of(needs: Needs, request: Request) -> dict[str, Any]:
    """`context.input` of a call, by the schema of its tool. Raises ValueError for what is not of its type."""
    if request.resource.kind is not ResourceKind.TOOL:
        return {}
    return shape_of(request.context.get("schema")).value(arguments_of(request), only=needs.input)  # type: ignore[no-any-return]


def arguments_of(request: Request) -> dict[str, Any]:
    """The arguments that facts are about; of a resource its URI."""
    if request.resource.kind is ResourceKind.RESOURCE:
        return {"uri": request.resource.name}
    given = request.context.get("arguments")
    return given if isinstance(given, dict) else {}


def _auth(principal: Principal, now: float | None) -> dict[str, Any]:
    auth = principal.auth
    told: dict[str, Any] = {
        "method": principal.kind,
        "acr": auth.acr if auth else "",
        "issuer": auth.issuer if auth else "",
        "scopes": sorted(auth.scopes) if auth else [],
        "actors": list(principal.actors),
    }
    if auth is not None and auth.auth_time is not None and now is not None:
        told["age"] = max(int(now - auth.auth_time), 0)
    return told
