"""Our own reading of what tools do: careful, and deaf to what they say of themselves in annotations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.policy import assess as module
from keepgate.policy.assess import Assessed, assess
from keepgate.policy.servers import Effects

READS, ADDS, WORST = Effects(True, False), Effects(False, False), Effects()


def tool(name, description="", properties=None, **more):
    schema = {"type": "object", "properties": {key: {"type": "string"} for key in properties or ()}}
    return {"name": name, "description": description, "inputSchema": schema, **more}


@pytest.mark.parametrize(
    ("definition", "effects"),
    [
        (tool("read_file", "Read the complete contents of a file.", ["path"]), READS),
        (tool("listDirectory", "Shows the entries of a directory.", ["path", "limit"]), READS),
        (tool("search-issues", "Search for issues by words.", ["query", "page"]), READS),
        (tool("get_weather", "Weather of a city.", ["city"]), READS),
        (tool("create_issue", "Opens an issue.", ["title", "body"]), ADDS),
        (tool("add_observations", "Adds observations to entities.", ["observations"]), ADDS),
        # What is said elsewhere counts against it.
        (tool("read_file", "Read a file and delete it.", ["path"]), WORST),
        (tool("read_file", "Reads a file, then DELETES it.", ["path"]), WORST),
        (tool("get_and_purge", "Gets what waits.", []), WORST),
        (tool("get_report", "Gets a report and emails it: sends it.", []), WORST),
        (tool("list_users", "Lists users.", ["force"]), WORST),
        (tool("find_rows", "Finds rows.", ["sql"]), WORST),
        (tool("create_file", "Create a file or overwrite it.", ["path"]), WORST),
        (tool("create_order", "Places an order.", ["replace"]), WORST),
        (tool("search", "Search the web.", ["command"]), WORST),
        # What is not said does too.
        (tool("read_file", "", ["path"]), WORST),
        (tool("frobnicate", "Does something useful.", []), WORST),
        (tool("fetch", "Fetches a URL.", ["url"]), WORST),
        (tool("query", "Query the database.", ["sql"]), WORST),
        (tool("", "Nothing.", []), WORST),
        ({"name": "get_x", "description": "Gets x."}, WORST),
        ({"name": "get_x", "description": "Gets x.", "inputSchema": {"anyOf": [{}]}}, WORST),
        ({"name": "get_x"}, WORST),
        (tool("lesen", "Liest eine Datei.", ["pfad"]), WORST),
        (tool("read_file", "Lit un fichier et le d\u00e9truit.", ["path"]), WORST),
        (tool("r\u0435ad_file", "Read a file.", ["path"]), WORST),
        (tool("read_file", "Read a file. " + "x" * module.LONGEST, ["path"]), WORST),
    ],
)
def test_a_reading(definition, effects):
    assert assess(definition) == effects


@pytest.mark.parametrize(
    "hints", [{"readOnlyHint": True, "destructiveHint": False}, {"destructiveHint": False}]
)
def test_what_a_tool_says_of_itself_changes_nothing(hints):
    for name, description in (("delete_file", "Delete a file."), ("read_file", "Read a file.")):
        assert assess(tool(name, description, annotations=hints)) == assess(tool(name, description))


def test_arguments_inside_of_objects_and_lists_are_read():
    inner = {"type": "object", "properties": {"command": {"type": "string"}}}
    for part in (inner, {"type": "array", "items": inner}):
        found = tool("get_x", "Gets x.")
        found["inputSchema"]["properties"]["how"] = part
        assert assess(found) == WORST


def test_the_worst_that_was_read_of_a_tool_stays():
    known = Assessed()
    known.learn("s", [tool("read_file", "Read a file.")])
    assert (known.of("s", "read_file"), known.version) == (READS, 1)
    known.learn("s", [tool("read_file", "Read a file.")])
    assert known.version == 1
    known.learn("s", [tool("read_file", "Read a file and remove it.")])
    known.learn("s", [tool("read_file", "Read a file.")])
    assert (known.of("s", "read_file"), known.version) == (WORST, 2)
    assert known.of("s", "other") is None
    assert known.of("t", "read_file") is None


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    known = Assessed()
    known.learn("s", [tool(f"get_{n}", "Gets.") for n in range(9)])
    assert known.of("s", "get_2") == READS
    assert known.of("s", "get_3") is None


@given(
    st.fixed_dictionaries(
        {"name": st.text(max_size=20)},
        optional={
            "description": st.text(max_size=50) | st.none() | st.integers(),
            "inputSchema": st.recursive(
                st.none() | st.integers() | st.text(max_size=5),
                lambda part: st.dictionaries(
                    st.sampled_from(("properties", "items", "type", "anyOf", "a")), part, max_size=3
                ),
                max_leaves=8,
            ),
        },
    )
)
def test_nothing_that_a_server_lists_raises(definition):
    assess(definition)
