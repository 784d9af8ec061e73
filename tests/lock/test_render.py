"""A change as a person reads it."""

from keepgate.lock import render
from keepgate.lock.compare import RISK, Class, compare
from keepgate.lock.render import MAX_LINES, told
from tests.lock.made import kept, locked, offer, tool


def lines(now, *, texts=True):
    memory = kept().get if texts else lambda _: None
    return list(told(compare(locked(), now, memory), server="files"))


def test_the_risk_and_the_difference():
    extra = {"path": {"type": "string", "maxLength": 100}, "note": {"type": "string"}}
    assert lines(offer(tools=[tool(description="Read any file.", schema={"properties": extra})])) == [
        "files: tool read_file",
        "  changed text (description): the model is told something else about it",
        "    @@ -1 +1 @@",
        "    -Read a file.",
        "    +Read any file.",
        f"  new parameter (inputSchema/properties/note): {RISK[Class.PARAMETER]}",
        "    @@ -0,0 +1,3 @@",
        "    +{",
        '    +  "type": "string"',
        "    +}",
    ]


def test_a_new_name_is_shown_as_one():
    assert lines(offer(tools=[tool(name="read")]))[2:] == ["    - read_file", "    + read"]


def test_what_is_not_kept_is_said():
    shown = lines(offer(tools=[tool(description="x")]), texts=False)
    assert any("was not kept on this machine" in line for line in shown)


def test_long_texts_are_bounded():
    shown = lines(offer(instructions="word \n" * 100_000))
    assert len(shown) < MAX_LINES + 20
    assert any("more lines" in line for line in shown)


def test_of_several_changes_the_gravest_are_named_first_and_in_short():
    many = [tool(name=f"t{number}") for number in range(12)]
    shown = lines(offer(tools=[tool(description="READ a file"), *many], prompts=[]))
    assert shown[:5] == [
        "files: in short",
        "  added: t0, t1, t2, t3, t4, t5, t6, t7 and 4 more",
        "  removed: ask",
        "  cosmetic: read_file",
        "files: tool t0",
    ]


def test_every_class_has_its_place():
    assert set(render._GRAVEST) == set(Class)
