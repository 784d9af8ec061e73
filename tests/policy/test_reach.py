"""What a tool seems to do by its own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.policy.reach import seems_to_read, words_of


def tool(name, **properties):
    return {"name": name, "inputSchema": {"type": "object", "properties": properties}}


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    "definition",
    [
        tool("get_issue", owner=TEXT, repo=TEXT, number={"type": "integer"}),
        tool("listFiles", path=TEXT),
        tool("search-code", query=TEXT),
        tool("crm.search", q=TEXT),
        {"name": "list_things"},
    ],
)
def test_what_only_answers(definition):
    assert seems_to_read(definition)


@pytest.mark.parametrize(
    "definition",
    [
        tool("send_mail", text=TEXT),
        tool("get_and_forward", id=TEXT),
        tool("echo", text=TEXT),
        tool("fetch", url=TEXT),
        tool("read_page", page={"type": "string", "format": "uri"}),
        tool("find_user", contact={"type": "object", "properties": {"recipientEmail": TEXT}}),
        tool("lookup", items={"type": "array", "items": {"properties": {"host": TEXT}}}),
        tool("get", any={"anyOf": [{"properties": {"callback": TEXT}}]}),
        {"name": "get", "inputSchema": {"$defs": {"a": {"properties": {"to": TEXT}}}}},
        tool("get", **{f"p{number}": TEXT for number in range(1000)}),
        {"name": 5},
        None,
        "get",
    ],
)
def test_what_does_more_or_goes_anywhere(definition):
    assert not seems_to_read(definition)


def test_hiding_a_parameter_deep_down_makes_nothing_a_reader():
    schema = {"properties": {"url": TEXT}}
    for _ in range(20):
        schema = {"properties": {"a": schema}}
    assert not seems_to_read({"name": "get", "inputSchema": schema})


def test_what_the_administrator_calls_reading_still_says_where_it_goes():
    assert seems_to_read(tool("run_report", month=TEXT), said_so=True)
    assert not seems_to_read(tool("run_report", url=TEXT), said_so=True)


def test_words():
    assert list(words_of("getPrivateFile-v2 now")) == ["get", "private", "file", "v2", "now"]
    assert list(words_of("HTTPGet")) == ["httpget"]


JSON = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("properties", "items", "anyOf", "$defs", "format", "a")), inner, max_size=3
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_schema_breaks_it(schema):
    seems_to_read({"name": "get", "inputSchema": schema})
