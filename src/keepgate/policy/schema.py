"""The Cedar schema: who can ask for what, and what a policy can read. Policies are checked against it strictly.

Arguments are typed for each tool by `policy.arguments`; facts about them have one type for all (docs/policy.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from keepgate.model.access import Action, Administration, ResourceKind
from keepgate.policy.cedar import literal
from keepgate.policy.facts.derive import TYPES

PRINCIPAL_TYPES: Final = {
    "anonymous": "Anonymous",
    "key": "Key",
    "local": "Local",
    "user": "User",
    "client": "Client",
    "group": "Group",
    "tenant": "Tenant",
}
"""Cedar entity type by the word before the colon of a principal id or a `to:`."""

RESOURCE_TYPES: Final = {
    ResourceKind.TOOL: "Tool",
    ResourceKind.RESOURCE: "ResourceItem",
    ResourceKind.PROMPT: "Prompt",
}
"""Cedar entity type by kind. Ids are `server/name`."""

ACTIONS: Final[dict[ResourceKind, tuple[Action, ...]]] = {
    ResourceKind.TOOL: (Action.CALL_TOOL,),
    ResourceKind.RESOURCE: (Action.READ_RESOURCE, Action.SUBSCRIBE_RESOURCE, Action.COMPLETE),
    ResourceKind.PROMPT: (Action.GET_PROMPT, Action.COMPLETE),
}
"""What can be done to each kind; the first action decides whether it is visible."""


def entity(name: str) -> tuple[str, str]:
    """Cedar type and id of a principal id or a `to:`. Raises ValueError naming the known words."""
    word, colon, rest = name.partition(":")
    if word not in PRINCIPAL_TYPES or (bool(colon) if word == "anonymous" else not rest):
        known = ", ".join("anonymous" if each == "anonymous" else f"{each}:..." for each in PRINCIPAL_TYPES)
        raise ValueError(f"`{name}` is not a principal: write one of {known}")
    return PRINCIPAL_TYPES[word], rest or word


def text(facts: Iterable[str] = (), arguments: str = "{}") -> str:
    """The schema in Cedar's own syntax.

    `facts` are the arguments about which policies read facts, `arguments` is the Cedar type of `context.input` for
    calls of tools: policies are checked against it for each tool that they can reach.
    """
    people = ", ".join(PRINCIPAL_TYPES.values())
    about = ", ".join(f"{literal(name)}?: Facts" for name in sorted(set(facts)))
    given = f"facts: {{ {about} }}, time: Time, auth: Auth, flow: Flow, approvals: Set<String>"
    lines = [*_TYPES, f"entity {people} in [Role, User, Client, Group, Tenant] {_PRINCIPAL};"]
    lines += [
        f"entity {each} in [Server] {{ {_RESOURCE}{_EFFECTS if each == 'Tool' else ''} }};"
        for each in RESOURCE_TYPES.values()
    ]
    for action in Action:
        on = ", ".join(RESOURCE_TYPES[kind] for kind, actions in ACTIONS.items() if action in actions)
        types = arguments if action is Action.CALL_TOOL else "{}"
        lines.append(
            f'action "{action}" appliesTo {{ principal: [{people}], resource: [{on}], '
            f"context: {{ input: {types}, {given} }} }};"
        )
    return "\n".join(lines) + "\n"


_PRINCIPAL: Final = "{ groups: Set<String>, tenant: String, user: String, client: String }"
_RESOURCE: Final = "server: String, name: String, provider: Server"
_EFFECTS: Final = ", read_only: Bool, destructive: Bool, open_world: Bool"
_AUTH: Final = (
    "method: String, acr: String, issuer: String, scopes: Set<String>, actors: Set<String>, age?: Long"
)
_TYPES: Final = (
    "entity Role;",
    "entity Server { trust: String, owner: String, data: String };",
    f"type Facts = {{ {', '.join(f'{name}?: {kind}' for name, kind in TYPES.items())} }};",
    "type Time = { hour: Long, minute: Long, weekday: String, date: String };",
    f"type Auth = {{ {_AUTH} }};",
    "type Flow = { labels: Set<String>, values: Set<String>, sink: Bool };",
)

TEXT: Final = text()
"""The schema without arguments."""


def _administration() -> str:
    people = ", ".join(PRINCIPAL_TYPES.values())
    lines = ["entity Role;", "entity Gateway;", f"entity {people} in [Role, User, Client, Group, Tenant];"]
    lines += [
        f'action "{action}" appliesTo {{ principal: [{people}], resource: [Gateway], context: {{}} }};'
        for action in Administration
    ]
    return "\n".join(lines) + "\n"


ADMINISTRATION: Final = _administration()
"""The schema of what is done with keepgate itself, apart: no policy about servers opens it by its width."""
