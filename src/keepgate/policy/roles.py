"""Roles and grants, and the Cedar text they compile to: one policy per role and pattern, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal

import orjson

from keepgate.model.access import Action, Administration
from keepgate.policy.cedar import literal
from keepgate.policy.conditions import When, terms
from keepgate.policy.pattern import Pattern
from keepgate.policy.schema import ACTIONS, RESOURCE_TYPES

Mode = Literal["enforce", "observe"]
"""Whether what policy refuses is refused, or only recorded."""


@dataclass(frozen=True, slots=True)
class Conditional:
    """A pattern that counts only under a condition."""

    use: str
    """The `server/name` pattern."""
    when: When
    """What must hold."""


Entry = str | Conditional


@dataclass(frozen=True, slots=True)
class Role:
    """What a grantee may do, as `server/name` patterns. A denied pattern wins over every allow and ask, of any role."""

    allow: tuple[Entry, ...] = ()
    """What may be used. A pattern, or `{use: pattern, when: conditions}`."""
    ask: tuple[Entry, ...] = ()
    """What may be used after a person approved the call."""
    deny: tuple[Entry, ...] = ()
    """What may not be used, whatever else is granted."""
    administer: tuple[Administration, ...] = ()
    """What may be done with keepgate itself: `read_payloads`, `erase`."""
    mode: Mode = "enforce"
    """`observe`: what policy refuses to its holders is recorded and let through, but for what other roles deny."""
    description: str = ""
    """What the role is for, for whoever reviews it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Gives a role to whoever `to` names."""

    to: str
    """`anonymous`, `key:<name>`, `local:<user>`, `user:<sub>`, `client:<id>`, `group:<name>` or `tenant:<id>`."""
    role: str
    """Name of a role under `access.roles`."""
    reason: str = ""
    """Why it was given, for whoever reviews it."""
    owner: str = ""
    """Who answers for it."""


VERBS: Final = ("allow", "ask", "deny")


def pattern_of(entry: Entry) -> str:
    """The pattern of an entry, with or without a condition."""
    return entry if isinstance(entry, str) else entry.use


def described(entry: Entry) -> str:
    """An entry for people: its pattern, and its condition as JSON."""
    if isinstance(entry, str):
        return entry
    told = orjson.loads(orjson.dumps(entry.when))
    arguments = {name: _said(tests) for name, tests in told.pop("arguments").items()}
    shown = _said(told) | ({"arguments": arguments} if arguments else {})
    return f"{entry.use} when {orjson.dumps(shown).decode()}"


def _said(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value not in ("", [], None)}


def rule_id(role: str, verb: str, entry: Entry) -> str:
    """How decisions and records name an entry: `role:verb:pattern`, with a digest of its condition if it has one."""
    plain = f"{role}:{verb}:{pattern_of(entry)}"
    if isinstance(entry, str):
        return plain
    told = " && ".join(terms(entry.when, closed=verb == "allow"))
    return f"{plain} when {sha256(told.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Written:
    """One policy that an entry of a role compiles to."""

    id: str
    text: str
    pattern: Pattern


def written(roles: Mapping[str, Role]) -> Iterator[Written]:
    """The policies of `roles`, the same for equal roles however they were written down.

    Raises ValueError on a malformed pattern or condition.
    """
    for name, role in sorted(roles.items()):
        for verb in VERBS:
            found = {rule_id(name, verb, entry): entry for entry in getattr(role, verb)}
            for rule, entry in sorted(found.items()):
                yield Written(rule, _policy(name, verb, entry, rule), Pattern.parse(pattern_of(entry)))


def cedar_text(roles: Mapping[str, Role]) -> str:
    """The Cedar policies of `roles`. Raises ValueError on a malformed pattern or condition."""
    return "".join(each.text for each in written(roles))


def administration_text(roles: Mapping[str, Role]) -> str:
    """The Cedar policies that say who may administer. No pattern of a role reaches into them, however wide."""
    return "".join(
        f"@id({literal(f'{name}:administer:{action}')})\n@role({literal(name)})\n"
        f'permit (principal in Role::{literal(name)}, action == Action::"{action}", resource);\n'
        for name, role in sorted(roles.items())
        for action in sorted(set(role.administer))
    )


def roles_of(grants: Iterable[Grant]) -> dict[str, frozenset[str]]:
    """Role names by grantee."""
    out: dict[str, set[str]] = {}
    for grant in grants:
        out.setdefault(grant.to, set()).add(grant.role)
    return {to: frozenset(names) for to, names in out.items()}


def observed_roles(roles: Mapping[str, Role]) -> list[str]:
    """Names of the roles in observe mode."""
    return [name for name, role in roles.items() if role.mode == "observe"]


def _policy(role: str, verb: str, entry: Entry, rule: str) -> str:
    pattern = Pattern.parse(pattern_of(entry))
    notes = {"id": rule, "role": role} | ({"obligation": "ask"} if verb == "ask" else {})
    head = "".join(f"@{key}({literal(value)})\n" for key, value in notes.items())
    # A denial names no action: what a later version adds is then denied as well.
    actions = (
        []
        if verb == "deny"
        else [f'Action::"{action}"' for action in (ACTIONS[pattern.kind] if pattern.kind else Action)]
    )
    scope = (
        f"principal in Role::{literal(role)}",
        f"action in [{', '.join(actions)}]" if actions else "action",
        _resource(pattern),
    )
    tests = [
        f"resource.{field} like {glob.cedar()}"
        for field, glob in (("server", pattern.server), ("name", pattern.name))
        if not (glob.matches_all or (field == "server" and glob.exact is not None))
    ]
    if not isinstance(entry, str):
        tests += [f"({term})" for term in terms(entry.when, closed=verb == "allow")]
    effect = "forbid" if verb == "deny" else "permit"
    when = f"\nwhen {{ {' && '.join(tests)} }}" if tests else ""
    return f"{head}{effect} ({', '.join(scope)}){when};\n"


def _resource(pattern: Pattern) -> str:
    kind = f" is {RESOURCE_TYPES[pattern.kind]}" if pattern.kind else ""
    within = f" in Server::{literal(pattern.server.exact)}" if pattern.server.exact is not None else ""
    return f"resource{kind}{within}"
