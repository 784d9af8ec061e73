"""Requirements of the wire that no other test holds as a whole (wire.toml)."""

from pathlib import Path

import httpx2
import pytest

from keepgate.admin.face import ROOT
from keepgate.admin.openapi import document
from keepgate.admin.route import OPEN
from keepgate.admin.routes import routes
from keepgate.auth.resource import Resource
from keepgate.config import parse
from tests.requirements.conftest import ask

OPEN_TO_ALL = {"/healthz", "/readyz"}
PATHS = ["/mcp", "/mcp/plain", "/mcp/nobody", "/mcp/plain/sse", "/mcp/plain/messages", "/sse", "/messages"]


@pytest.mark.e2e
@pytest.mark.parametrize("path", [*PATHS, "/healthz", f"{ROOT}/servers"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": "localhost:1"},
    ],
)
def test_s1_foreign_origins_and_hosts_are_403(gate, path, headers):
    authorized = {"Authorization": f"Bearer {gate.keys['alice']}", **headers}
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        assert httpx2.request(method, f"{gate.origin}{path}", headers=authorized).status_code == 403


def test_s1_loopback_is_the_default():
    settings = parse("version: 1", file=Path("/c/keepgate.yaml"), env={"HOME": "/h"})
    assert settings.loopback
    assert not settings.identity.anonymous
    assert settings.admin is None


@pytest.mark.e2e
def test_s1_no_answer_is_readable_by_any_origin(gate):
    for path in (*PATHS, *OPEN_TO_ALL, f"{ROOT}/servers"):
        for headers in ({}, {"Origin": gate.origin}):
            answer = httpx2.get(f"{gate.origin}{path}", headers=headers)
            assert answer.headers.get("access-control-allow-origin", gate.origin) == gate.origin


@pytest.mark.e2e
@pytest.mark.parametrize(
    "credential", ["", "Bearer kg_aaaaaaaa_" + "A" * 43, "Basic YTpi", "Bearer", "Bearer a.b.c"]
)
def test_s2_every_method_and_path_needs_a_credential(gate, credential):
    headers = {"Authorization": credential} if credential else {}
    for path in (*PATHS, f"{ROOT}/servers", f"{ROOT}/nothing"):
        for method in ("GET", "POST", "DELETE", "PUT", "PATCH"):
            more = {
                "Accept": "application/json, text/event-stream",
                "Last-Event-ID": "1",
                "Mcp-Session-Id": "x",
            }
            answer = httpx2.request(method, f"{gate.origin}{path}", headers={**more, **headers})
            assert answer.status_code in (401, 429), f"{method} {path}"
    for path in ("/", "/admin", "/metrics", "/mcpx", "/MCP", "/.well-known/oauth-protected-resource"):
        assert httpx2.get(f"{gate.origin}{path}", headers=headers).status_code in (401, 404)


@pytest.mark.e2e
def test_s15_annotations_change_no_decision(gate):
    for key in ("alice", "bob"):
        told = [
            ask(gate, key, "tools/call", {"name": "secret", "arguments": {}}, path=f"/mcp/{server}")
            for server in ("plain", "praised")
        ]
        assert told[0].status_code == told[1].status_code
        assert told[0].json() == told[1].json()
    names = [tool["name"] for tool in ask(gate, "bob", "tools/list").json()["result"]["tools"]]
    assert sorted(names) == ["plain_open", "praised_open"]


def test_s20_no_route_takes_a_command():
    """What starts a program is in the configuration file, and nowhere else."""
    described = document(routes(), ROOT, "0")
    inputs = [
        op["requestBody"]
        for path in described["paths"].values()
        for op in path.values()
        if "requestBody" in op
    ]
    assert inputs
    taken = set()
    for each in inputs:
        schema = each["content"]["application/json"]["schema"]
        shape = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        taken |= set(shape["properties"])
    assert not taken & {"command", "args", "argv", "env", "cwd", "url", "servers", "path", "listen"}
    assert not [
        each.name
        for each in routes()
        if each.permission != OPEN and each.name.startswith("configuration.set")
    ]


def test_s22_the_metadata_asks_for_no_more_than_is_configured():
    document = Resource("https://gate.example.com", ("https://login.example.com",), ("mcp",)).document()
    assert document["scopes_supported"] == ["mcp"]
    assert "offline_access" not in str(document)
    assert "*" not in str(document["scopes_supported"])
    assert "scopes_supported" not in Resource("https://gate.example.com", ("https://l",)).document()


@pytest.mark.e2e
def test_s26_lists_are_private(gate):
    for method in ("tools/list", "server/discover"):
        result = ask(gate, "alice", method).json()["result"]
        assert result["cacheScope"] == "private", method
    listed = {
        key: len(ask(gate, key, "tools/list").json()["result"]["tools"]) for key in ("alice", "bob", "alice")
    }
    assert listed == {"alice": 4, "bob": 2}
