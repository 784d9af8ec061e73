"""Every dialect and shape of a client's file comes to the same entry, with true places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.clients.wide.read import read_file, read_text
from keepgate.clients.wide.servers import Source

SOURCE = Source("any", "user", "f")


def read(text, dialect="json"):
    return read_text(text, SOURCE, dialect)


SHAPES = [
    ("json", '{"mcpServers": {"a": {"command": "npx", "args": ["-y", "x"], "env": {"K": "v"}}}}'),
    ("json", '{"servers": {"a": {"command": "npx", "args": ["-y", "x"], "env": {"K": "v"}}}}'),
    (
        "json",
        '{"context_servers": {"a": {"command": {"path": "npx", "args": ["-y", "x"]}, "env": {"K": "v"}}}}',
    ),
    ("json", '{"mcp": {"a": {"type": "local", "command": ["npx", "-y", "x"], "environment": {"K": "v"}}}}'),
    ("json", '{"a": {"command": "npx", "args": ["-y", "x"], "env": {"K": "v"}}}'),
    ("json", '{"mcp.servers": {"a": {"command": "npx", "args": ["-y", "x"], "env": {"K": "v"}}}}'),
    ("json", '{"amp.mcpServers": {"a": {"command": "npx", "args": ["-y", "x"], "env": {"K": "v"}}}}'),
    (
        "json",
        '{"customizations": {"vscode": {"mcp": {"servers": {"a": {"command": "npx -y x", "env": {"K": "v"}}}}}}}',
    ),
    (
        "json",
        '{"projects": {"/p": {"mcpServers": {"a": {"command": "npx", "args": ["-y", "x"], "env": {"K": "v"}}}}}}',
    ),
    (
        "json",
        '{"name": "a", "server": {"mcp_config": {"command": "npx", "args": ["-y", "x"], "env": {"K": "v"}}}}',
    ),
    ("yaml", "mcpServers:\n  - name: a\n    command: npx\n    args: [-y, x]\n    env: {K: v}\n"),
    ("yaml", "extensions:\n  a:\n    cmd: npx\n    args:\n      - -y\n      - x\n    envs:\n      K: v\n"),
    ("toml", '[mcp_servers.a]\ncommand = "npx"\nargs = ["-y", "x"]\n[mcp_servers.a.env]\nK = "v"\n'),
]


@pytest.mark.parametrize(("dialect", "text"), SHAPES)
def test_every_shape_comes_to_the_same_entry(dialect, text):
    reading = read(text, dialect)
    (server,) = reading.servers
    assert (server.entry.name, server.entry.argv, dict(server.entry.env)) == (
        "a",
        ("npx", "-y", "x"),
        {"K": "v"},
    )
    assert not reading.oddities


@pytest.mark.parametrize(("dialect", "text"), SHAPES)
def test_every_word_stands_where_it_is_said_to(dialect, text):
    (server,) = read(text, dialect).servers
    if "npx -y x" in text:
        return
    for pointer, word in (("/args/1", "x"), ("/env/K", "K"), ("/command", "npx")):
        line, column = server.spots[pointer]
        assert text.splitlines()[line - 1][column - 1 :].lstrip("\"'").startswith(word)


@pytest.mark.parametrize("key", ["url", "serverUrl", "httpUrl", "uri"])
def test_remote_servers_by_every_name(key):
    (server,) = read(
        f'{{"mcpServers": {{"a": {{"{key}": "https://h/mcp", "headers": {{"X": "y"}}}}}}}}'
    ).servers
    assert (server.entry.url, dict(server.entry.headers)) == ("https://h/mcp", {"X": "y"})


def test_compose_and_kubernetes_files_are_read_as_the_run_that_they_are():
    compose = "services:\n  mcp:\n    image: e/mcp:1\n    privileged: true\n    volumes: ['/:/h']\n    environment:\n      A: b\n  db:\n    image: postgres\n"
    (server,) = read(compose, "yaml").servers
    assert server.entry.argv == ("docker", "run", "--privileged", "-v", "/:/h", "-e", "A=b", "e/mcp:1")
    assert server.spots["/args/3"] == (5, 15)
    pod = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: mcp}\nspec:\n  template:\n    spec:\n      hostNetwork: true\n"
        "      volumes: [{name: s, hostPath: {path: /var/run/docker.sock}}]\n      containers:\n      - name: mcp\n"
        "        image: e/mcp:1\n        securityContext: {privileged: true}\n"
    )
    (server,) = read(pod, "yaml").servers
    assert server.entry.args == (
        "run", "--network", "host", "-v", "/var/run/docker.sock:/mounted", "--privileged", "e/mcp:1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("json", "[" * 5000),
        ("json", '{"mcpServers": {"a": {"command": "x"'),
        ("yaml", "a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\n" + "".join(f"{c}: &{c} [{', '.join(['*' + chr(ord(c) - 1)] * 20)}]\n" for c in "cdefgh")),
        ("yaml", "a: *nothing"),
        ("yaml", "- " * 500 + "x"),
        ("yaml", "a:\n\t- b"),
        ("toml", "a = "),
        ("toml", "[a]\n[a]"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_never_a_crash(dialect, text):
    (odd,) = read(text, dialect).oddities
    assert odd.kind == "unreadable"


@given(st.text(max_size=200), st.sampled_from(["json", "yaml", "toml"]))
def test_any_text_is_read_or_told(text, dialect):
    read(text, dialect)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda c: (
            st.lists(c, max_size=3)
            | st.dictionaries(
                st.sampled_from(["mcpServers", "servers", "a", "command", "args", "env", "url"]),
                c,
                max_size=4,
            )
        ),
    )
)
def test_any_value_is_read_or_told(value):
    import json

    from keepgate.scanner import entries
    from tests.scanner.beds import scanned

    scanned(value)
    list(entries.inventory(read(json.dumps(value)).servers))


def test_files_that_are_none_are_told(tmp_path):
    big = tmp_path / "big.json"
    with big.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    assert [odd.kind for odd in read_file(big, "a", "user").oddities] == ["too-large"]
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    assert [odd.kind for odd in read_file(tmp_path / "x.json", "a", "user").oddities] == ["unreadable"]
    assert read_file(tmp_path / "none.json", "a", "user") is None


def test_a_file_that_everybody_may_write_to_is_told(tmp_path):
    path = tmp_path / "mcp.json"
    path.write_text('{"mcpServers": {"a": {"command": "x"}}}')
    path.chmod(0o666)
    assert [odd.kind for odd in read_file(path, "a", "user").oddities] == ["writable"]
    path.chmod(0o644)
    assert not read_file(path, "a", "user").oddities
