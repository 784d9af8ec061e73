"""The Cedar schema: who can ask for what. Policies are checked against it strictly before they are used.

The context is empty in this version: a policy that reads arguments does not validate, so it cannot silently fail to
apply. Arguments, flow labels and authentication strength join `context` when the gateway supplies them.
"""

from __future__ import annotations

from typing import Final

from keepgate.model.access import Action, Administration, ResourceKind

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


def _text() -> str:
    people = ", ".join(PRINCIPAL_TYPES.values())
    lines = ["entity Role;", "entity Server;", f"entity {people} in [Role, User, Client, Group, Tenant];"]
    lines += [
        f"entity {each} in [Server] {{ server: String, name: String }};" for each in RESOURCE_TYPES.values()
    ]
    for action in Action:
        on = ", ".join(RESOURCE_TYPES[kind] for kind, actions in ACTIONS.items() if action in actions)
        lines.append(
            f'action "{action}" appliesTo {{ principal: [{people}], resource: [{on}], context: {{}} }};'
        )
    return "\n".join(lines) + "\n"


TEXT: Final = _text()
"""The schema in Cedar's own syntax."""


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
