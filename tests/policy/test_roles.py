import pytest

from keepgate.policy.roles import Grant, Role, cedar_text, roles_of


def test_a_role_is_one_policy_for_each_pattern():
    role = Role(allow=("tool:crm/search", "docs*/*"), ask=("crm/update_*",), deny=("*/secret*",))
    assert cedar_text({"analyst": role}) == (
        '@id("analyst:allow:docs*/*")\n'
        '@role("analyst")\n'
        'permit (principal in Role::"analyst", action in [Action::"call_tool", Action::"read_resource", '
        'Action::"subscribe_resource", Action::"get_prompt", Action::"complete"], resource)\n'
        'when { resource.server like "docs*" };\n'
        '@id("analyst:allow:tool:crm/search")\n'
        '@role("analyst")\n'
        'permit (principal in Role::"analyst", action in [Action::"call_tool"], resource is Tool in Server::"crm")\n'
        'when { resource.name like "search" };\n'
        '@id("analyst:ask:crm/update_*")\n'
        '@role("analyst")\n'
        '@obligation("ask")\n'
        'permit (principal in Role::"analyst", action in [Action::"call_tool", Action::"read_resource", '
        'Action::"subscribe_resource", Action::"get_prompt", Action::"complete"], resource in Server::"crm")\n'
        'when { resource.name like "update_*" };\n'
        '@id("analyst:deny:*/secret*")\n'
        '@role("analyst")\n'
        'forbid (principal in Role::"analyst", action, resource)\n'
        'when { resource.name like "secret*" };\n'
    )


def test_the_text_does_not_depend_on_how_roles_were_written_down():
    one = {"a": Role(allow=("x/1", "x/2")), "b": Role(deny=("*/*",))}
    other = {"b": Role(deny=("*/*",)), "a": Role(allow=("x/2", "x/1", "x/2"), description="the same")}
    assert cedar_text(one) == cedar_text(other)


def test_no_roles_are_no_text():
    assert cedar_text({}) == ""


def test_a_malformed_pattern_is_refused():
    with pytest.raises(ValueError, match="not a pattern"):
        cedar_text({"a": Role(allow=("nothing",))})


def test_grants_are_gathered_by_grantee():
    grants = [Grant("key:a", "x"), Grant("key:a", "y"), Grant("group:g", "x"), Grant("key:a", "x")]
    assert roles_of(grants) == {"key:a": frozenset({"x", "y"}), "group:g": frozenset({"x"})}
