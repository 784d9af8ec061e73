"""All strings of a value, joined, and the way back to each."""

from hypothesis import given
from hypothesis import strategies as st

from keepgate.detect.texts import Located, joined, places, pointer

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def resolve(value, path):
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


def test_keys_and_values_in_order():
    value = {"a": "x", "b": ["y", {"c": 1, "d": ["z"]}], "e": None}
    assert joined(value) == b"a\nx\nb\ny\nc\nd\nz\ne"
    assert joined("alone") == b"alone"
    assert joined(7) == b""


def test_a_lone_surrogate_is_one_question_mark():
    assert joined(["a\ud800b"]) == b"a?b"


@given(values)
def test_the_walk_that_locates_sees_what_the_walk_that_joins_saw(value):
    assert joined(value) == "\n".join(place.text for place in places(value)).encode(errors="replace")


@given(values)
def test_pointers_lead_back(value):
    for place in places(value):
        if not place.is_key:
            assert resolve(value, place.pointer) == place.text
        else:
            parent = resolve(value, pointer(place.keys[:-1]))
            assert place.text in parent


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=4), st.data())
def test_every_slice_of_a_string_is_found_with_its_offsets(value, data):
    text, located = joined(value), Located(value)
    at = 0
    for place in places(value):
        size = len(place.text.encode(errors="replace"))
        first = data.draw(st.integers(0, len(place.text)))
        last = data.draw(st.integers(first, len(place.text)))
        start = at + len(place.text[:first].encode(errors="replace"))
        end = at + len(place.text[:last].encode(errors="replace"))
        found = located.at(text, start, end)
        at += size + 1
        assert found is not None
        assert (found[1], found[2]) == (first, last)
        assert found[0].keys == place.keys


def test_what_runs_over_a_border_is_in_no_string():
    located = Located(["ab", "cd"])
    assert located.at(b"ab\ncd", 1, 4) is None
    assert located.border(0, 5) == 2
    assert located.border(3, 5) == 5


def test_pointers_are_escaped():
    assert pointer(("a/b", "c~d", 0, "")) == "/a~1b/c~0d/0/"
