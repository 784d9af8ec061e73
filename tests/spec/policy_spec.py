"""What roles and grants mean, on one page and without Cedar. The engine is compared with this by property tests."""

from collections.abc import Iterable, Mapping

from keepgate.model.access import Action, Request, ResourceKind
from keepgate.model.verdict import Effect
from keepgate.policy.roles import Grant, Role

CAN = {
    ResourceKind.TOOL: {Action.CALL_TOOL},
    ResourceKind.RESOURCE: {Action.READ_RESOURCE, Action.SUBSCRIBE_RESOURCE, Action.COMPLETE},
    ResourceKind.PROMPT: {Action.GET_PROMPT, Action.COMPLETE},
}


def decide(roles: Mapping[str, Role], grants: Iterable[Grant], request: Request) -> Effect:
    """deny > ask > allow > nothing; nothing is deny."""
    held = [roles[grant.role] for grant in grants if grant.to in request.principal.grantees]
    if request.action not in CAN[request.resource.kind]:
        return Effect.DENY
    for effect, verb in ((Effect.DENY, "deny"), (Effect.ASK, "ask"), (Effect.ALLOW, "allow")):
        if any(names(pattern, request) for role in held for pattern in getattr(role, verb)):
            return effect
    return Effect.DENY


def names(pattern: str, request: Request) -> bool:
    """Whether `kind:server/name` reaches the request; the first `/` separates server from name."""
    for kind in ResourceKind:
        if pattern.startswith(f"{kind}:"):
            if kind is not request.resource.kind:
                return False
            pattern = pattern.removeprefix(f"{kind}:")
    server, _, name = pattern.partition("/")
    return matches(server, request.resource.server) and matches(name, request.resource.name)


def matches(glob: str, text: str) -> bool:
    """`*` is any run of characters, a backslash makes the next character literal."""
    if not glob:
        return not text
    if glob[0] == "*":
        return any(matches(glob[1:], text[at:]) for at in range(len(text) + 1))
    char, rest = (glob[1], glob[2:]) if glob[0] == "\\" else (glob[0], glob[1:])
    return bool(text) and text[0] == char and matches(rest, text[1:])


def observed(
    roles: Mapping[str, Role], grants: Iterable[Grant], servers: Iterable[str], request: Request
) -> bool:
    """Whether a refusal is let through: on a server always, for holders of a role if no other role demands it."""
    effect = decide(roles, grants, request)
    if effect is Effect.ALLOW or request.resource.server in servers:
        return effect is not Effect.ALLOW
    held = [roles[grant.role] for grant in grants if grant.to in request.principal.grantees]
    verb = "ask" if effect is Effect.ASK else "deny"
    demands = [role for role in held if any(names(pattern, request) for pattern in getattr(role, verb))]
    watched = any(role.mode == "observe" for role in held)
    return watched and all(role.mode == "observe" for role in demands)
