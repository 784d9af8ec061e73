"""A file of cases in, cases or an error with its place out."""

import pytest

from keepgate.config.cases import read_cases
from keepgate.model.access import Action, ResourceKind
from keepgate.model.errors import ConfigError
from keepgate.model.verdict import Effect

GOOD = 'principal: "key:k", action: call_tool, resource: files/read'


def read(tmp_path, text: str):
    file = tmp_path / "cases.yaml"
    file.write_text(text.replace("GOOD", GOOD))
    return read_cases(file)


def test_every_key_is_read(tmp_path):
    first, second = read(
        tmp_path,
        """cases:
- {GOOD, expect: allow}
- principal: "user:u"
  with: ["group:g", "client:c"]
  action: complete
  resource: prompt:docs/hello
  expect: deny
  note: never
""",
    )
    assert (first.expect, first.note, first.where.endswith(":2:3")) == (Effect.ALLOW, "", True)
    assert second.request.principal.grantees == ("user:u", "client:c", "group:g")
    assert second.request.action is Action.COMPLETE
    assert second.request.resource.kind is ResourceKind.PROMPT
    assert (second.expect, second.note) == (Effect.DENY, "never")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1:1: a file of cases is"),
        ("[]", "a file of cases is"),
        ("cases: {}", "a file of cases is"),
        ("cases: []", ":1:8: there is no case"),
        ("case: []\ncases: [{GOOD, expect: ask}]", ":1:1: unknown key `case`: did you mean `cases`?"),
        ("cases:\n- x", ":2:3: a case is a mapping"),
        ("cases:\n- {GOOD}", ":2:3: `expect` is missing"),
        ("cases:\n- {GOOD, expect: allowed}", "`expect` must be one of allow, ask, deny"),
        ("cases:\n- {GOOD, expect: true}", "`expect` must be text"),
        ("cases:\n- {GOOD, expect: ask, with: group:g}", "`with` must be a list"),
        ("cases:\n- {GOOD, expect: ask, with: [1]}", "`with` must be a list"),
        ("cases:\n- {GOOD, expect: ask, with: [key:l]}", ":2:3: nobody is `key:k` and `key:l` at once"),
        ("cases:\n- {GOOD, expect: ask, note: 1}", "`note` must be text"),
        ("cases:\n- {principal: k, action: call_tool, resource: a/b, expect: ask}", "`k` is not a principal"),
        ("cases:\n- {principal: key:k, action: call, resource: a/b, expect: ask}", "`call` is not an action"),
        ("cases:\n- {principal: key:k, action: call_tool, resource: a, expect: ask}", "`a` names nothing"),
        ("cases: [", "not valid YAML"),
    ],
)
def test_a_mistake_is_refused_with_its_place(tmp_path, text, said):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "cases:\n- {GOOD}\n- {GOOD, expect: ask}\n- {principal: k}")
    assert len(str(caught.value).splitlines()) == 4
