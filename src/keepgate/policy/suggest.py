"""The smallest roles and grants that still allow what was used.

Patterns spell out kind, server and name; a wildcard stands only where generalising was asked for. Who used the same
shares a role. What the language cannot tell apart is granted together: the actions of one kind of thing (who may get a
prompt may complete it), and one user through several clients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from keepgate.model.access import Resource, ResourceKind
from keepgate.model.errors import LocalError
from keepgate.model.verdict import Effect
from keepgate.policy.conditions import When
from keepgate.policy.engine import Engine
from keepgate.policy.observed import Observed
from keepgate.policy.roles import Conditional, Entry, Grant, Role, described
from keepgate.policy.usage import Usage, Use

LEAST: Final = 3
"""Names with a common beginning that one wildcard may stand for."""
_ENDS: Final = frozenset("_-./:")
"""Characters after which a wildcard may stand."""

Wanted = dict[Resource, list[Use]]
"""What one grantee used."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Roles and grants, and what they leave out."""

    roles: Mapping[str, Role]
    grants: tuple[Grant, ...]
    uses: int
    """Different uses, all of them allowed or asked for as before."""
    unnamed: tuple[Use, ...]
    """What no grant or pattern can name: principals without any name, things with an empty one."""


def suggest(
    usage: Usage,
    *,
    groups: bool = False,
    generalise: bool = False,
    keep: Mapping[str, Role] | None = None,
    kept: Iterable[Grant] = (),
) -> Suggestion:
    """The policy for `usage`.

    Where the usage has arguments, what all of them had in common becomes a condition.
    `groups` grants to the fewest groups whose members used a thing, and to principals only where there is none. `keep`
    and `kept` are roles and grants to take over as they are. Raises LocalError if the result would not allow what
    was used: it is asked before it is given out.
    """
    uses = list(usage.uses.values())
    unnamed = [use for use in uses if not (use.principal.grantees and use.resource.name)]
    named = [use for use in uses if use.principal.grantees and use.resource.name]
    by_grantee = _by_group(named) if groups else _by_name(named)
    bodies: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    made: dict[tuple[tuple[str, ...], ...], Role] = {}
    for to in sorted(by_grantee):
        wanted = by_grantee[to]
        allow = {what for what, each in wanted.items() if not all(use.asked for use in each)}
        allowed, asked = (
            _entries(part, wanted, usage.seen, generalise=generalise)
            for part in (allow, wanted.keys() - allow)
        )
        role = Role(allowed, asked)
        told = tuple(tuple(map(described, part)) for part in (role.allow, role.ask))
        made[told] = role
        bodies.setdefault(told, []).append(to)
    roles, grants = dict(keep or {}), list(kept)
    for told, holders in bodies.items():
        name = _free(holders[0].replace(":", "-", 1) if len(holders) == 1 else "shared", roles)
        roles[name] = made[told]
        grants += [Grant(to, name, _reason(by_grantee[to])) for to in holders]
    _check(roles, grants, named)
    return Suggestion(roles, tuple(grants), len(named), tuple(unnamed))


def _by_name(uses: Iterable[Use]) -> dict[str, Wanted]:
    """By the most particular name of each principal."""
    found: dict[str, Wanted] = {}
    for use in uses:
        found.setdefault(use.principal.grantees[0], {}).setdefault(use.resource, []).append(use)
    return found


def _by_group(uses: Iterable[Use]) -> dict[str, Wanted]:
    """By the fewest groups, thing by thing; what was only asked for stays with who asked."""
    found: dict[str, Wanted] = {}
    by_thing: dict[Resource, dict[str, list[Use]]] = {}
    for to, wanted in _by_name(uses).items():
        for resource, each in wanted.items():
            by_thing.setdefault(resource, {})[to] = each
    for resource, users in by_thing.items():
        # All that one name stands for must be in the group, or somebody would lose.
        common = {
            to: set.intersection(*(set(use.principal.groups) for use in each)) for to, each in users.items()
        }
        left = {to for to, each in users.items() if not all(use.asked for use in each)}
        while left:
            members: dict[str, set[str]] = {}
            for to in left:
                for group in common[to]:
                    members.setdefault(f"group:{group}", set()).add(to)
            if not members:
                break
            group = max(sorted(members), key=lambda each: len(members[each]))
            found.setdefault(group, {})[resource] = [use for to in members[group] for use in users[to]]
            left -= members[group]
        for to in users:
            if to in left or all(use.asked for use in users[to]):
                found.setdefault(to, {})[resource] = users[to]
    return found


def _entries(
    things: Iterable[Resource], wanted: Wanted, seen: Iterable[Resource], *, generalise: bool
) -> tuple[Entry, ...]:
    """The patterns of these things; one that names a single tool with the condition that all of its calls met."""
    part = set(things)
    whens = {_exact(each): _when(wanted[each]) for each in part}
    return tuple(
        Conditional(pattern, when) if (when := whens.get(pattern)) else pattern
        for pattern in _patterns(part, seen, generalise=generalise)
    )


def _when(uses: Iterable[Use]) -> When | None:
    whole = Observed()
    for use in uses:
        if use.observed is None:
            return None
        whole.join(use.observed)
    return whole.when()


def _exact(thing: Resource) -> str:
    return f"{thing.kind}:{_literal(thing.server)}/{_literal(thing.name)}"


def _patterns(things: Iterable[Resource], seen: Iterable[Resource], *, generalise: bool) -> tuple[str, ...]:
    """What names these things and, of all that was `seen`, nothing else."""
    wanted = set(things)
    by_place: dict[tuple[ResourceKind, str], set[str]] = {}
    for each in wanted:
        by_place.setdefault((each.kind, each.server), set()).add(each.name)
    out = set[str]()
    for (kind, server), names in by_place.items():
        head = f"{kind}:{_literal(server)}/"
        others = {each.name for each in seen if (each.kind, each.server) == (kind, server)} - names
        prefixes = common_beginnings(names, others) if generalise else set()
        out |= {f"{head}{_literal(prefix)}*" for prefix in prefixes}
        out |= {f"{head}{_literal(name)}" for name in names if not name.startswith(tuple(prefixes))}
    return tuple(sorted(out))


def common_beginnings(names: Iterable[str], others: Iterable[str]) -> set[str]:
    """Beginnings that at least LEAST of `names` share and none of `others` has: the longest ones.

    They end after one of `_ - . / :`, and of a URI they reach into what follows the scheme.
    """
    left, against = set(names), tuple(others)
    shared: dict[str, int] = {}
    for name in left:
        for beginning in _beginnings(name):
            shared[beginning] = shared.get(beginning, 0) + 1
    found = set[str]()
    for beginning in sorted(
        (each for each, count in shared.items() if count >= LEAST), key=lambda each: (-len(each), each)
    ):
        covered = {name for name in left if name.startswith(beginning)}
        if len(covered) >= LEAST and not any(other.startswith(beginning) for other in against):
            found.add(beginning)
            left -= covered
    return found


def _beginnings(name: str) -> list[str]:
    scheme, slashes, _ = name.partition("://")
    start = len(scheme) + len(slashes) if slashes else 0
    ends = [place + 1 for place, char in enumerate(name) if place >= start and char in _ENDS]
    return [name[:end] for end in ends if any(char.isalnum() for char in name[start:end])]


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*")


def _free(wanted: str, taken: Mapping[str, Role]) -> str:
    """A role name that is not taken yet, as the configuration allows it."""
    name = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in wanted.lower())[:48]
    name = name if name[:1].isalnum() else f"r{name}"
    return next(each for each in _numbered(name) if each not in taken)


def _numbered(name: str) -> Iterable[str]:
    yield name
    number = 1
    while True:
        number += 1
        yield f"{name}-{number}"


def _reason(wanted: Wanted) -> str:
    uses = [use for each in wanted.values() for use in each]
    first, last = min(use.first for use in uses), max(use.last for use in uses)
    return f"used {sum(use.count for use in uses)} times, {first[:10]} to {last[:10]}"


def _check(roles: Mapping[str, Role], grants: Iterable[Grant], uses: Iterable[Use]) -> None:
    """What was let through is allowed, what was asked for is at least that: the engine says so itself."""
    engine = Engine.compile(roles, grants)
    for use in uses:
        given = use.observed.samples if use.observed is not None else [{}]
        for arguments in given:
            request = replace(use.request, context={"arguments": arguments})
            effect = engine.decide(request).effect
            if effect is Effect.DENY or (effect is Effect.ASK and not use.asked):
                raise LocalError("suggest", "the suggested policy refuses what was used", repr(use.request))
