"""Policies one by one, as the engine slices them: what each applies to, what it reads, where it was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy
import orjson

from keepgate.model.errors import ConfigError
from keepgate.policy import mentions, schema
from keepgate.policy.pattern import Pattern
from keepgate.policy.roles import Role, written
from keepgate.policy.source import Source, Statement, statements

Bodies = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One policy and what its scope says about where it can apply; None means anywhere."""

    id: str
    text: str
    body: Bodies
    """In Cedar's JSON form."""
    at_best: Bodies | None
    """The same if its context were in favour of the caller; None if it might then not be."""
    leading: Bodies
    """What it demands before it reads the context, as a permit."""
    reads: frozenset[mentions.Path]
    ask: bool
    reason: str
    who: tuple[str, str] | None
    actions: frozenset[str] | None
    kind: str | None
    server: str | None
    pattern: Pattern | None
    """Of an entry of a role: what it names, exactly."""
    where: str
    """`file:line` of an expert's policy."""

    def applies(self, who: frozenset[tuple[str, str]], action: str, kind: str, server: str) -> bool:
        """Whether its scope can match there. Never False where Cedar would say that the policy applies."""
        return (
            (self.who is None or self.who in who)
            and (self.actions is None or action in self.actions)
            and (self.kind is None or self.kind == kind)
            and (self.server is None or self.server == server)
            and (self.pattern is None or self.pattern.server.matches(server))
        )

    def names(self, name: str) -> bool:
        """Whether it can apply to what is called so. As above."""
        return self.pattern is None or self.pattern.name.matches(name)


def of_roles(roles: Mapping[str, Role]) -> dict[str, Rule]:
    """The rules of roles. Raises ConfigError (code `policy`)."""
    found = list(_written(roles))
    text = "".join(each.text for each in found)
    parsed = _parse(text, "")
    bodies = (parsed["staticPolicies"][f"policy{number}"] for number in range(len(found)))
    return {
        each.id: _rule(each.id, each.text, body, each.pattern, "")
        for each, body in zip(found, bodies, strict=True)
    }


def _written(roles: Mapping[str, Role]) -> Iterable[Any]:
    try:
        return list(written(roles))
    except ValueError as error:
        raise ConfigError(f"the policy cannot be read: {error}", code="policy") from error


def of_files(sources: Iterable[Source]) -> dict[str, Rule]:
    """The rules of experts' files by id: their `@id`, else `file:line`, `file:line#2` for the second of a line.

    Raises ConfigError (code `policy`).
    """
    found: dict[str, Rule] = {}
    for source in sources:
        on_line: dict[int, int] = {}
        for statement in statements(source):
            number = on_line[statement.line] = on_line.get(statement.line, 0) + 1
            rule = _expert(statement, f"#{number}" if number > 1 else "")
            if rule.id in found:
                other = found[rule.id].where
                raise ConfigError(
                    f"two policies have the id `{rule.id}`, here and {other}", where=rule.where, code="policy"
                )
            found[rule.id] = rule
    return found


def _expert(statement: Statement, nth: str) -> Rule:
    where = f"{statement.file}:{statement.line}"
    parsed = _parse(statement.text, where)
    if parsed["templates"]:
        raise ConfigError(
            "the policy has a template (`?principal`, `?resource`): write it out", where=where, code="policy"
        )
    body = parsed["staticPolicies"]["policy0"]
    name = body.get("annotations", {}).get("id") or where + nth
    return _rule(name, statement.text, body, None, where)


def _parse(text: str, where: str) -> Bodies:
    try:
        return orjson.loads(cedarpy.policies_to_json_str(text))  # type: ignore[no-any-return]
    except ValueError as error:
        raise ConfigError(f"the policy cannot be read: {error}", where=where, code="policy") from error


def _rule(name: str, text: str, body: Bodies, pattern: Pattern | None, where: str) -> Rule:
    """Read the scope of a policy in Cedar's JSON form. What is not understood applies anywhere."""
    try:
        reads, best = mentions.reads(body), mentions.at_best(body)
    except mentions.WholeError as error:
        raise ConfigError(f"policy `{name}`: {error}", where=where, code="policy") from error
    notes = body.get("annotations", {})
    action = body["action"]
    actions = action.get("entities") or ([action["entity"]] if "entity" in action else None)
    resource = body["resource"]
    kind, server = resource.get("entity_type"), None
    if target := _entity(resource):
        if target[0] == "Server":
            server = target[1]
        else:
            kind, server = target[0], target[1].partition("/")[0]
    return Rule(
        name,
        text,
        body,
        best,
        mentions.leading(body),
        reads,
        ask=notes.get("obligation") == "ask",
        reason=notes.get("reason") or "",
        who=_entity(body["principal"]),
        actions=None if actions is None else frozenset(each["id"] for each in actions),
        kind=kind,
        server=server,
        pattern=pattern,
        where=where,
    )


def _entity(scope: Bodies) -> tuple[str, str] | None:
    """The entity of `== e`, `in e` or `is T in e`, else None."""
    found = scope.get("entity") or scope.get("in", {}).get("entity")
    return (found["type"], found["id"]) if found else None


def validate(rules: Mapping[str, Rule], text: str) -> None:
    """Check rules strictly against a schema. Raises ConfigError (code `policy`), with the place of each."""
    listed = list(rules.values())
    problems = cedarpy.validate_policies("\n".join(rule.text for rule in listed), text).errors
    if not problems:
        return
    told = []
    for problem in problems:
        rule = listed[int(problem.policy_id.removeprefix("policy"))]
        said = problem.error.replace(f"for policy `{problem.policy_id}`, ", "")
        told.append(f"{f'{rule.where}: ' if rule.where else ''}`{rule.id}`: {said}")
    raise ConfigError(f"the policy does not validate: {'; '.join(told)}", code="policy")


def arguments_read(rules: Iterable[Rule]) -> frozenset[str]:
    """The arguments about which facts are read."""
    return frozenset(path[1] for rule in rules for path in rule.reads if path[0] == "facts")


def inputs_read(rules: Iterable[Rule]) -> frozenset[str]:
    """The arguments that are read as they are."""
    return frozenset(path[1] for rule in rules for path in rule.reads if path[0] == "input")


def base_schema(rules: Iterable[Rule]) -> str:
    """The schema for rules that read no argument as it is."""
    return schema.text(arguments_read(rules))


def asks_effects(rule: Rule) -> bool:
    """Whether it may ask what a tool does. Never False where it does."""
    conditions = orjson.dumps(rule.body.get("conditions", []))
    return any(f'"{effect}"'.encode() in conditions for effect in ("read_only", "destructive", "open_world"))


def set_of(sliced: tuple[Rule, ...]) -> cedarpy.PolicySet:
    """Rules as Cedar evaluates them."""
    return set_of_bodies({rule.id: rule.body for rule in sliced})


def set_of_bodies(bodies: Mapping[str, Bodies]) -> cedarpy.PolicySet:
    """The same of bodies in Cedar's JSON form, by id."""
    document = {"staticPolicies": bodies, "templates": {}, "templateLinks": []}
    return cedarpy.PolicySet.from_json_str(orjson.dumps(document).decode())
