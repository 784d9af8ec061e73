"""The engine against a page of plain Python, against cedarpy without slices and memo, and against each Cedar trap."""

import io
import sys
from contextlib import redirect_stdout
from zoneinfo import ZoneInfo

import cedarpy
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepgate.model.access import ANONYMOUS, Action, Principal, Request, Resource, ResourceKind
from keepgate.model.errors import ConfigError
from keepgate.model.verdict import Effect
from keepgate.policy import engine as module
from keepgate.policy import schema
from keepgate.policy.arguments import shape_of
from keepgate.policy.assess import Assessed
from keepgate.policy.conditions import Argument, When
from keepgate.policy.context import arguments_of
from keepgate.policy.engine import Engine
from keepgate.policy.facts.derive import facts
from keepgate.policy.moment import moment
from keepgate.policy.roles import Conditional, Grant, Role, cedar_text
from keepgate.policy.servers import Effects, Server
from tests.spec import policy_spec

KEY = Principal("key:cursor", "key")
ALL = Role(allow=("*/*",))
FREE = "context.flow.labels.isEmpty()"
OVERFLOW = "9223372036854775807 + 1 == 0"
"""Validates, and fails when evaluated: the only kind of error that strict validation leaves."""


def tool(
    name: str, server: str = "files", principal: Principal = KEY, action: Action = Action.CALL_TOOL
) -> Request:
    return Request(principal, action, Resource(ResourceKind.TOOL, server, name))


def compiled(role: Role = ALL, extra: str = "") -> Engine:
    return Engine.compile({"r": role}, [Grant("key:cursor", "r")], extra)


# --- deciding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "effect", "rules", "reason"),
    [
        ("read_file", Effect.ALLOW, ("r:allow:files/read_*",), ""),
        ("write_file", Effect.ASK, ("r:ask:files/write_*",), "needs approval"),
        ("read_secret", Effect.DENY, ("r:deny:*/*secret*",), "denied by policy"),
        ("delete_file", Effect.DENY, (), "no policy allows it"),
    ],
)
def test_deny_wins_over_ask_and_nothing_is_deny(name, effect, rules, reason):
    role = Role(allow=("files/read_*",), ask=("files/write_*",), deny=("*/*secret*",))
    decision = compiled(role).decide(tool(name))
    assert (decision.effect, decision.rules, decision.reason, decision.errors) == (effect, rules, reason, ())


def test_ask_wins_over_allow_and_both_determine():
    decision = compiled(Role(allow=("*/*",), ask=("files/*",))).decide(tool("x"))
    assert decision.effect is Effect.ASK
    assert decision.rules == ("r:allow:*/*", "r:ask:files/*")


@pytest.mark.parametrize("to", ["key:cursor", "user:u", "client:c", "group:b", "tenant:t"])
def test_a_grant_reaches_whoever_carries_its_name(to):
    engine = Engine.compile({"r": Role(allow=("*/*",))}, [Grant(to, "r")])
    carrier = Principal("key:cursor", "key", groups=("a", "b"), tenant="t", user="u", client="c")
    assert engine.decide(tool("x", principal=carrier)).effect is Effect.ALLOW
    assert engine.decide(tool("x", principal=Principal("key:other", "key"))).effect is Effect.DENY


def test_anonymous_is_granted_like_anyone():
    engine = Engine.compile({"r": Role(allow=("*/*",))}, [Grant("anonymous", "r")])
    assert engine.decide(tool("x", principal=ANONYMOUS)).effect is Effect.ALLOW
    assert engine.decide(tool("x")).effect is Effect.DENY


@pytest.mark.parametrize("identity", ["", "role:r", "Role::x", "nobody"])
def test_a_principal_that_cannot_be_named_is_denied(identity):
    decision = compiled().decide(tool("x", principal=Principal(identity, "key")))
    assert decision.effect is Effect.DENY
    assert decision.errors


def test_visible_is_allowed_or_asked_for():
    engine = compiled(Role(allow=("resource:*/a",), ask=("tool:*/a",), deny=("prompt:*/a",)))
    seen = {kind: engine.visible(KEY, Resource(kind, "s", "a")) for kind in ResourceKind}
    assert seen == {ResourceKind.TOOL: True, ResourceKind.RESOURCE: True, ResourceKind.PROMPT: False}


def test_an_expert_policy_joins_in_with_its_own_reason():
    extra = (
        '@id("no-mail") @reason("mail is closed") forbid(principal, action, resource == Tool::"mail/send");'
    )
    engine = compiled(extra=extra)
    decision = engine.decide(tool("send", "mail"))
    assert (decision.effect, decision.rules, decision.reason) == (Effect.DENY, ("no-mail",), "mail is closed")
    assert engine.decide(tool("list", "mail")).effect is Effect.ALLOW


def test_the_hash_follows_roles_grants_and_expert_policies_and_nothing_else():
    base = compiled().hash
    assert base == compiled().hash
    assert len(base) == 64
    changed = [
        compiled(Role(allow=("*/a",))),
        compiled(extra="forbid(principal, action, resource);"),
        Engine.compile({"r": Role(allow=("*/*",))}, [Grant("key:other", "r")]),
    ]
    assert base not in {engine.hash for engine in changed}
    described = compiled(Role(allow=("*/*",), description="everything"))
    assert described.hash == base


# --- refusing to load -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ("permit(;", "cannot be read"),
        ('@id("mine") permit(principal, action, resource) when { resource.nam == "x" };', "`mine`: .*nam"),
        ("permit(principal, action, resource) when { resource.name == 1 };", "does not validate"),
        ('permit(principal, action == Action::"cal_tool", resource);', "does not validate"),
        ('permit(principal == Nobody::"x", action, resource);', "does not validate"),
        ("permit(principal == ?principal, action, resource);", "template"),
        ('@id("r:allow:*/*") permit(principal, action, resource);', "two policies have the id `r:allow:"),
    ],
)
def test_a_policy_that_is_not_right_refuses_to_load(extra, why):
    with pytest.raises(ConfigError, match=why) as caught:
        compiled(extra=extra)
    assert caught.value.code == "policy"


def test_a_malformed_pattern_refuses_to_load():
    with pytest.raises(ConfigError, match="not a pattern"):
        compiled(Role(allow=("nope",)))


# --- the traps of Cedar, one by one (libraries.md section 2) ---------------------------------------


def test_trap_1_cedar_skips_a_forbid_that_errors_and_the_engine_denies():
    forbid = f"forbid(principal, action, resource) when {{ {OVERFLOW} }};"
    plain = cedarpy.is_authorized(
        {"principal": 'Key::"k"', "action": 'Action::"call_tool"', "resource": 'Tool::"s/x"'},
        f"permit(principal, action, resource); {forbid}",
        "[]",
    )
    assert plain.allowed, "if Cedar no longer skips it, this trap is gone"
    assert plain.diagnostics.errors
    decision = compiled(extra=forbid).decide(tool("x"))
    assert decision.effect is Effect.DENY
    assert decision.reason == "policy could not decide"
    assert "overflow" in decision.errors[0]


CALLS = 'principal, action == Action::"call_tool", resource'


def call(arguments, declared=None, name: str = "x") -> Request:
    request = tool(name)
    request.context.update(arguments=arguments, schema=declared)
    return request


def declares(kind: str, *required: str) -> dict:
    return {"type": "object", "properties": {"n": {"type": kind}}, "required": list(required)}


def test_trap_1_cedar_skips_a_forbid_whose_argument_is_missing_and_the_engine_denies():
    forbid = f"forbid({CALLS}) when {{ context.input.n > 3 }};"
    for context in ({"input": {}}, {"input": {"n": "4"}}):
        plain = cedarpy.is_authorized(
            {
                "principal": 'Key::"k"',
                "action": 'Action::"call_tool"',
                "resource": 'Tool::"s/x"',
                "context": context,
            },
            f"permit(principal, action, resource); {forbid}",
            "[]",
        )
        assert plain.allowed, "if Cedar no longer skips it, this trap is gone"
    engine = compiled(extra=forbid)
    assert engine.decide(call({"n": 3}, declares("integer", "n"))).effect is Effect.ALLOW
    for arguments, declared in (
        ({}, declares("integer", "n")),
        ({"n": "4"}, declares("integer", "n")),
        ({"n": "4"}, declares("string", "n")),
        ({"n": 3}, declares("integer")),
        ({"n": 3}, None),
        (None, None),
    ):
        decision = engine.decide(call(arguments, declared))
        assert decision.effect is Effect.DENY
        assert decision.errors


def test_trap_1_a_policy_that_reads_an_argument_that_may_be_missing_cannot_load():
    """Where no tool can be called, nothing has this argument: it must be asked for with `has`."""
    with pytest.raises(ConfigError, match="does not validate"):
        compiled(extra="forbid(principal, action, resource) when { context.input.n > 3 };")
    with pytest.raises(ConfigError, match="does not validate"):
        compiled(extra="forbid(principal, action, resource) when { context.facts.n.items > 3 };")


@pytest.mark.parametrize("name", ["__entity", "__extn", '{"__entity": {"type": "Role", "id": "r"}}'])
def test_trap_2_names_are_never_interpreted_as_entities(name):
    engine = Engine.compile({"r": Role(allow=("files/safe",))}, [Grant("key:cursor", "r")])
    assert engine.decide(tool(name)).effect is Effect.DENY
    assert engine.decide(tool("x", principal=Principal(f"key:{name}", "key"))).effect is Effect.DENY
    assert compiled().decide(tool(name)).effect is Effect.ALLOW


INTERPRETED = {"__entity": {"type": "Role", "id": "r"}}
EXTENDED = {"__extn": {"fn": "decimal", "arg": "1.0"}}


@pytest.mark.parametrize("value", [INTERPRETED, EXTENDED, {"x": INTERPRETED}, [INTERPRETED]])
def test_trap_2_no_argument_is_taken_for_an_entity_or_a_decimal(value):
    """Cedar reads these keys in any JSON it is given; what is not of its declared type does not reach it."""
    for kind in ("string", "number", "integer", "object"):
        extra = f"forbid({CALLS}) when {{ context.input has n && context.flow.labels.isEmpty() }};"
        engine = compiled(extra=extra)
        assert engine.decide(call({"n": value}, declares(kind, "n"))).effect is Effect.DENY
    harmless = compiled(extra=f"forbid({CALLS}) when {{ context.input has n && context.input.n == 1 }};")
    told = harmless.decide(call({"n": 2, "other": value, "__extn": value}, declares("integer", "n")))
    assert (told.effect, told.errors) == (Effect.ALLOW, ())


@pytest.mark.parametrize(
    "value", [1.5, 1e300, float("nan"), float("inf"), None, 1 << 64, -(1 << 70), True, "1", [1], {"a": 1}]
)
@pytest.mark.parametrize("kind", ["integer", "number"])
def test_trap_3_numbers_that_cedar_has_not_are_denials_and_never_errors_of_ours(value, kind):
    condition = "context.input.n == 7" if kind == "integer" else 'context.input.n == decimal("7.0")'
    engine = compiled(extra=f"forbid({CALLS}) when {{ {condition} }};")
    decision = engine.decide(call({"n": value}, declares(kind, "n")))
    exact = value == 1.5 and kind == "number"
    assert (decision.effect is Effect.ALLOW) is exact
    assert bool(decision.errors) is not exact
    limited = compiled(Role(allow=(Conditional("*/*", When({"n": Argument(at_most=5)})),)))
    fits = value in (1.5, [1]) and value is not True
    assert limited.decide(call({"n": value})).effect is (Effect.ALLOW if fits else Effect.DENY)


def test_trap_3_depth_and_size_of_arguments_do_not_reach_cedar():
    deep: object = "x"
    for _ in range(5000):
        deep = [deep]
    engine = compiled(Role(allow=(Conditional("*/*", When({"n": Argument(one_of=("x",))})),)))
    for value in (deep, "x" * 10_000_000, ["x"] * 100_000, {"a": deep}):
        decision = engine.decide(call({"n": value}))
        assert (decision.effect, decision.errors) == (Effect.DENY, ())


@pytest.mark.parametrize(
    "context",
    [
        INTERPRETED,
        {"input": {"n": 1.5}},
        {"arguments": None},
        {"arguments": {"n": 1 << 64}},
        {"arguments": [[[[[]]]]]},
        {"time": "noon"},
    ],
)
def test_traps_2_and_3_what_no_policy_reads_is_not_even_looked_at(context):
    request = Request(KEY, Action.CALL_TOOL, Resource(ResourceKind.TOOL, "files", "x"), context)
    assert compiled().decide(request).effect is Effect.ALLOW
    assert compiled(Role(allow=("files/y",))).decide(request).effect is Effect.DENY


def test_trap_3_no_decision_is_a_denial():
    decision = compiled().decide(Request(KEY, Action.CALL_TOOL, Resource(ResourceKind.PROMPT, "files", "x")))
    assert decision.effect is Effect.DENY
    assert "not done to a prompt" in decision.errors[0]


@pytest.mark.parametrize("name", ["\ud800", "a\udfffb"])
def test_trap_3_what_cedar_cannot_read_is_a_denial(name):
    decision = compiled().decide(tool(name))
    assert decision.effect is Effect.DENY
    assert decision.errors


def test_trap_4_nothing_is_printed(capfd):
    out = io.StringIO()
    with redirect_stdout(out):
        compiled().decide(tool("x"))
        compiled(extra=f"forbid(principal, action, resource) when {{ {OVERFLOW} }};").decide(tool("x"))
    sys.stdout.flush()
    assert (out.getvalue(), *capfd.readouterr()) == ("", "", "")


def test_trap_5_policies_are_parsed_once_a_slice_and_entities_once_a_question(monkeypatch):
    engine = compiled(Role(allow=("files/a", Conditional("files/b", When({"n": Argument(at_most=5)})))))
    assert engine.decide(call({"n": 1}, name="b")).effect is Effect.ALLOW
    engine.decide(tool("a"))
    monkeypatch.setattr(module.cedarpy.PolicySet, "from_json_str", None)
    monkeypatch.setattr(module.cedarpy.Schema, "from_str", None)
    monkeypatch.setattr(module.cedarpy.Entities, "from_json_str", None)
    assert engine.decide(tool("a")).effect is Effect.ALLOW
    assert engine.decide(call({"n": 2}, name="b")).effect is Effect.ALLOW
    assert engine.decide(call({"n": 6}, name="b")).effect is Effect.DENY


@pytest.mark.parametrize("name", ["read*", "re?d", "r.*", "[r]ead", "READ", "read\n", " read"])
def test_trap_6_only_a_star_in_a_pattern_is_a_wildcard(name):
    assert compiled(Role(allow=("files/read",))).decide(tool(name)).effect is Effect.DENY
    assert compiled(Role(allow=("files/read",))).decide(tool("read")).effect is Effect.ALLOW


def test_trap_6_a_literal_star_is_written_with_a_backslash():
    engine = compiled(Role(allow=(r"files/a\*b",)))
    assert engine.decide(tool("a*b")).effect is Effect.ALLOW
    assert engine.decide(tool("aXb")).effect is Effect.DENY


@pytest.mark.parametrize(
    "name",
    [
        'a"b',
        "a\nb",
        "a\\",
        '" || true || "',
        "\0",
        "é",
        "🙈",
        "a\u202eb",
        "x" * 10_000,
        '"};permit(principal',
    ],
)
def test_trap_7_any_name_can_be_asked_for_and_written_in_a_role(name):
    pattern = name.replace("\\", "\\\\")
    engine = Engine.compile({"r": Role(allow=(f"files/{pattern}",))}, [Grant(f"key:{name}", "r")])
    holder = Principal(f"key:{name}", "key")
    assert engine.decide(tool(name, principal=holder)).effect is Effect.ALLOW
    assert engine.decide(tool(f"{name}x", principal=holder)).effect is Effect.DENY
    assert engine.decide(tool(name)).effect is Effect.DENY


# --- slices and memo change nothing ---------------------------------------------------------------

SERVED = {
    "files": Server("trusted", "alice", "internal", {"read*": Effects(read_only=True, destructive=False)}),
    "crm": Server("reviewed"),
}
ZONE = ZoneInfo("Europe/Berlin")
TOOL_SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "path": {"type": "string"}, "to": {"type": "string"}},
    "required": ["n"],
}
FACTS = ("within", "around", "texts", "domains", "least", "most", "items", "length", "shortest")
SERVERS = ("files", "crm", "f*s")
NAMES = ("read", "read_a", "re", "a/b", "*", 'q"', "secret")
ROLES = ("a", "b", "c")
pattern = st.builds(
    "{}{}/{}".format,
    st.sampled_from(("", "tool:", "resource:", "prompt:")),
    st.sampled_from(("files", "crm", "*", "f*", "*s", "no")),
    st.sampled_from(("*", "read", "read_*", "*a*", r"\*", "*/*", 'q"', "secret")),
)
tests = st.sampled_from(
    (
        {"path": Argument(below="/srv/data")},
        {"path": Argument(below="/srv/data", absent=True)},
        {"path": Argument(below="/srv/data", absent=False)},
        {"to": Argument(domains=("example.com",))},
        {"to": Argument(one_of=("a@example.com",), length=20)},
        {"n": Argument(at_most=5)},
        {"n": Argument(above=5)},
        {"n": Argument(at_least=1, items=1)},
        {"n": Argument(at_most=5), "path": Argument(below="/srv", absent=True)},
        {"uri": Argument(one_of=("read",))},
    )
)
whens = st.one_of(
    st.builds(When, arguments=tests),
    st.builds(When, hours=st.sampled_from(("09:00-17:00", "22:00-06:00")), days=st.just(("mon", "tue"))),
    st.builds(When, read_only=st.booleans(), trust=st.sampled_from(((), ("trusted",)))),
    st.builds(When, arguments=tests, destructive=st.booleans(), delegated=st.booleans()),
    st.builds(When, data=st.just(("internal",)), acr=st.sampled_from(((), ("mfa",), ("",)))),
)
entry = st.one_of(pattern, st.builds(Conditional, pattern, whens))
plain = st.lists(pattern, max_size=3).map(tuple)
patterns = st.lists(entry, max_size=3).map(tuple)
roles = st.fixed_dictionaries({name: st.builds(Role, patterns, patterns, patterns) for name in ROLES})
plain_roles = st.fixed_dictionaries({name: st.builds(Role, plain, plain, plain) for name in ROLES})
to = st.sampled_from(("anonymous", "key:k", "key:l", "user:u", "client:c", "group:g", "group:h", "tenant:t"))
grants = st.lists(st.builds(Grant, to, st.sampled_from(ROLES)), max_size=6)
principal = st.one_of(
    st.just(ANONYMOUS),
    st.builds(
        Principal,
        st.sampled_from(("key:k", "key:l", "user:u")),
        st.just("key"),
        st.lists(st.sampled_from(("g", "h")), unique=True).map(tuple),
        st.sampled_from(("", "t")),
        st.sampled_from(("", "u")),
        st.sampled_from(("", "c")),
    ),
)
SIDE_ACTIONS = (Action.COMPLETE, Action.SUBSCRIBE_RESOURCE)
"""What policies can allow beside what makes a thing visible."""
resource = st.builds(
    Resource, st.sampled_from(ResourceKind), st.sampled_from(SERVERS), st.sampled_from(NAMES)
)
arguments = st.fixed_dictionaries(
    {"n": st.sampled_from((0, 1, 5, 100, 2**62))},
    optional={
        "path": st.sampled_from(("/srv/data/a", "/srv/data/../x", "/srv/%2e%2e/etc", "relative", "\0")),
        "to": st.sampled_from(("a@example.com", "a@evil.example", "https://mail.example.com/x", "nonsense")),
    },
)
situation = st.fixed_dictionaries(
    {
        "arguments": arguments,
        "schema": st.just(TOOL_SCHEMA),
        "time": st.sampled_from((1_795_000_000.0, 1_795_040_000.0, 1_795_300_000.0)),
        "flow": st.sampled_from((None, {"labels": ["untrusted"], "values": [], "sink": False})),
    }
)
request_ = st.builds(Request, principal, st.sampled_from(Action), resource, situation)
EXPERT = (
    'permit(principal, action, resource) when { principal in Group::"h" && resource in Server::"crm" };',
    'permit(principal in Group::"g", action, resource in Server::"files");',
    'permit(principal == Key::"k", action == Action::"call_tool", resource is Tool);',
    'forbid(principal is Anonymous, action, resource) unless { resource.name like "read*" };',
    'forbid(principal, action in [Action::"complete", Action::"get_prompt"], resource == Prompt::"crm/a/b");',
    '@obligation("ask") permit(principal in User::"u", action, resource is Tool in Server::"crm");',
    f'forbid(principal in Tenant::"t", action, resource in Server::"crm") when {{ {OVERFLOW} }};',
    'permit(principal is Key in Role::"b", action, resource);',
    'forbid(principal, action, resource) when { context.flow.labels.contains("untrusted") };',
    'permit(principal, action == Action::"call_tool", resource) when { context.input.n == 5 };',
    'forbid(principal, action, resource) when { context.input has path && context.input.path like "*x" };',
    'forbid(principal, action, resource) when { resource.name == "re" && context.input has path };',
    'permit(principal, action, resource) when { context.flow.labels.isEmpty() && resource.name == "re" };',
    f'permit(principal, action, resource) when {{ {FREE} && {OVERFLOW} && resource.name == "a" }};',
    f'permit(principal, action, resource) when {{ resource.name == "a" && {FREE} && {OVERFLOW} }};',
    'permit(principal, action, resource) unless { context.time.weekday == "mon" || resource.name == "re" };',
    "forbid(principal, action, resource) unless { context.facts has to && context.facts.to has domains };",
    'permit(principal, action, resource) when { principal.tenant == "t" && resource.provider.trust == "trusted" };',
    '@obligation("ask") permit(principal, action == Action::"call_tool", resource) when { resource.read_only };',
    'permit(principal, action == Action::"call_tool", resource) when { context.input.n + 9223372036854775807 > 1 };',
)
expert = st.lists(st.sampled_from(EXPERT), unique=True, max_size=3).map("\n".join)


def uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def fresh(roles, grants, extra, request) -> tuple[Effect, int]:
    """The effect and the number of determining policies by one evaluation of everything, from text, with the schema."""
    asked = [uid(*schema.entity(name)) for name in request.principal.grantees]
    granted = {
        name: [uid("Role", g.role) for g in grants if g.to == name] for name in request.principal.grantees
    }
    kind, server = schema.RESOURCE_TYPES[request.resource.kind], request.resource.server
    item, provider = uid(kind, request.resource.id), SERVED.get(server, Server())
    who = request.principal
    told = {"groups": list(who.groups), "tenant": who.tenant, "user": who.user, "client": who.client}
    entities = [
        {"uid": each, "attrs": told, "parents": granted[name] + (asked[1:] if each is asked[0] else [])}
        for each, name in zip(asked, who.grantees, strict=True)
    ]
    attrs = {"server": server, "name": request.resource.name, "provider": {"__entity": uid("Server", server)}}
    if kind == "Tool":
        attrs |= provider.effects_of(request.resource.name)
    entities.append({"uid": item, "attrs": attrs, "parents": [uid("Server", server)]})
    entities.append({"uid": uid("Server", server), "attrs": provider.attributes(), "parents": []})
    text = cedar_text(roles) + extra
    arguments = arguments_of(request)
    about = {name: facts(arguments, name, FACTS) for name in ("n", "path", "to", "uri")}
    context = {
        "facts": {name: found for name, found in about.items() if found is not None},
        "input": shape_of(TOOL_SCHEMA).value(arguments) if kind == "Tool" else {},
        "time": moment(request.context["time"], ZONE),
        "auth": {"method": who.kind, "acr": "", "issuer": "", "scopes": [], "actors": list(who.actors)},
        "flow": request.context.get("flow") or {"labels": [], "values": [], "sink": False},
        "approvals": [],
    }
    typed = schema.text(about, shape_of(TOOL_SCHEMA).cedar())
    answer = cedarpy.is_authorized(
        {
            "principal": asked[0],
            "action": uid("Action", str(request.action)),
            "resource": item,
            "context": context,
        },
        text,
        orjson.dumps(entities).decode(),
        typed,
    )
    bodies = orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    reasons = answer.diagnostics.reasons
    if answer.diagnostics.errors or not answer.allowed:
        return Effect.DENY, 0 if answer.diagnostics.errors else len(reasons)
    asks = any(bodies[name].get("annotations", {}).get("obligation") == "ask" for name in reasons)
    return Effect.ASK if asks else Effect.ALLOW, len(reasons)


def served(roles, grants, extra="") -> Engine:
    return Engine.compile(roles, grants, extra, servers=SERVED, zone=ZONE)


def test_the_reference_evaluation_can_decide_at_all():
    """Else the comparisons below would compare denials for want of a decision."""
    roles = {"a": Role(allow=("*/*",))}
    extra = 'permit(principal, action == Action::"call_tool", resource) when { context.input.n == 1 };'
    request = tool("x", principal=Principal("key:k", "key"))
    request = Request(
        *(request.principal, request.action, request.resource), {"arguments": {"n": 1}, "time": 0.0}
    )
    assert fresh(roles, [Grant("key:k", "a")], extra, request) == (Effect.ALLOW, 2)
    assert fresh({}, [], "", request) == (Effect.DENY, 0)


@settings(max_examples=150, deadline=None)
@given(roles, grants, expert, st.lists(request_, min_size=1, max_size=6))
def test_sliced_and_memoised_equals_a_fresh_evaluation_of_everything(roles, grants, extra, requests):
    engine = served(roles, grants, extra)
    for request in (*requests, *requests):
        decision = engine.decide(request)
        expected, rules = fresh(roles, grants, extra, request)
        assert decision.effect is expected
        # The number of rules is told only by a decision that was not a denial for want of anything that can permit.
        assert len(decision.rules) == rules or decision.effect is Effect.DENY
        if expected is not Effect.DENY:
            assert engine.visible(request.principal, request.resource) or request.action in SIDE_ACTIONS


@settings(max_examples=150, deadline=None)
@given(plain_roles, grants, st.lists(request_, min_size=1, max_size=10))
@example({"a": Role(allow=("*/*",))}, [Grant("key:k", "a")], [tool("x", principal=Principal("key:k", "key"))])
def test_roles_and_grants_mean_what_the_specification_says(roles, grants, requests):
    engine = Engine.compile(roles, grants)
    for request in requests:
        assert engine.decide(request).effect is policy_spec.decide(roles, grants, request)


@settings(deadline=None)
@given(roles, grants, expert, st.lists(request_, min_size=1, max_size=6))
def test_a_server_that_may_not_be_used_allows_nothing(roles, grants, extra, requests):
    engine = served(roles, grants, extra)
    for request in requests:
        if not engine.may_use(request.principal, request.resource.server):
            assert engine.decide(request).effect is Effect.DENY


def test_a_server_that_no_permit_names_need_not_be_reached():
    engine = compiled(Role(allow=("files/a",), deny=("crm/*",)))
    assert engine.may_use(KEY, "files")
    assert not engine.may_use(KEY, "crm")
    assert not engine.may_use(Principal("key:other", "key"), "files")


def test_long_names_are_decided_but_not_kept():
    engine = compiled()
    long = "x" * (module.MEMO_NAME + 1)
    assert engine.decide(tool(long)).effect is Effect.ALLOW
    assert engine._memo.cache_info().currsize == 0


# --- conditions -----------------------------------------------------------------------------------


def conditional(when: When, verb: str = "allow", **more) -> Engine:
    return compiled(Role(**{verb: (Conditional("*/*", when),)}, **more))


def test_what_a_condition_refuses_is_not_hidden_and_what_no_rule_names_is():
    engine = compiled(Role(allow=(Conditional("files/a", When({"n": Argument(at_most=5)})),)))
    refused = engine.decide(call({"n": 6}, name="a"))
    assert (refused.effect, refused.shown, refused.rules) == (Effect.DENY, True, ())
    assert refused.reason == "no policy allows it as it is: a condition on `n` is not met"
    unknown = engine.decide(call({"n": 1}, name="b"))
    assert (unknown.effect, unknown.shown, unknown.reason) == (Effect.DENY, False, "no policy allows it")
    assert engine.visible(KEY, Resource(ResourceKind.TOOL, "files", "a"))
    assert not engine.visible(KEY, Resource(ResourceKind.TOOL, "files", "b"))


def test_a_denial_without_condition_hides_whatever_a_permit_says():
    engine = conditional(When({"n": Argument(at_most=5)}), deny=("files/x",))
    assert not engine.visible(KEY, Resource(ResourceKind.TOOL, "files", "x"))
    assert engine.static(KEY, Action.CALL_TOOL, Resource(ResourceKind.TOOL, "files", "x")).open is None


@pytest.mark.parametrize(
    ("amount", "effect"),
    [(10, Effect.ALLOW), (10.01, Effect.ASK), (None, Effect.ASK), ("10", Effect.ASK), ([1, 11], Effect.ASK)],
)
def test_ask_above_an_amount_asks_as_well_when_the_amount_cannot_be_told(amount, effect):
    engine = conditional(When({"n": Argument(above=10)}), "ask", allow=("*/*",))
    assert engine.decide(call({"n": amount})).effect is effect


@pytest.mark.parametrize(
    ("path", "effect"),
    [("/srv/a", Effect.ALLOW), ("/etc/a", Effect.DENY), ("/srv/../etc/a", Effect.DENY), (7, Effect.DENY)],
)
def test_a_denial_with_a_condition_denies_as_well_when_it_cannot_be_told(path, effect):
    engine = conditional(When({"n": Argument(below="/etc", absent=False)}), "deny", allow=("*/*",))
    assert engine.decide(call({"n": path})).effect is effect
    assert engine.decide(call({})).effect is Effect.ALLOW


@pytest.mark.parametrize(
    ("test", "value"),
    [
        (Argument(below="/etc"), ["/srv/a", "/etc/passwd"]),
        (Argument(below="/etc"), "/srv/..\\etc/passwd"),
        (Argument(below="/etc"), "/srv/%2e%2e/etc/passwd"),
        (Argument(domains=("evil.com",)), ["a@good.com", "b@mail.evil.com"]),
        (Argument(hosts=("evil.com",)), ["https://good.com", "https://evil.com"]),
        (Argument(one_of=("x",)), ["y", "x"]),
        (Argument(statements=("drop",)), "SELECT 1; DROP TABLE t"),
        (Argument(above=10), [1, 11]),
        (Argument(at_most=10), [1, 11]),
        (Argument(at_least=10), [1, 11]),
        (Argument(length=1), ["abc", "d"]),
    ],
)
def test_one_value_is_enough_to_be_denied_or_asked_for_and_not_enough_to_be_allowed(test, value):
    when = When({"n": test})
    assert conditional(when, "deny", allow=("*/*",)).decide(call({"n": value})).effect is Effect.DENY
    assert conditional(when, "ask", allow=("*/*",)).decide(call({"n": value})).effect is Effect.ASK
    assert conditional(when).decide(call({"n": value})).effect is Effect.DENY


def test_conditions_on_arguments_are_never_answered_from_another_call():
    engine = conditional(When({"n": Argument(at_most=5)}))
    answers = [engine.decide(call({"n": n})).effect for n in (1, 9, 1, 9, 5, 6, 1)]
    allow, deny = Effect.ALLOW, Effect.DENY
    assert answers == [allow, deny, allow, deny, allow, deny, allow]


def test_the_same_context_is_asked_about_once(monkeypatch):
    engine = conditional(When({"n": Argument(at_most=5)}))
    engine.decide(call({"n": 1, "other": "a"}))
    monkeypatch.setattr(module.cedarpy, "is_authorized", None)
    assert engine.decide(call({"n": 1, "other": "b"})).effect is Effect.ALLOW
    with pytest.raises(TypeError):
        engine._ask(engine.static(KEY, Action.CALL_TOOL, tool("x").resource).open, b"{}")


def test_an_answer_says_what_policy_was_told_without_the_arguments_themselves():
    engine = compiled(
        extra=f"permit({CALLS}) when {{ context.input.n > 3 && context.flow.labels.isEmpty() }};"
    )
    assert engine.decide(call({"n": 4}, declares("integer", "n"))).told == b'{"flow":{"labels":[]}}'
    assert compiled().decide(tool("x")).told == b""


def test_time_is_read_in_the_zone_and_without_it_nothing_is_allowed():
    role = {"r": Role(allow=(Conditional("*/*", When(hours="09:00-17:00", days=("sat",))),))}
    engine = Engine.compile(role, [Grant("key:cursor", "r")], zone=ZoneInfo("Asia/Kolkata"))
    assert engine.timed
    request = tool("x")
    for time, effect in ((1_795_234_200.0, Effect.ALLOW), (1_795_264_200.0, Effect.DENY)):
        request.context["time"] = time
        assert engine.decide(request).effect is effect
    assert engine.decide(tool("x")).errors
    assert not compiled().timed


def test_servers_and_tools_are_what_the_administrator_says():
    role = {"r": Role(allow=(Conditional("*/*", When(read_only=True, trust=("trusted",))),))}
    engine = Engine.compile(role, [Grant("key:cursor", "r")], servers=SERVED)
    asked = (tool("read"), tool("write"), tool("read", "crm"))
    assert [engine.decide(each).effect for each in asked] == [Effect.ALLOW, Effect.DENY, Effect.DENY]


def test_the_hash_follows_conditions_servers_and_zone():
    plain = conditional(When(hours="09:00-17:00")).hash
    role = {"r": Role(allow=(Conditional("*/*", When(hours="09:00-17:00")),))}
    grant = [Grant("key:cursor", "r")]
    others = {
        conditional(When(hours="09:00-17:01")).hash,
        Engine.compile(role, grant, zone=ZoneInfo("Europe/Berlin")).hash,
        Engine.compile(role, grant, servers=SERVED).hash,
    }
    assert len(others) == 3
    assert plain not in others


def test_the_memo_is_bounded():
    assert compiled()._memo.cache_info().maxsize == module.MEMO_SIZE


def test_names_that_callers_choose_do_not_fill_the_memory():
    engine = Engine.compile({"all": Role(allow=("*/*",))}, [Grant("key:a", "all")])
    for number in range(50):
        name = f"{number}" + "x" * module.MEMO_NAME
        engine.static(Principal("key:a", "key"), Action.CALL_TOOL, Resource(ResourceKind.TOOL, "s", name))
    assert engine._entities.cache_info().currsize == 0


QUIET = Role(allow=(Conditional("s/*", When(read_only=True)),))
LISTED = {"name": "get_x", "description": "Gets x.", "inputSchema": {"type": "object"}}


@pytest.mark.parametrize(
    ("server", "effect"),
    [
        (Server(trust="untrusted"), Effect.DENY),
        (Server(trust="reviewed"), Effect.ALLOW),
        (Server(trust="trusted"), Effect.ALLOW),
        (Server(trust="trusted", tools={"get_*": Effects()}), Effect.DENY),
        (Server(trust="untrusted", tools={"get_*": Effects(read_only=True)}), Effect.ALLOW),
    ],
)
def test_what_is_read_of_a_tool_counts_where_its_server_is_trusted_and_nobody_said_otherwise(server, effect):
    engine = Engine.compile({"r": QUIET}, [Grant("key:cursor", "r")], servers={"s": server})
    known = Assessed()
    engine.use_assessed(known)
    tool = Resource(ResourceKind.TOOL, "s", "get_x")
    before = engine.static(KEY, Action.CALL_TOOL, tool).effect
    assert before is (Effect.ALLOW if server.tools and effect is Effect.ALLOW else Effect.DENY)
    known.learn("s", [LISTED])
    assert engine.static(KEY, Action.CALL_TOOL, tool).effect is effect
    assert engine.visible(KEY, tool) is (effect is Effect.ALLOW)
    known.learn("s", [LISTED | {"description": "Gets x and deletes it."}])
    after = engine.static(KEY, Action.CALL_TOOL, tool).effect
    assert after is (effect if server.tools else Effect.DENY)


def test_who_does_not_ask_what_tools_do_is_not_told():
    assert not Engine.compile({"r": Role(allow=("s/*",))}, []).assessing
    assert Engine.compile({"r": QUIET}, []).assessing
    expert = "permit (principal, action, resource) when { resource is Tool && resource.destructive };"
    assert Engine.compile({}, [], expert).assessing
