"""What is odd about roles and grants: rules that can never decide anything, and names that nobody has.

Whether one pattern covers another is exact (`Glob.covers`). Only what is certain is said: a finding means that the text
can go, or cannot mean what it says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from keepgate.model.access import Resource, ResourceKind
from keepgate.policy.explain import Source, sources
from keepgate.policy.pattern import Pattern
from keepgate.policy.roles import Grant, Role

Finding = tuple[tuple[str | int, ...], str]
"""Place in the configuration, and what is odd there."""

_OVERRIDES = {"allow": ("deny", "ask"), "ask": ("deny",), "deny": ()}
"""What wins over each verb, the strongest first."""
_SAID = {"allow": "allowed", "ask": "asked for", "deny": "denied"}


def findings(roles: Mapping[str, Role], grants: Sequence[Grant]) -> Iterator[Finding]:
    """Everything that can be told from roles and grants alone. Raises ValueError on a malformed pattern."""
    written = [source for places in sources(roles).values() for source in places]
    parsed = {source.pattern: Pattern.parse(source.pattern) for source in written}
    holders = _holders(grants)
    for source in written:
        if why := _useless(source, written, parsed, holders):
            yield source.path, why
    first: dict[tuple[str, str], int] = {}
    for number, grant in enumerate(grants):
        if (earlier := first.setdefault((grant.to, grant.role), number)) != number:
            why = f"`{grant.to}` has role `{grant.role}` already, by grant {earlier + 1}"
            yield ("access", "grants", number), why


def unmatched(
    roles: Mapping[str, Role],
    listed: Mapping[str, Iterable[Resource]],
    *,
    unasked: Collection[str] = (),
    templates: Collection[str] = (),
) -> Iterator[Finding]:
    """Patterns that name nothing of what servers list, by server id.

    A pattern is passed over where more can be behind it than is listed: on servers that were `unasked`, for resources
    on those that have URI `templates`; so are denials with a wildcard, which are made for what may come.
    Raises ValueError on a malformed pattern.
    """
    for places in sources(roles).values():
        for source in places:
            pattern = Pattern.parse(source.pattern)
            open_ended = [*unasked, *(templates if pattern.kind in (None, ResourceKind.RESOURCE) else ())]
            if source.verb == "deny" and pattern.name.exact is None:
                continue
            if any(pattern.server.matches(server) for server in open_ended):
                continue
            if not any(pattern.names(item) for items in listed.values() for item in items):
                yield source.path, f"`{source.pattern}` matches nothing that its servers list"


def _holders(grants: Iterable[Grant]) -> dict[str, set[str]]:
    """Grantees by role."""
    found: dict[str, set[str]] = {}
    for grant in grants:
        found.setdefault(grant.role, set()).add(grant.to)
    return found


def _useless(
    source: Source, written: Sequence[Source], parsed: Mapping[str, Pattern], holders: Mapping[str, set[str]]
) -> str:
    """Why a pattern changes no decision, or nothing."""
    pattern = parsed[source.pattern]
    held = holders.get(source.role, set())
    for verb in _OVERRIDES[source.verb]:
        for other in written:
            # Everybody who holds the role must hold the other one: a grantee can be anybody's only name.
            common = other.role == source.role or (held and held <= holders.get(other.role, set()))
            wins = other.verb == verb and not other.conditional
            if wins and common and parsed[other.pattern].covers(pattern):
                if other.role == source.role:
                    return f"never {_SAID[source.verb]}: `{verb}: {other.pattern}` wins"
                named = f"`{verb}: {other.pattern}` of role `{other.role}` wins"
                return f"never {_SAID[source.verb]}: {named}, and all who have this role have that one"
    return next(filter(None, (_twice(source, other, parsed) for other in written)), "")


def _twice(source: Source, other: Source, parsed: Mapping[str, Pattern]) -> str:
    """Why a pattern says nothing that another of its list does not say, or nothing."""
    if other is source or (other.role, other.verb) != (source.role, source.verb):
        return ""
    if other.entry == source.entry:
        return f"`{source.pattern}` stands here twice" if other.number < source.number else ""
    if other.conditional:
        return ""
    if source.conditional and other.pattern == source.pattern:
        return f"its condition changes nothing: `{source.pattern}` stands here without one"
    # Two patterns that cover each other are the same in two forms: the second is the odd one.
    pattern, wider = parsed[source.pattern], parsed[other.pattern]
    if wider.covers(pattern) and (other.number < source.number or not pattern.covers(wider)):
        return f"`{source.pattern}` is covered by `{other.pattern}` already"
    return ""
