"""A question in the words of an operator, `key:cursor call_tool files/read_file`, as a request to the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from keepgate.model.access import Action, Authentication, Principal, Request, Resource, ResourceKind
from keepgate.policy.schema import ACTIONS, entity

_OURS: Final = ("anonymous", "key", "local")
"""Kinds of principal that are an identity by themselves; the others are what a token or certificate says."""


def question(who: Iterable[str], action: str, resource: str) -> Request:
    """The request of the principal that carries all names of `who`, as `to:` of a grant has them.

    Raises ValueError saying what can be written.
    """
    known = next((each for each in Action if each == action), None)
    if known is None:
        raise ValueError(f"`{action}` is not an action: write one of {', '.join(Action)}")
    kinds = [kind for kind, actions in ACTIONS.items() if known in actions]
    return Request(subject(who), known, _item(resource, known, kinds))


def subject(names: Iterable[str]) -> Principal:
    """The principal that carries these names. Raises ValueError if one is malformed or two cannot be one principal."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        entity(name)
        word = name.partition(":")[0]
        found.setdefault("id" if word in _OURS else word, []).append(name)
    if not found:
        raise ValueError("a principal needs a name, for instance `key:cursor`")
    for word, several in found.items():
        if word != "group" and len(several) > 1:
            raise ValueError(f"nobody is {' and '.join(f'`{each}`' for each in several)} at once")
    identity = found.get("id", ["oauth:"])[0]
    return Principal(
        identity,
        identity.partition(":")[0],
        groups=tuple(_bare(each) for each in found.get("group", ())),
        tenant="".join(map(_bare, found.get("tenant", ()))),
        user="".join(map(_bare, found.get("user", ()))),
        client="".join(map(_bare, found.get("client", ()))),
    )


@dataclass(frozen=True, slots=True)
class Situation:
    """What a question is about besides who, what and on what: for policies with conditions."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    time: float | None = None
    """Unix seconds"""
    acr: str = ""
    """level of login; with one, the caller has shown an access token"""
    actors: tuple[str, ...] = ()
    """who acts for the user"""
    flow: Mapping[str, Any] = field(default_factory=dict)
    """`labels`, `values` and `sink`, as policies read them"""

    def of(self, request: Request) -> Request:
        """`request` in this situation; it logged in at that time."""
        context: dict[str, Any] = {"arguments": dict(self.arguments)}
        if self.time is not None:
            context["time"] = self.time
        if self.flow:
            context["flow"] = dict(self.flow)
        who = replace(request.principal, actors=self.actors)
        if self.acr:
            who = replace(who, auth=Authentication("", acr=self.acr, auth_time=self.time))
        return Request(who, request.action, request.resource, request.context | context)


def item(text: str, kind: ResourceKind) -> Resource:
    """`server/name`, the name as its server lists it: nothing is a wildcard here. Raises ValueError."""
    server, slash, name = text.partition("/")
    if not (server and slash and name):
        raise ValueError(f"`{text}` names nothing: write `server/name`, for instance `files/read_file`")
    return Resource(kind, server, name)


def listed(text: str) -> Resource:
    """`server/name` is a tool, unless `resource:` or `prompt:` stands in front. Raises ValueError."""
    kind, rest = _kind(text)
    return item(rest, kind or ResourceKind.TOOL)


def shown(resource: Resource) -> str:
    """What `listed` reads."""
    return resource.id if resource.kind is ResourceKind.TOOL else f"{resource.kind}:{resource.id}"


def _item(text: str, action: Action, kinds: list[ResourceKind]) -> Resource:
    said, rest = _kind(text)
    if said is not None and said not in kinds:
        raise ValueError(f"`{action}` is not done to a {said}")
    if said is None and len(kinds) > 1:
        either = " or ".join(f"`{kind}:{text}`" for kind in kinds)
        raise ValueError(f"`{action}` is done to several kinds: write {either}")
    return item(rest, said or kinds[0])


def _kind(text: str) -> tuple[ResourceKind | None, str]:
    word, colon, rest = text.partition(":")
    found = next((kind for kind in ResourceKind if colon and kind == word), None)
    return (found, rest) if found else (None, text)


def _bare(name: str) -> str:
    return name.partition(":")[2]
