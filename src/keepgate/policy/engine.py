"""The decision: roles, grants and expert policies compiled once, then asked about every message.

cedarpy evaluates; nothing here does. Three things make the common answer cost about a microsecond, and none may change
it (tests/policy/test_engine.py compares each answer with a fresh evaluation of everything):

1. a *slice*: only the policies whose scope can match this action, kind, server and set of grantees are evaluated;
2. a *memo* on exactly what policies can mention: the grantees, action, kind, server and name;
3. parsed handles, because parsing costs a hundred times the evaluation.

INVARIANT: an answer that is not a clean Allow is a denial. Cedar skips a policy that fails to evaluate; a skipped
`forbid` would open the door, so any error denies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import cedarpy
import orjson

from keepgate.model.access import Action, Principal, Request, Resource, ResourceKind
from keepgate.model.errors import ConfigError
from keepgate.model.verdict import Effect
from keepgate.policy import schema
from keepgate.policy.roles import Grant, Role, administration_text, cedar_text, roles_of

MEMO_SIZE = 16_384
MEMO_NAME = 512
"""Names longer than this (characters) are decided afresh: callers choose them, the memo must stay small."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request."""

    effect: Effect
    """ALLOW, ASK or DENY"""
    rules: tuple[str, ...] = ()
    """Ids of the determining policies, sorted; empty when nothing applied."""
    reason: str = ""
    """Public. Empty for ALLOW."""
    errors: tuple[str, ...] = ()
    """For the log only: why Cedar could not decide."""
    observed: bool = False
    """The effect is what policy says, but observe mode lets it through."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One policy and what its scope says about where it can apply; None means anywhere."""

    body: dict[str, Any]
    ask: bool
    reason: str
    who: tuple[str, str] | None
    actions: frozenset[str] | None
    kind: str | None
    server: str | None

    def applies(self, who: frozenset[tuple[str, str]], action: str, kind: str, server: str) -> bool:
        return (
            (self.who is None or self.who in who)
            and (self.actions is None or action in self.actions)
            and (self.kind is None or self.kind == kind)
            and (self.server is None or self.server == server)
        )


class Engine:
    """A compiled policy set. Immutable; a changed configuration compiles a new one."""

    observing = False
    said = ""
    """Nothing is let through against its answer; `policy.observe` has the one that does."""

    def __init__(self, rules: Mapping[str, _Rule], roles: Mapping[str, frozenset[str]], text: str) -> None:
        self.text = text
        """Everything that decides: the Cedar schema, the policies, the grants as comments."""
        self.hash = sha256(text.encode()).hexdigest()
        """Of `text`, hex: which policy decided, for the record."""
        self._rules = rules
        self._roles = roles
        self._schema = cedarpy.Schema.from_str(schema.TEXT)
        self._mentioned = frozenset(rule.who for rule in rules.values() if rule.who)
        self._slice = lru_cache(1024)(self._cut)
        self._memo = lru_cache(MEMO_SIZE)(self._evaluate)
        self._uses = lru_cache(1024)(self._may_use)

    @classmethod
    def compile(cls, roles: Mapping[str, Role], grants: Iterable[Grant], extra_cedar: str = "") -> Engine:
        """Compile roles and grants, joined by hand-written Cedar.

        Raises ConfigError (code `policy`) with the reason when anything does not parse or does not validate strictly
        against the schema, when two policies share an `@id`, and on templates, which would authorize nothing.
        """
        granted = roles_of(grants)
        try:
            policies = cedar_text(roles) + extra_cedar
            parsed = orjson.loads(cedarpy.policies_to_json_str(policies))
            problems = cedarpy.validate_policies(policies, schema.TEXT).errors
        except ValueError as error:
            raise ConfigError(f"the policy cannot be read: {error}", code="policy") from error
        if problems:
            raise ConfigError(f"the policy does not validate: {_names(problems, parsed)}", code="policy")
        if parsed["templates"]:
            raise ConfigError(
                "the policy has a template (`?principal`, `?resource`): write it out", code="policy"
            )
        rules: dict[str, _Rule] = {}
        for number, body in parsed["staticPolicies"].items():
            name = body.get("annotations", {}).get("id") or f"cedar:{number}"
            if name in rules:
                raise ConfigError(f"two policies have the id `{name}`", code="policy")
            rules[name] = _rule(body)
        lines = orjson.dumps(
            {to: sorted(names) for to, names in granted.items()}, option=orjson.OPT_SORT_KEYS
        )
        text = f"{schema.TEXT}\n{policies}\n{administration_text(roles)}\n// grants: {lines.decode()}\n"
        return cls(rules, granted, text)

    def decide(self, request: Request) -> Decision:
        """The answer to `request`; never raises for what a caller can send."""
        return self._decide(request.principal, request.action, request.resource)

    def visible(self, principal: Principal, resource: Resource) -> bool:
        """Whether `resource` exists for `principal`: its main action is allowed or can be asked for."""
        return self._decide(principal, schema.ACTIONS[resource.kind][0], resource).effect is not Effect.DENY

    def observed(self, principal: Principal, resource: Resource) -> bool:
        """Never: see `observing`."""
        return False

    def may_use(self, principal: Principal, server: str) -> bool:
        """Whether any permit could reach `principal` for anything on `server`: else the server need not be reached."""
        return self._uses(principal.grantees, server)

    def _may_use(self, grantees: tuple[str, ...], server: str) -> bool:
        who = set(self._who(grantees))
        return any(
            rule.body["effect"] == "permit"
            and rule.server in (None, server)
            and (rule.who is None or rule.who in who)
            for rule in self._rules.values()
        )

    def _decide(self, who: Principal, action: Action, resource: Resource) -> Decision:
        decide = self._memo if len(resource.name) <= MEMO_NAME else self._evaluate
        # The principal goes in field by field: hashing and comparing a dataclass would cost more than the lookup.
        return decide(
            (who.id, who.user, who.client, who.groups, who.tenant),
            action,
            resource.kind,
            resource.server,
            resource.name,
        )

    def _evaluate(
        self,
        who: tuple[str, str, str, tuple[str, ...], str],
        action: Action,
        kind: ResourceKind,
        server: str,
        name: str,
    ) -> Decision:
        identity, user, client, groups, tenant = who
        grantees = Principal(identity, "", groups, tenant, user, client).grantees
        try:
            uid, *parents = self._who(grantees)
            principal, item = _uid(uid), _uid((schema.RESOURCE_TYPES[kind], f"{server}/{name}"))
            within = _uid(("Server", server))
            entities = [
                {"uid": principal, "attrs": {}, "parents": [_uid(parent) for parent in parents]},
                {"uid": item, "attrs": {"server": server, "name": name}, "parents": [within]},
            ]
            relevant = self._mentioned.intersection((uid, *parents))
            answer = cedarpy.is_authorized(
                {"principal": principal, "action": _uid(("Action", str(action))), "resource": item},
                self._slice(relevant, action, kind, server),
                orjson.dumps(entities).decode(),
                self._schema,
            )
        except (ValueError, TypeError) as error:
            return _undecided((str(error),))
        return self._judge(answer)

    def _judge(self, answer: cedarpy.AuthzResult) -> Decision:
        if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
            return _undecided(tuple(answer.diagnostics.errors))
        rules = tuple(sorted(answer.diagnostics.reasons))
        stated = "; ".join(reason for rule in rules if (reason := self._rules[rule].reason))
        if not answer.allowed:
            return Decision(
                Effect.DENY, rules, stated or ("denied by policy" if rules else "no policy allows it")
            )
        if any(self._rules[rule].ask for rule in rules):
            return Decision(Effect.ASK, rules, stated or "needs approval")
        return Decision(Effect.ALLOW, rules)

    def _who(self, grantees: tuple[str, ...]) -> list[tuple[str, str]]:
        """The principal, then everything it is `in`. Raises ValueError if one of them cannot be named."""
        held = frozenset[str]().union(*(self._roles.get(grantee, ()) for grantee in grantees))
        return [schema.entity(grantee) for grantee in grantees] + [("Role", role) for role in held]

    def _cut(
        self, who: frozenset[tuple[str, str]], action: Action, kind: ResourceKind, server: str
    ) -> cedarpy.PolicySet:
        cedar_kind = schema.RESOURCE_TYPES[kind]
        bodies = {
            name: rule.body
            for name, rule in self._rules.items()
            if rule.applies(who, action, cedar_kind, server)
        }
        document = {"staticPolicies": bodies, "templates": {}, "templateLinks": []}
        return cedarpy.PolicySet.from_json_str(orjson.dumps(document).decode())


def _rule(body: dict[str, Any]) -> _Rule:
    """Read the scope of a policy in Cedar's JSON form. What is not understood applies anywhere."""
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
    return _Rule(
        body,
        ask=notes.get("obligation") == "ask",
        reason=notes.get("reason") or "",
        who=_entity(body["principal"]),
        actions=None if actions is None else frozenset(each["id"] for each in actions),
        kind=kind,
        server=server,
    )


def _entity(scope: dict[str, Any]) -> tuple[str, str] | None:
    """The entity of `== e`, `in e` or `is T in e`, else None."""
    found = scope.get("entity") or scope.get("in", {}).get("entity")
    return (found["type"], found["id"]) if found else None


def _uid(entity: tuple[str, str]) -> dict[str, str]:
    """The dict form: in Cedar's text form, a quote or newline in a name would be syntax."""
    return {"type": entity[0], "id": entity[1]}


def _undecided(errors: tuple[str, ...]) -> Decision:
    return Decision(Effect.DENY, (), "policy could not decide", errors)


def _names(problems: list[cedarpy.ValidationError], parsed: dict[str, Any]) -> str:
    """The problems, each with the `@id` of its policy instead of Cedar's running number."""
    notes = {number: body.get("annotations", {}) for number, body in parsed["staticPolicies"].items()}
    return "; ".join(f"`{notes.get(p.policy_id, {}).get('id', p.policy_id)}`: {p.error}" for p in problems)
