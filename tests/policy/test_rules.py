"""Rules one by one: where they stand, what they apply to, and what is refused."""

import pytest

from keepgate.model.errors import ConfigError
from keepgate.policy import rules, schema
from keepgate.policy.roles import Role
from keepgate.policy.source import Source

PERMIT = "permit (principal, action, resource);"


def files(text: str, name: str = "f.cedar") -> dict:
    return rules.of_files([Source(name, text)])


def test_an_id_is_the_annotation_or_file_and_line():
    found = files(f'{PERMIT}\n\n@id("mine") {PERMIT}\n// c\n{PERMIT}')
    assert {name: rule.where for name, rule in found.items()} == {
        "f.cedar:1": "f.cedar:1",
        "mine": "f.cedar:3",
        "f.cedar:5": "f.cedar:5",
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{PERMIT}\npermit (;", r"^f\.cedar:2: the policy cannot be read"),
        (f"{PERMIT}\npermit (principal == ?principal, action, resource);", r"^f\.cedar:2: .*template"),
        (f'@id("a") {PERMIT}\n@id("a") {PERMIT}', r"^f\.cedar:2: two policies have the id `a`, .*f\.cedar:1"),
        (PERMIT[:-1], "cannot be read"),
        ("permit (principal, action, resource) when { context == context };", "as a whole"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, why):
    with pytest.raises(ConfigError, match=why) as caught:
        files(text)
    assert caught.value.code == "policy"


def test_what_does_not_validate_is_said_with_its_place():
    found = files(f'{PERMIT}\n@id("b") permit (principal, action, resource) when {{ resource.nam == "x" }};')
    with pytest.raises(ConfigError, match=r"f\.cedar:2: `b`: .*nam"):
        rules.validate(found, schema.TEXT)


@pytest.mark.parametrize(
    ("scope", "name", "applies"),
    [
        ("resource", "files/read", True),
        ('resource == Tool::"files/read"', "files/read", True),
        ('resource == Tool::"crm/read"', "files/read", False),
        ('resource in Server::"crm"', "files/read", False),
        ("resource is Prompt", "files/read", False),
        ('resource is Tool in Server::"files"', "files/read", True),
    ],
)
def test_a_scope_says_where_a_policy_can_apply(scope, name, applies):
    (rule,) = files(f"permit (principal, action, {scope});").values()
    server, _, own = name.partition("/")
    assert (rule.applies(frozenset(), "call_tool", "Tool", server) and rule.names(own)) is applies


def test_an_entry_of_a_role_applies_to_what_its_pattern_matches():
    (rule,) = rules.of_roles({"r": Role(allow=("files/read_*",))}).values()
    role = frozenset({("Role", "r")})
    assert rule.applies(role, "call_tool", "Tool", "files")
    assert [rule.names(name) for name in ("read_a", "write")] == [True, False]
    assert not rule.applies(frozenset(), "call_tool", "Tool", "files")
    assert not rule.applies(role, "call_tool", "Tool", "crm")


def test_what_is_read_is_told_by_kind():
    text = "permit (principal, action, resource) when { context.input has x && context.facts has y };"
    found = files(text).values()
    assert (rules.inputs_read(found), rules.arguments_read(found)) == ({"x"}, {"y"})
    rules.validate(files(text), rules.base_schema(found))
