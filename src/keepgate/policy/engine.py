"""The decision: roles, grants and experts' policies compiled once, then asked about every message.

cedarpy evaluates; nothing here does. Three things make the common answer cost about a microsecond, and none may change
it (tests/policy/test_engine.py compares each answer with a fresh evaluation of everything):

1. a *slice*: only the policies whose scope can match this action, resource and set of grantees are evaluated;
2. a *memo* on exactly what these policies read. Without conditions that is the grantees, action, kind, server and name;
   with conditions it is also the context they are told, which holds what they mention and nothing else;
3. parsed handles, because parsing costs a hundred times the evaluation.

INVARIANT: an answer that is not a clean Allow is a denial. Cedar skips a policy that fails to evaluate; a skipped
`forbid` would open the door, so any error denies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from functools import lru_cache
from hashlib import sha256
from typing import Any

import cedarpy
import orjson

from keepgate.model.access import Action, Principal, Request, Resource, ResourceKind
from keepgate.model.errors import ConfigError
from keepgate.model.verdict import Effect
from keepgate.policy import context, rules, schema
from keepgate.policy.assess import Assessed
from keepgate.policy.roles import Grant, Role, administration_text, roles_of
from keepgate.policy.rules import Rule
from keepgate.policy.servers import NOTHING_SAID, Server
from keepgate.policy.source import Source
from keepgate.policy.typed import Types

MEMO_SIZE = 16_384
MEMO_NAME = 512
"""Names longer than this (characters) are decided afresh: callers choose them, the memo must stay small."""
MEMO_CONTEXT = 1024
"""Bytes of a context beyond which its decision is not kept."""

Who = tuple[str, str, str, tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request."""

    effect: Effect
    """ALLOW, ASK or DENY. Of an open decision: the best that any context can make of it."""
    rules: tuple[str, ...] = ()
    """Ids of the determining policies, sorted; empty when nothing applied."""
    reason: str = ""
    """Public. Empty for ALLOW."""
    errors: tuple[str, ...] = ()
    """For the log only: why Cedar could not decide."""
    observed: bool = False
    """The effect is what policy says, but observe mode lets it through."""
    open: Open | None = None
    """Set if policies that can apply read the context: `weigh` decides."""
    told: bytes = b""
    """JSON of the context that the policies were told, without the arguments themselves."""
    shown: bool = False
    """A denial of something that exists for the principal: another context could have been allowed."""


@dataclass(frozen=True, slots=True)
class Question:
    """Who, what and on what."""

    who: Who
    action: Action
    resource: Resource
    parents: frozenset[tuple[str, str]] | None
    """What of all that the principal is `in` can matter; None for everything."""


@dataclass(frozen=True, slots=True, eq=False)
class Open:
    """A question that waits for its context. Compared by identity: two are never the same question."""

    question: Question
    sliced: tuple[Rule, ...]
    policies: cedarpy.PolicySet
    needs: context.Needs


class Engine:
    """A compiled policy set. Immutable; a changed configuration compiles a new one."""

    observing = False
    said = ""
    """Nothing is let through against its answer; `policy.observe` has the one that does."""

    def __init__(
        self,
        found: Mapping[str, Rule],
        roles: Mapping[str, frozenset[str]],
        text: str,
        servers: Mapping[str, Server],
        zone: tzinfo,
        schema_text: str,
    ) -> None:
        self.text = text
        """Everything that decides: the Cedar schema, the policies, the grants and servers as comments."""
        self.hash = sha256(text.encode()).hexdigest()
        """Of `text`, hex: which policy decided, for the record."""
        self.rules = found
        self.schema = schema_text
        self.needs = context.Needs.of(path for rule in found.values() for path in rule.reads)
        """What any policy reads of the context."""
        self._roles = roles
        self.flowing, self.tracing = self.needs.flowing, self.needs.tracing
        self.servers, self._zone = servers, zone
        self._types = Types(schema_text)
        self._mentioned = frozenset(rule.who for rule in found.values() if rule.who)
        self._sets = lru_cache(1024)(rules.set_of)
        self._memo = lru_cache(MEMO_SIZE)(self._answer)
        self._reaching = lru_cache(256)(self._reach)
        self._entities = lru_cache(2048)(self._build_entities)
        self._weighed = lru_cache(4096)(self._ask)
        self._uses = lru_cache(1024)(self._may_use)
        self.assessing = any(rules.asks_effects(rule) for rule in found.values())
        """Whether any policy asks what tools do: only then it matters what is read of their definitions."""
        self._assessed, self._version = Assessed(), 0

    def use_assessed(self, assessed: Assessed) -> None:
        """What was read of the tools there are, from now on; it is looked at again whenever it changes."""
        self._assessed = assessed
        self._forget()

    def _forget(self) -> None:
        self._version = self._assessed.version
        self._memo.cache_clear()
        self._entities.cache_clear()

    @property
    def timed(self) -> bool:
        """Whether any policy reads the time."""
        return self.needs.timed

    @classmethod
    def compile(
        cls,
        roles: Mapping[str, Role],
        grants: Iterable[Grant],
        extra: str | Iterable[Source] = (),
        *,
        servers: Mapping[str, Server] | None = None,
        zone: tzinfo = UTC,
    ) -> Engine:
        """Compile roles and grants, joined by experts' policies.

        Raises ConfigError (code `policy`) with the reason when anything does not parse or does not validate strictly
        against the schema, when two policies share an id, and on templates, which would authorize nothing. Policies
        that read arguments as they are (`context.input`) are checked again for each tool, when it is known.
        """
        granted = roles_of(grants)
        sources = [Source("cedar", extra)] if isinstance(extra, str) else list(extra)
        of_roles, of_files = rules.of_roles(roles), rules.of_files(sources)
        for name in of_roles.keys() & of_files.keys():
            raise ConfigError(f"two policies have the id `{name}`", where=of_files[name].where, code="policy")
        found = of_roles | of_files
        base = schema.text(rules.arguments_read(found.values()))
        Types(base).check(found)
        if any("statements" in path[2:] for rule in found.values() for path in rule.reads):
            from keepgate.policy.facts import sql

            sql.parser()
        told = {
            "grants": {to: sorted(names) for to, names in granted.items()},
            "servers": {name: server.told() for name, server in (servers or {}).items()},
            "zone": str(zone),
        }
        text = "\n".join(
            (
                base,
                *(rule.text for rule in found.values()),
                administration_text(roles),
                f"// {orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()}\n",
            )
        )
        return cls(found, granted, text, servers or {}, zone, base)

    def decide(self, request: Request) -> Decision:
        """The answer to `request`; never raises for what a caller can send.

        Policies with conditions look at `request.context`: `arguments` (of a call or prompt), `schema` (the
        `inputSchema` of the tool), `time` (Unix seconds), `flow`, `approvals`.
        """
        decision = self.static(request.principal, request.action, request.resource)
        return decision if decision.open is None else self.weigh(decision, request)

    def visible(self, principal: Principal, resource: Resource) -> bool:
        """Whether `resource` exists for `principal`: some context lets its main action be allowed or asked for."""
        return self.static(principal, schema.ACTIONS[resource.kind][0], resource).effect is not Effect.DENY

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
            for rule in self.rules.values()
        )

    def static(self, who: Principal, action: Action, resource: Resource) -> Decision:
        """The answer without a context; an open one if policies that can apply read it."""
        if self.assessing and self._version != self._assessed.version:
            self._forget()
        decide = self._memo if len(resource.name) <= MEMO_NAME else self._answer
        # The principal goes in field by field: hashing and comparing a dataclass would cost more than the lookup.
        return decide(
            (who.id, who.user, who.client, who.groups, who.tenant),
            action,
            resource.kind,
            resource.server,
            resource.name,
        )

    def _answer(self, who: Who, action: Action, kind: ResourceKind, server: str, name: str) -> Decision:
        resource = Resource(kind, server, name)
        if action not in schema.ACTIONS[kind]:
            return _undecided((f"{action} is not done to a {kind}",))
        try:
            found = self._slice(who, action, resource)
            question = Question(who, action, resource, _parents(found))
            sliced = self._pruned(question, found)
            reads = frozenset(path for rule in sliced for path in rule.reads)
            if not reads:
                return self._ask_cedar(question, self._sets(sliced), None)
            best = rules.set_of_bodies({rule.id: rule.at_best for rule in sliced if rule.at_best is not None})
            hoped = self._ask_cedar(question, best, None)
            if hoped.effect is Effect.DENY:
                return hoped
            wait = Open(question, sliced, self._sets(sliced), context.Needs.of(reads))
            return replace(hoped, effect=self._best(hoped), open=wait)
        except (ValueError, TypeError) as error:
            return _undecided((str(error),))

    def _best(self, hoped: Decision) -> Effect:
        """ASK only if nothing can allow, or something without a condition asks."""
        found = [self.rules[rule] for rule in hoped.rules]
        asks = any(rule.ask and not rule.reads for rule in found) or all(rule.ask for rule in found)
        return Effect.ASK if asks else Effect.ALLOW

    def _slice(self, who: Who, action: Action, resource: Resource) -> tuple[Rule, ...]:
        reaching = self._reaching(who, action, resource.kind, resource.server)
        return tuple(rule for rule in reaching if rule.names(resource.name))

    def _reach(self, who: Who, action: Action, kind: ResourceKind, server: str) -> tuple[Rule, ...]:
        """The rules that can apply to anything of this kind on a server."""
        relevant = self._mentioned.intersection(self._who(_grantees(who)))
        word = schema.RESOURCE_TYPES[kind]
        return tuple(rule for rule in self.rules.values() if rule.applies(relevant, action, word, server))

    def _pruned(self, question: Question, sliced: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """Without experts' rules that stop before they read the context: `resource.name == "x" && context...`."""
        doubtful = [rule for rule in sliced if rule.reads and rule.pattern is None]
        if not doubtful:
            return sliced
        answer = self._evaluate(
            question, rules.set_of_bodies({rule.id: rule.leading for rule in doubtful}), None
        )
        if answer.diagnostics.errors:
            return sliced
        gone = {rule.id for rule in doubtful} - set(answer.diagnostics.reasons)
        return tuple(rule for rule in sliced if rule.id not in gone)

    def weigh(self, decision: Decision, request: Request) -> Decision:
        """The answer to a question that was open, for the context of `request`."""
        wait = decision.open
        assert wait is not None
        try:
            told = context.context_of(wait.needs, request, self._zone)
            encoded = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
            full = encoded
            if wait.needs.input:
                self._types.check_tool(wait.sliced, request)
                full = orjson.dumps(told | {"input": context.input_of(wait.needs, request)})
            ask = self._weighed if len(full) <= MEMO_CONTEXT else self._ask
            answer = ask(wait, full)
        except (ValueError, TypeError, KeyError, OverflowError, ConfigError) as error:
            return replace(_undecided((f"{type(error).__name__}: {error}"[:500],)), shown=True)
        return Decision(
            answer.effect, answer.rules, answer.reason, answer.errors, told=encoded, shown=answer.shown
        )

    def _ask(self, wait: Open, encoded: bytes) -> Decision:
        answer = self._ask_cedar(wait.question, wait.policies, encoded.decode())
        if answer.effect is not Effect.DENY:
            return answer
        if answer.rules or answer.errors:
            return replace(answer, shown=True)
        return replace(answer, shown=True, reason=f"no policy allows it as it is: {_unmet(wait.needs)}")

    def _ask_cedar(self, question: Question, policies: cedarpy.PolicySet, told: str | None) -> Decision:
        return self._judge(self._evaluate(question, policies, told))

    def _evaluate(
        self, question: Question, policies: cedarpy.PolicySet, told: str | None
    ) -> cedarpy.AuthzResult:
        resource = question.resource
        entities_of = self._entities if len(resource.name) <= MEMO_NAME else self._build_entities
        entities, principal, item = entities_of(
            question.who, resource.kind, resource.server, resource.name, question.parents
        )
        request: dict[str, Any] = {
            "principal": principal,
            "action": {"type": "Action", "id": str(question.action)},
            "resource": item,
        }
        if told is not None:
            request["context"] = told
        return cedarpy.is_authorized(request, policies, entities)

    def _build_entities(
        self, who: Who, kind: ResourceKind, server: str, name: str, wanted: frozenset[tuple[str, str]] | None
    ) -> tuple[cedarpy.Entities, dict[str, str], dict[str, str]]:
        uid, *parents = self._who(_grantees(who))
        principal, item = _uid(uid), _uid((schema.RESOURCE_TYPES[kind], f"{server}/{name}"))
        provider = self.servers.get(server, NOTHING_SAID)
        within = _uid(("Server", server))
        attributes: dict[str, Any] = {"server": server, "name": name, "provider": {"__entity": within}}
        if kind is ResourceKind.TOOL:
            attributes |= provider.effects_of(name, self._assessed.of(server, name))
        _, user, client, groups, tenant = who
        told = {"groups": list(groups), "tenant": tenant, "user": user, "client": client}
        entities = [
            {
                "uid": principal,
                "attrs": told,
                "parents": [_uid(each) for each in parents if wanted is None or each in wanted],
            },
            {"uid": item, "attrs": attributes, "parents": [within]},
            {"uid": within, "attrs": provider.attributes(), "parents": []},
        ]
        return cedarpy.Entities.from_json_str(orjson.dumps(entities).decode()), principal, item

    def _judge(self, answer: cedarpy.AuthzResult) -> Decision:
        if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
            return _undecided(tuple(answer.diagnostics.errors))
        found = tuple(sorted(answer.diagnostics.reasons))
        stated = "; ".join(reason for rule in found if (reason := self.rules[rule].reason))
        if not answer.allowed:
            return Decision(
                Effect.DENY, found, stated or ("denied by policy" if found else "no policy allows it")
            )
        if any(self.rules[rule].ask for rule in found):
            return Decision(Effect.ASK, found, stated or "needs approval")
        return Decision(Effect.ALLOW, found)

    def _who(self, grantees: tuple[str, ...]) -> list[tuple[str, str]]:
        """The principal, then everything it is `in`. Raises ValueError if one of them cannot be named."""
        held = frozenset[str]().union(*(self._roles.get(grantee, ()) for grantee in grantees))
        return [schema.entity(grantee) for grantee in grantees] + [("Role", role) for role in held]


def _parents(sliced: Iterable[Rule]) -> frozenset[tuple[str, str]] | None:
    """Entries of roles look at the principal in their scope only; an expert may name anything in a condition."""
    rules = list(sliced)
    if any(rule.pattern is None for rule in rules):
        return None
    return frozenset(rule.who for rule in rules if rule.who is not None)


def _grantees(who: Who) -> tuple[str, ...]:
    identity, user, client, groups, tenant = who
    return Principal(identity, "", groups, tenant, user, client).grantees


def _uid(entity: tuple[str, str]) -> dict[str, str]:
    """The dict form: in Cedar's text form, a quote or newline in a name would be syntax."""
    return {"type": entity[0], "id": entity[1]}


def _undecided(errors: tuple[str, ...]) -> Decision:
    return Decision(Effect.DENY, (), "policy could not decide", errors)


def _unmet(needs: context.Needs) -> str:
    """What the conditions that were not met are about, for the caller."""
    arguments = sorted({*needs.facts, *needs.input})
    about = [f"`{name}`" for name in arguments[:10]]
    about += [
        word
        for part, word in (("time", "the time"), ("auth", "the login"), ("flow", "what was read before"))
        if part in needs.parts
    ]
    return f"a condition on {', '.join(about) or 'the call'} is not met"
