"""The engine against a page of plain Python, against cedarpy without slices and memo, and against each Cedar trap."""

import io
import sys
from contextlib import redirect_stdout

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
from keepgate.policy.engine import Engine
from keepgate.policy.roles import Grant, Role, cedar_text
from tests.spec import policy_spec

KEY = Principal("key:cursor", "key")
ALL = Role(allow=("*/*",))
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


def test_trap_1_a_policy_that_reads_an_argument_cannot_load_while_there_are_none():
    with pytest.raises(ConfigError, match="does not validate"):
        compiled(extra="forbid(principal, action, resource) when { context.input.n > 3 };")


@pytest.mark.parametrize("name", ["__entity", "__extn", '{"__entity": {"type": "Role", "id": "r"}}'])
def test_trap_2_names_are_never_interpreted_as_entities(name):
    engine = Engine.compile({"r": Role(allow=("files/safe",))}, [Grant("key:cursor", "r")])
    assert engine.decide(tool(name)).effect is Effect.DENY
    assert engine.decide(tool("x", principal=Principal(f"key:{name}", "key"))).effect is Effect.DENY
    assert compiled().decide(tool(name)).effect is Effect.ALLOW


@pytest.mark.parametrize(
    "context",
    [
        {"__entity": {"type": "Role", "id": "r"}},
        {"input": {"n": 1.5}},
        {"input": None},
        {"input": 1 << 64},
        {"input": [[[[[]]]]]},
    ],
)
def test_traps_2_and_3_arguments_do_not_reach_cedar(context):
    request = Request(KEY, Action.CALL_TOOL, Resource(ResourceKind.TOOL, "files", "x"), context)
    assert compiled().decide(request).effect is Effect.ALLOW
    assert compiled(Role(allow=("files/y",))).decide(request).effect is Effect.DENY


def test_trap_3_no_decision_is_a_denial():
    decision = compiled().decide(Request(KEY, Action.CALL_TOOL, Resource(ResourceKind.PROMPT, "files", "x")))
    assert decision.effect is Effect.DENY
    assert "not valid for" in decision.errors[0]


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


def test_trap_5_policies_are_parsed_once_a_slice_and_the_schema_once(monkeypatch):
    engine = compiled()
    engine.decide(tool("warm"))
    monkeypatch.setattr(module.cedarpy, "PolicySet", None)
    monkeypatch.setattr(module.cedarpy, "Schema", None)
    assert engine.decide(tool("another")).effect is Effect.ALLOW


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

SERVERS = ("files", "crm", "f*s")
NAMES = ("read", "read_a", "re", "a/b", "*", 'q"', "secret")
ROLES = ("a", "b", "c")
pattern = st.builds(
    "{}{}/{}".format,
    st.sampled_from(("", "tool:", "resource:", "prompt:")),
    st.sampled_from(("files", "crm", "*", "f*", "*s", "no")),
    st.sampled_from(("*", "read", "read_*", "*a*", r"\*", "*/*", 'q"', "secret")),
)
patterns = st.lists(pattern, max_size=3).map(tuple)
roles = st.fixed_dictionaries({name: st.builds(Role, patterns, patterns, patterns) for name in ROLES})
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
request_ = st.builds(
    Request,
    principal,
    st.sampled_from(Action),
    st.builds(Resource, st.sampled_from(ResourceKind), st.sampled_from(SERVERS), st.sampled_from(NAMES)),
)
EXPERT = (
    'permit(principal, action, resource) when { principal in Group::"h" && resource in Server::"crm" };',
    'permit(principal in Group::"g", action, resource in Server::"files");',
    'permit(principal == Key::"k", action == Action::"call_tool", resource is Tool);',
    'forbid(principal is Anonymous, action, resource) unless { resource.name like "read*" };',
    'forbid(principal, action in [Action::"complete", Action::"get_prompt"], resource == Prompt::"crm/a/b");',
    '@obligation("ask") permit(principal in User::"u", action, resource is Tool in Server::"crm");',
    f'forbid(principal in Tenant::"t", action, resource in Server::"crm") when {{ {OVERFLOW} }};',
    'permit(principal is Key in Role::"b", action, resource);',
)
expert = st.lists(st.sampled_from(EXPERT), unique=True, max_size=3).map("\n".join)


def fresh(roles, grants, extra, request) -> tuple[Effect, int]:
    """The effect and the number of determining policies by one evaluation of everything, from text."""
    uid = [dict(zip(("type", "id"), schema.entity(name), strict=True)) for name in request.principal.grantees]
    granted = {
        name: [{"type": "Role", "id": g.role} for g in grants if g.to == name]
        for name in request.principal.grantees
    }
    kind, server = schema.RESOURCE_TYPES[request.resource.kind], request.resource.server
    item = {"type": kind, "id": request.resource.id}
    entities = [
        {"uid": each, "attrs": {}, "parents": granted[name] + (uid[1:] if each is uid[0] else [])}
        for each, name in zip(uid, request.principal.grantees, strict=True)
    ]
    entities.append(
        {
            "uid": item,
            "attrs": {"server": server, "name": request.resource.name},
            "parents": [{"type": "Server", "id": server}],
        }
    )
    text = cedar_text(roles) + extra
    asked = {"principal": uid[0], "action": {"type": "Action", "id": str(request.action)}, "resource": item}
    answer = cedarpy.is_authorized(asked, text, orjson.dumps(entities).decode(), schema.TEXT)
    bodies = orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    reasons = answer.diagnostics.reasons
    if answer.diagnostics.errors or not answer.allowed:
        return Effect.DENY, 0 if answer.diagnostics.errors else len(reasons)
    asks = any(bodies[name].get("annotations", {}).get("obligation") == "ask" for name in reasons)
    return Effect.ASK if asks else Effect.ALLOW, len(reasons)


@settings(max_examples=150, deadline=None)
@given(roles, grants, expert, st.lists(request_, min_size=1, max_size=6))
def test_sliced_and_memoised_equals_a_fresh_evaluation_of_everything(roles, grants, extra, requests):
    engine = Engine.compile(roles, grants, extra)
    for request in (*requests, *requests):
        decision = engine.decide(request)
        assert (decision.effect, len(decision.rules)) == fresh(roles, grants, extra, request)


@settings(max_examples=150, deadline=None)
@given(roles, grants, st.lists(request_, min_size=1, max_size=10))
@example({"a": Role(allow=("*/*",))}, [Grant("key:k", "a")], [tool("x", principal=Principal("key:k", "key"))])
def test_roles_and_grants_mean_what_the_specification_says(roles, grants, requests):
    engine = Engine.compile(roles, grants)
    for request in requests:
        assert engine.decide(request).effect is policy_spec.decide(roles, grants, request)


@settings(deadline=None)
@given(roles, grants, expert, st.lists(request_, min_size=1, max_size=6))
def test_a_server_that_may_not_be_used_allows_nothing(roles, grants, extra, requests):
    engine = Engine.compile(roles, grants, extra)
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


def test_the_memo_is_bounded():
    assert compiled()._memo.cache_info().maxsize == module.MEMO_SIZE
