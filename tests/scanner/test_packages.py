"""Packages: what a command asks for, exact versions against advisories, names that imitate."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keepgate.clients.wide.read import read_text
from keepgate.clients.wide.servers import Source
from keepgate.model.errors import LocalError
from keepgate.scanner import entries
from keepgate.scanner.packages.advisories import bundled, from_dump, verified
from keepgate.scanner.packages.names import imitated
from keepgate.scanner.packages.osv import read
from keepgate.scanner.packages.versions import affected, key


def used(*argv):
    text = json.dumps({"mcpServers": {"a": {"command": argv[0], "args": list(argv[1:])}}})
    (server,) = read_text(text, Source("any", "user", "f"), "json").servers
    return [(use.ecosystem, use.name, use.version) for use in entries.packages(server)]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ("npx -y @scope/name@1.2.3 /data", [("npm", "@scope/name", "1.2.3")]),
        ("npx --package=a --package b@2 prog", [("npm", "a", ""), ("npm", "b", "2")]),
        ("cmd /c npx -y name@latest", [("npm", "name", "latest")]),
        ("npm exec --yes name -- --flag", [("npm", "name", "")]),
        ("pnpm dlx name@1", [("npm", "name", "1")]),
        ("bunx name", [("npm", "name", "")]),
        ("npx -y github:o/r#abc", [("git", "github:o/r", "abc")]),
        ("npx -y ./local", [("path", "./local", "")]),
        ("uvx Some_Name==1.0", [("pypi", "some-name", "1.0")]),
        ("uvx name@2.0 --x", [("pypi", "name", "2.0")]),
        ("uvx --from name[extra]>=1 prog", [("pypi", "name", ">=1")]),
        ("uvx --python 3.12 --with a,b name", [("pypi", "a", ""), ("pypi", "b", ""), ("pypi", "name", "")]),
        ("uvx --from git+https://h/o/r@v1 prog", [("git", "git+https://h/o/r", "v1")]),
        ("pipx run --spec name==1 prog", [("pypi", "name", "1")]),
        ("uv tool run name", [("pypi", "name", "")]),
        (
            "docker run -i --rm -e A=b -v /x:/y host.example/a/b:1.2 --opt",
            [("oci", "host.example/a/b", "1.2")],
        ),
        ("docker run img@sha256:00", [("oci", "img", "sha256:00")]),
        ("deno run -A npm:@s/n@1.0.0", [("npm", "@s/n", "1.0.0")]),
        ("node index.js", []),
        ("env A=b npx -y name", [("npm", "name", "")]),
    ],
)
def test_what_a_command_asks_for(argv, expected):
    assert used(*argv.split()) == expected


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "hit"),
    [
        ("npm", "postmark-mcp", "1.0.15", False),
        ("npm", "postmark-mcp", "1.0.16", True),
        ("npm", "mcp-remote", "0.1.10", True),
        ("npm", "mcp-remote", "0.1.16", False),
        ("npm", "@modelcontextprotocol/inspector", "0.14.0", True),
        ("npm", "@modelcontextprotocol/inspector", "0.14.1", False),
        ("npm", "@modelcontextprotocol/server-filesystem", "0.6.2", True),
        ("npm", "@modelcontextprotocol/server-filesystem", "2025.7.1", False),
        ("npm", "mcp-server-fetch", "1.0.0", True),
        ("pypi", "mcp-server-fetch", "2025.1.17", False),
        ("pypi", "MSMCP.azure", "2.0.0b16", True),
        ("npm", "@prompty/core", "2.0.0-alpha.9", True),
    ],
)
def test_the_bundled_set_knows_exact_versions(ecosystem, name, version, hit):
    assert any(each.hits(version) for each in bundled().of(ecosystem, name)) is hit


@pytest.mark.parametrize(
    ("ecosystem", "ordered"),
    [
        (
            "npm",
            "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.2 1.10.0 2025.7.1",
        ),
        ("pypi", "1.0.dev1 1.0a1 1.0a2.dev1 1.0a2 1.0b1 1.0rc1 1.0 1.0.post1 1.0.1 1.10 1!0.5"),
    ],
)
def test_versions_are_ordered_as_their_registry_does(ecosystem, ordered):
    versions = ordered.split()
    assert sorted(versions, key=lambda each: key(each, ecosystem)) == versions


@pytest.mark.parametrize("wrong", ["", "x", "1..2", "ü", "9" * 400, "1.0-" + "." * 50, "\x00"])
@pytest.mark.parametrize("ecosystem", ["npm", "pypi"])
def test_no_version_breaks_the_order(ecosystem, wrong):
    assert affected(wrong, ecosystem, [("introduced", "0")])
    sorted([key(wrong, ecosystem), key("1.0", ecosystem), key("1.0-a.1", ecosystem)])


def test_a_set_is_believed_only_with_its_signature():
    own = Ed25519PrivateKey.generate()
    body = b'{"date":"2026-01-01","advisories":[]}'
    signature = base64.b64encode(own.sign(body))
    public = own.public_key().public_bytes_raw().hex()
    assert verified(body, signature, public).date == "2026-01-01"
    for changed, sig in ((body + b" ", signature), (body, b"AAAA"), (body, b"\xff")):
        with pytest.raises(LocalError):
            verified(changed, sig, public)
    with pytest.raises(LocalError):
        verified(body, signature)


def test_osv_dumps_in_every_form_are_taken_in():
    record = {
        "id": "MAL-2026-1",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "Bad_Name"}, "versions": ["1.0"]}],
    }
    for body in (record, [record], {"advisories": [record]}):
        (found,) = from_dump(json.dumps(body).encode()).of("pypi", "bad-name")
        assert found.malicious
        assert found.hits("1.0")
        assert not found.hits("1.1")
    assert from_dump(f"{json.dumps(record)}\n{json.dumps(record)}".encode()).of("pypi", "bad.name")
    assert not list(read({**record, "withdrawn": "2026-01-01T00:00:00Z"}))
    for odd in (
        {"id": 1},
        {"id": "x", "affected": [7, {"package": 1}]},
        {"id": "x", "affected": [{"package": {}, "ranges": "x"}]},
    ):
        assert not list(read(odd))
    with pytest.raises(LocalError):
        from_dump(b"no json")


@pytest.mark.parametrize(
    ("ecosystem", "name", "real"),
    [
        ("npm", "@modelcontextprotocol/server-filesytem", "@modelcontextprotocol/server-filesystem"),
        ("npm", "@modelcontextprotoc0l/server-memory", "@modelcontextprotocol/server-memory"),
        ("npm", "@model-context-protocol/server-github", "@modelcontextprotocol/server-github"),
        ("npm", "mcp-rem0te", "mcp-remote"),
        ("npm", "tavily-mpc", "tavily-mcp"),
        ("npm", "@playwrigth/mcp", "@playwright/mcp"),
        ("pypi", "mcp-server-gti", "mcp-server-git"),
        ("pypi", "mcp_sever_fetch", "mcp-server-fetch"),
        ("npm", "fіrecrawl-mcp", "firecrawl-mcp"),
    ],
)
def test_a_name_that_imitates_is_seen(ecosystem, name, real):
    found = imitated(ecosystem, name)
    assert found is not None
    assert found[0] == real


@pytest.mark.parametrize(
    ("ecosystem", "name"),
    [
        ("npm", "@modelcontextprotocol/server-filesystem"),
        ("npm", "todoist-mcp-server"),
        ("npm", "mysql-mcp-server"),
        ("npm", "mssql-mcp-server"),
        ("npm", "my-company-tools"),
        ("npm", "@acme/mcp"),
        ("pypi", "MCP_Server_Fetch"),
        ("pypi", "awslabs.core-mcp-server"),
        ("npm", "weather-mcp"),
    ],
)
def test_an_honest_name_is_left_alone(ecosystem, name):
    assert imitated(ecosystem, name) is None
