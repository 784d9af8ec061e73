import pytest

from keepgate.model.access import Action, Resource, ResourceKind
from keepgate.policy.question import item, listed, question, shown, subject


@pytest.mark.parametrize(
    "names",
    [
        ["anonymous"],
        ["key:cursor"],
        ["local:alice"],
        ["user:alice"],
        ["group:devs"],
        ["key:cursor", "user:u", "client:c", "group:a", "group:b", "tenant:t"],
        ["user:a:b", "client:https://c"],
    ],
)
def test_a_subject_carries_exactly_its_names(names):
    assert list(subject(names).grantees) == names


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ([], "needs a name"),
        (["cursor"], "is not a principal"),
        (["role:reader"], "is not a principal"),
        (["key:"], "is not a principal"),
        (["key:a", "local:b"], "`key:a` and `local:b` at once"),
        (["anonymous", "key:a"], "at once"),
        (["user:a", "user:b"], "at once"),
    ],
)
def test_what_is_nobody_is_refused(names, why):
    with pytest.raises(ValueError, match=why):
        subject(names)


@pytest.mark.parametrize(
    ("action", "text", "kind", "server", "name"),
    [
        ("call_tool", "files/read", ResourceKind.TOOL, "files", "read"),
        ("call_tool", "tool:files/a/b", ResourceKind.TOOL, "files", "a/b"),
        ("call_tool", "files/*", ResourceKind.TOOL, "files", "*"),
        ("read_resource", "docs/file:///a", ResourceKind.RESOURCE, "docs", "file:///a"),
        ("subscribe_resource", "resource:docs/x:y", ResourceKind.RESOURCE, "docs", "x:y"),
        ("get_prompt", "docs/hello", ResourceKind.PROMPT, "docs", "hello"),
        ("complete", "prompt:docs/hello", ResourceKind.PROMPT, "docs", "hello"),
        ("complete", "resource:docs/x", ResourceKind.RESOURCE, "docs", "x"),
    ],
)
def test_a_question_in_words(action, text, kind, server, name):
    asked = question(["key:k"], action, text)
    assert asked.action is Action(action)
    assert asked.resource == Resource(kind, server, name)
    assert asked.principal.id == "key:k"


@pytest.mark.parametrize(
    ("action", "text", "why"),
    [
        ("call", "files/read", "write one of call_tool, "),
        ("call_tool", "resource:files/read", "is not done to a resource"),
        ("complete", "docs/x", "`resource:docs/x` or `prompt:docs/x`"),
        ("call_tool", "files", "names nothing"),
        ("call_tool", "/read", "names nothing"),
        ("call_tool", "files/", "names nothing"),
    ],
)
def test_what_asks_nothing_is_refused(action, text, why):
    with pytest.raises(ValueError, match=why):
        question(["key:k"], action, text)


@pytest.mark.parametrize("text", ["files/read", "resource:docs/file:///a", "prompt:docs/tool:x"])
def test_listed_reads_what_is_shown(text):
    assert shown(listed(text)) == text


def test_a_tool_needs_no_word_in_front():
    assert listed("tool:files/read") == listed("files/read") == item("files/read", ResourceKind.TOOL)
