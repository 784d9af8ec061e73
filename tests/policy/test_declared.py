"""Schemas out of recorded lists."""

from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.access import Resource, ResourceKind
from keepgate.policy.declared import Declared

PREFIXES = {"files": "files_", "crm": "c-", "alone": ""}


def listed(**tools):
    return {"tools": [{"name": name, "inputSchema": schema} for name, schema in tools.items()]}


def of(known, server, name):
    return known.of(Resource(ResourceKind.TOOL, server, name))


def test_tools_are_found_under_their_servers_by_prefix():
    known = Declared(PREFIXES)
    known.learn({"tools": [{"name": "files_read", "inputSchema": 1}, {"name": "c-read", "inputSchema": 2}]})
    assert (of(known, "files", "read"), of(known, "crm", "read"), of(known, "crm", "other")) == (1, 2, None)


def test_what_has_no_prefix_is_taken_where_nothing_better_is_known():
    known = Declared(PREFIXES)
    known.learn(listed(read=1))
    assert (of(known, "alone", "read"), of(known, "crm", "read")) == (1, 1)
    known.learn(listed(files_read=2))
    assert (of(known, "files", "read"), of(known, "alone", "read")) == (2, 1)


def test_the_server_in_front_of_a_name_that_was_taken_is_a_prefix_too():
    known = Declared(PREFIXES)
    known.learn(listed(alone_read=3))
    assert of(known, "alone", "read") == 3


def test_the_newest_list_counts():
    known = Declared(PREFIXES)
    known.learn(listed(files_read=1))
    known.learn(listed(files_read=2))
    assert of(known, "files", "read") == 2


@given(
    st.recursive(st.none() | st.text(), lambda part: st.lists(part) | st.dictionaries(st.just("tools"), part))
)
def test_no_result_is_too_odd(result):
    Declared(PREFIXES).learn(result)
