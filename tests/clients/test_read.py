"""From the text of a file to launch entries: real samples, and what is wrong with wrong ones."""

import json
import os
from pathlib import Path

import pytest

from keepgate.clients import CLIENTS
from keepgate.clients.discover import discover, through_keepgate
from keepgate.clients.formats import Machine, Place, read
from keepgate.model.upstream import LaunchEntry, Origin, Transport
from tests.clients.homes import WINDOWS, furnish, sample


def place(client: str, file: str = "") -> Place:
    places = CLIENTS[client].places(Machine(Path("/h"), "linux", Path("/p"), {}))
    return next(each for each in places if each.path.as_posix().endswith(file))


def entries(client: str, text: str, file: str = "") -> dict[str, LaunchEntry]:
    return {entry.name: entry for entry in read(CLIENTS[client], place(client, file), text).entries}


def problems(client: str, text: str) -> list[str]:
    found = read(CLIENTS[client], place(client), text).problems
    return [f"{each.line}:{each.column} {each.text}" for each in found]


def test_claude_desktop():
    found = entries("claude-desktop", sample("claude_desktop_config.json"))
    assert list(found) == ["filesystem", "github"]
    assert found["github"].argv[:3] == ("docker", "run", "-i")
    assert list(found["github"].env) == ["GITHUB_PERSONAL_ACCESS_TOKEN"]
    assert found["filesystem"].origin == Origin(
        "claude-desktop",
        "user",
        "/h/.config/Claude/claude_desktop_config.json",
        "/mcpServers/filesystem",
        4,
        5,
    )


def test_claude_code_has_servers_for_the_user_and_for_each_project():
    found = entries("claude-code", sample("claude.json"))
    assert {name: (entry.transport, entry.origin.scope) for name, entry in found.items()} == {
        "sentry": (Transport.HTTP, "user"),
        "linear": (Transport.SSE, "user"),
        "postgres": (Transport.STDIO, "project /home/ada/shop"),
    }
    assert found["postgres"].origin.pointer == "/projects/~1home~1ada~1shop/mcpServers/postgres"


def test_claude_code_in_a_project_wrapped_and_flat():
    wrapped = entries("claude-code", sample("project.mcp.json"), ".mcp.json")
    assert wrapped["shared-api"].url == "${API_BASE:-https://api.example.com}/mcp"
    assert list(entries("claude-code", sample("flat.mcp.json"), ".mcp.json")) == ["everything"]
    assert entries("claude-code", sample("flat.mcp.json")) == {}


def test_cursor_with_comments_and_a_trailing_comma():
    found = entries("cursor", sample("cursor.json"))
    assert list(found) == ["context7", "memory", "exa"]
    assert found["context7"].transport is Transport.HTTP
    assert problems("cursor", sample("cursor.json")) == []


def test_vs_code_in_its_own_file_and_in_older_settings():
    found = entries("vscode", sample("vscode.mcp.json"))
    assert list(found) == ["github", "perplexity", "playwright"]
    assert found["playwright"].env_file == "${workspaceFolder}/.env"
    assert list(entries("vscode", sample("vscode.settings.json"), "User/settings.json")) == ["time"]
    assert list(entries("vscode", '{"mcp.servers": {"a": {"command": "x"}}}', "User/settings.json")) == ["a"]


def test_byte_order_mark_and_crlf():
    found = entries("claude-desktop", WINDOWS)
    assert found["fetch"].command == "C:\\Users\\Ada\\uvx.exe"
    assert (found["fetch"].origin.line, found["fetch"].origin.column) == (3, 3)


def test_of_two_servers_with_one_name_the_last_counts_and_is_reported():
    text = sample("hostile.json")
    assert entries("cursor", text)["good"].command == "second"
    assert "5:5 duplicate key: the last one counts" in problems("cursor", text)


def test_an_entry_that_makes_no_sense_is_named_and_the_others_are_read():
    assert [text for text in problems("cursor", sample("hostile.json")) if "server" in text] == [
        "6:5 server `both` needs either a `command` or a `url`",
        "7:5 server `none` needs either a `command` or a `url`",
        "8:5 server `text` is not an object",
        "9:5 server `args` needs a list of texts as `args`",
        "10:5 server `nul` needs a text as `command`",
        "11:5 server `type` has a `type` that does not fit",
    ]


def test_a_client_that_reads_plain_json_only_is_known_to_refuse_more():
    assert problems("claude-desktop", '{"mcpServers": {}, // none\n}') == [
        "1:18 a comment or trailing comma, which Claude Desktop refuses"
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"mcpServers": {"a": {"command": "x"}', "1:38 expected `,` or `}`, found the end"),
        ('{\n  "mcpServers": nope\n}', "2:17 expected a value"),
        ("[" * 200, "1:129 nested deeper than 128 levels"),
        ('{"a": "tab\there"}', "1:11 invalid control character"),
        ("{} {}", "1:4 text after the end of the document"),
        ("{/* never", "1:2 comment without end"),
        ("{'a': 1}", "1:2 expected a key in double quotes or `}`"),
    ],
)
def test_a_broken_file_is_named_with_line_and_column(text, where):
    assert problems("cursor", text) == [where]
    assert entries("cursor", text) == {}


@pytest.mark.parametrize("text", ["", " \r\n", "\ufeff", "{}", "[]", "7", '{"mcpServers": {}}'])
def test_a_file_without_servers_is_fine(text):
    assert entries("cursor", text) == {}
    assert problems("cursor", text) == []


def test_servers_that_are_no_object_are_reported():
    assert problems("cursor", '{"mcpServers": []}') == ["1:16 servers must be an object"]


def test_too_many_servers_are_refused():
    text = '{"mcpServers": {' + ",".join(f'"s{n}": {{"command": "x"}}' for n in range(501)) + "}}"
    assert problems("cursor", text) == ["0:0 more than 500 servers"]


def test_a_home_is_discovered_in_a_fixed_order(tmp_path):
    found = discover(furnish(tmp_path), CLIENTS.values())
    assert [each.place.path.relative_to(tmp_path).as_posix() for each in found] == [
        ".config/Claude/claude_desktop_config.json",
        ".claude.json",
        "shop/.mcp.json",
        ".cursor/mcp.json",
        ".config/Code/User/mcp.json",
        ".config/Code/User/settings.json",
    ]
    assert sum(len(each.entries) for each in found) == 13


def test_what_is_no_regular_file_or_too_large_or_not_utf8_is_a_problem_and_no_more(tmp_path):
    machine = furnish(tmp_path)
    cursor, desktop = tmp_path / ".cursor/mcp.json", tmp_path / ".config/Claude/claude_desktop_config.json"
    cursor.unlink()
    os.mkfifo(cursor)
    desktop.write_bytes(b'{"a": "\xff"}')
    with (tmp_path / ".claude.json").open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    (tmp_path / ".config/Code/User/mcp.json").unlink()
    (tmp_path / ".config/Code/User/mcp.json").mkdir()
    found = discover(machine, CLIENTS.values())
    broken = [problem.text for each in found for problem in each.problems if problem.broken]
    assert broken == [
        "not UTF-8 (byte 7)",
        "larger than 16 MiB",
        "not a regular file",
        "is a directory",
    ]


def test_a_name_alone_does_not_make_an_entry_ours():
    url = "http://127.0.0.1:8700/mcp"
    found = entries(
        "cursor",
        json.dumps({"mcpServers": {"keepgate": {"command": "evil", "args": ["stdio"]}, "k": {"url": url}}}),
    )
    assert not any(through_keepgate(entry, url) for entry in found.values())
    ours = entries("cursor", json.dumps({"mcpServers": {"keepgate": {"url": url}}}))["keepgate"]
    assert through_keepgate(ours, url)
    assert not through_keepgate(ours, "http://127.0.0.1:9999/mcp")
