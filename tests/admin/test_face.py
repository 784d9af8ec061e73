"""What the admin API does: over HTTP, with a running keepgate."""

import json
import os
import subprocess
import time

import httpx2
import jsonschema_rs
import pytest

from keepgate.admin import administrators
from tests.admin.conftest import ROOT, desk_in
from tests.support import processes

pytestmark = pytest.mark.e2e


def test_every_call_is_on_record_before_and_after(desk):
    made = desk.ask("operator", "POST", "/keys", json={"name": "recorded"})
    assert made.status_code == 201
    calls = desk.events(principal="admin:the-operator", name="keys.create_key")
    before, after = calls[-2:]
    assert (before["record"]["method"], after["record"]["method"]) == ("admin.call", "admin.done")
    assert before["record"]["trace"] == after["record"]["trace"]
    assert before["principal"] == after["principal"] == "admin:the-operator"
    assert after["record"]["verdict"] == {"effect": "allow", "reason": "201"}
    assert made.json()["key"] not in str(calls)


def test_refusals_are_on_record(desk):
    assert desk.ask("viewer", "DELETE", "/keys/refused").status_code == 403
    last = desk.events(principal="admin:the-viewer", method="admin.refused")[-1]["record"]
    assert last["name"] == "keys.revoke_key"
    assert last["verdict"]["effect"] == "deny"
    assert "keys:write" in last["verdict"]["reason"]
    assert desk.ask("operator", "POST", "/keys", json={"name": ""}).status_code == 400
    last = desk.events(principal="admin:the-operator", name="keys.create_key")[-1]["record"]
    assert last["verdict"]["effect"] == "deny"


def test_a_failure_is_on_record_as_one(desk):
    assert desk.ask("operator", "DELETE", "/keys/never-made").status_code == 409
    last = desk.events(principal="admin:the-operator", name="keys.revoke_key")[-1]["record"]
    assert last["verdict"] == {"effect": "deny", "reason": "409 key-unknown"}


def test_what_was_said_needs_its_own_permission_and_stays_on_record(desk):
    desk.ask("operator", "POST", "/keys", json={"name": "asked-for"})
    record = desk.events(principal="admin:the-operator", method="admin.call")[-1]["record"]
    path = f"/audit/events/{record['writer']}/{record['seq']}/payload"
    assert desk.ask("admin", "GET", path).status_code == 403
    found = desk.ask("payloads", "GET", path)
    assert found.status_code == 200, found.text
    assert found.json()["body"] == {"body": {"name": "asked-for", "lifetime": None}}
    assert found.json()["principal"] == "admin:the-operator"
    assert desk.events(principal="admin:the-payloads", name="audit.read_payload")
    assert desk.ask("payloads", "GET", f"/audit/events/{record['writer']}/{10**9}/payload").status_code == 404
    assert desk.ask("payloads", "GET", "/audit/events/nobody/1/payload").status_code == 404


def test_keys_are_made_listed_rotated_and_revoked(desk):
    first = desk.ask("admin", "POST", "/keys", json={"name": "life", "lifetime": 3600}).json()["key"]
    assert desk.ask("admin", "POST", "/keys", json={"name": "life"}).status_code == 409
    second = desk.ask("admin", "POST", "/keys/life/rotate", json={"overlap": 60}).json()["key"]
    assert first != second
    listed = desk.ask("viewer", "GET", "/keys").json()["keys"]
    assert [key["state"] for key in listed if key["name"] == "life"] == ["live", "live"]
    assert first not in str(listed)
    assert desk.ask("admin", "DELETE", "/keys/life").status_code == 204
    assert "life" not in str(desk.ask("viewer", "GET", "/keys").json())
    assert "life" in str(desk.ask("viewer", "GET", "/keys", params={"all": "true"}).json())


def test_the_configuration_is_shown_without_secrets(desk):
    found = desk.ask("viewer", "GET", "/configuration")
    assert found.status_code == 200
    assert "hunter2" not in found.text
    assert found.json()["configuration"]["servers"]["silent"]["env"] == {"API_KEY": "(not shown)"}


def test_the_policy_is_shown_checked_and_explained(desk):
    shown = desk.ask("viewer", "GET", "/policy").json()
    assert [role["name"] for role in shown["roles"]] == ["all"]
    assert desk.ask("viewer", "GET", "/policy/check").json() == {"findings": []}
    asked = {"principal": "anonymous", "action": "call_tool", "resource": "silent/x"}
    why = desk.ask("viewer", "GET", "/policy/why", params=asked).json()
    assert why["effect"] == "allow"
    assert why["rules"] == [{"role": "all", "verb": "allow", "pattern": "*/*"}]
    denied = desk.ask(
        "viewer", "GET", "/policy/why", params={**asked, "principal": "key:x", "also": ["group:a", "group:b"]}
    )
    assert denied.json()["effect"] == "deny"
    assert denied.json()["helpful"] == [{"role": "all", "effect": "allow"}]
    assert desk.ask("viewer", "GET", "/policy/why", params={**asked, "action": "fly"}).status_code == 409


def test_a_server_that_fails_is_shown_so_and_may_be_tried_again(desk):
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/list",
        "params": {
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        },
    }
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
               "Mcp-Method": "tools/list"}  # fmt: skip
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        desk.client.post(f"{desk.origin}/mcp", json=call, headers=headers)
        server = desk.ask("viewer", "GET", "/servers/silent").json()
        if server["state"] == "open":
            break
    assert server["state"] == "open", server
    assert server["failures"] >= 3
    assert server["next_try"] > 0
    assert server["cause"]
    assert desk.ask("operator", "POST", "/servers/silent/retry").status_code == 204
    assert desk.ask("viewer", "GET", "/servers/silent").json()["next_try"] == 0
    assert desk.ask("operator", "POST", "/servers/nobody/retry").status_code == 404


def test_sessions_are_listed_and_ended(desk):
    initialize = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "c", "version": "1"},
        },
    }
    headers = {"Accept": "application/json, text/event-stream"}
    opened = desk.client.post(f"{desk.origin}/mcp", json=initialize, headers=headers)
    session = opened.headers["mcp-session-id"]
    listed = desk.ask("viewer", "GET", "/sessions").json()["sessions"]
    assert session not in str(listed), "an id that opens something"
    (mine,) = [each for each in listed if each["principal"] == "anonymous"]
    assert mine["client"] == "c/1"
    assert desk.ask("viewer", "GET", "/principals").json()["principals"][0]["sessions"] == 1
    assert desk.ask("operator", "DELETE", f"/sessions/{mine['id']}").status_code == 204
    assert desk.ask("operator", "DELETE", f"/sessions/{mine['id']}").status_code == 404
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    gone = desk.client.post(f"{desk.origin}/mcp", json=ping, headers={**headers, "Mcp-Session-Id": session})
    assert gone.status_code == 404


def test_the_log_is_verified(desk):
    found = desk.ask("viewer", "GET", "/audit/verification")
    assert found.status_code == 200
    assert found.json()["verdict"] in ("pass", "unknown")  # unknown while nothing has been signed yet
    assert not found.json()["writers"][0]["failed"]


def test_administrators_come_and_go_but_nobody_changes_themselves(desk):
    made = desk.ask("admin", "POST", "/administrators", json={"name": "eve", "roles": ["viewer"]}).json()
    assert desk.ask(made["key"], "GET", "/this").json()["permissions"] == sorted(
        [
            "audit:read",
            "configuration:read",
            "flows:read",
            "keys:read",
            "own",
            "policy:read",
            "quarantine:read",
            "servers:read",
            "sessions:read",
        ]
    )
    assert (
        desk.ask("admin", "PUT", "/administrators/eve/roles", json={"roles": ["operator"]}).status_code == 204
    )
    assert "keys:write" in desk.ask(made["key"], "GET", "/this").json()["permissions"]
    assert desk.ask("admin", "PUT", "/administrators/eve/roles", json={"roles": ["root"]}).status_code == 400
    assert desk.ask("admin", "DELETE", "/administrators/the-admin").status_code == 409
    assert (
        desk.ask("admin", "PUT", "/administrators/the-admin/roles", json={"roles": ["payloads"]}).status_code
        == 409
    )
    assert desk.ask("admin", "DELETE", "/administrators/eve").status_code == 204
    assert desk.ask(made["key"], "GET", "/this").status_code in (401, 429)


def test_the_document_is_openapi_and_its_shapes_are_json_schemas(desk):
    document = desk.ask("viewer", "GET", "/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    assert f"{ROOT}/keys/{{name}}/rotate" in document["paths"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "gate.example.com"}, 403),
        ({"X-Forwarded-For": "192.0.2.1"}, 403),
        ({"Forwarded": "for=192.0.2.1"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_only_this_machine_and_pages_of_its_own_may_ask(desk, headers, status):
    assert desk.ask("viewer", "GET", "/this", headers=headers).status_code == status


def test_every_answer_forbids_caches_and_frames(desk):
    for answer in (desk.ask("viewer", "GET", "/this"), desk.ask("", "GET", "/this")):
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b'{"name": "a", "name": "b"}', "application/json", 400),
        (b'{"name": "a", "more": 1}', "application/json", 400),
        (b'{"name": 1}', "application/json", 400),
        (b'["name"]', "application/json", 400),
        (b"", "application/json", 400),
        (b'{"name": "a"}', "text/plain", 415),
        (b'{"name": "a"}', "application/jsonp", 415),
        (b'{"name": "' + b"a" * (70 << 10) + b'"}', "application/json", 413),
        (b"[" * 5000, "application/json", 400),
    ],
)
def test_bodies_are_read_strictly(desk, content, media, status):
    answer = desk.ask("admin", "POST", "/keys", content=content, headers={"Content-Type": media})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["all=1&all=1", "more=1", "all=maybe", "all", "%ff=1", "x=1&" * 100])
def test_queries_are_read_strictly(desk, query):
    assert desk.ask("viewer", "GET", f"/keys?{query}").status_code == 400


def test_without_admin_there_is_no_face(tmp_path):
    with processes.keepgate_serving(tmp_path, processes.allow_all(processes.free_port(), tmp_path, {})) as (
        url,
        _,
    ):
        origin = url.removesuffix("/mcp")
        assert httpx2.get(f"{origin}{ROOT}/servers").status_code == 404


def test_a_second_factor_is_demanded_and_guessing_slows_down(tmp_path):
    with desk_in(tmp_path, admin={}) as desk:
        assert desk.ask("admin", "GET", "/servers").status_code == 200
        answer = desk.ask("admin", "POST", "/keys", json={"name": "x"})
        assert (answer.status_code, answer.json()["code"]) == (403, "second-factor")
        assert desk.ask("payloads", "GET", "/audit/events/w/1/payload").json()["code"] == "second-factor"
        statuses = [desk.ask("kga_" + "x" * 52, "GET", "/servers").status_code for _ in range(30)]
        assert statuses[0] == 401
        assert statuses[-1] == 429
        assert desk.ask("admin", "GET", "/servers").status_code == 200, "who has a key is not shut out"
        recorded = desk.events(method="admin.refused")
        assert len(recorded) <= 25, "the log does not grow with the guesses"
        # Nobody gets in while the file of administrators is open to others.
        os.chmod(desk.store.path, 0o644)
        time.sleep(administrators.RECHECK)
        assert desk.ask("admin", "GET", "/servers").status_code in (401, 429)


def test_the_command_line_asks_a_running_gateway(desk):
    env = {**processes.clean_env(desk.directory), "KEEPGATE_ADMIN_TOKEN": desk.keys["viewer"]}

    def call(*words):
        command = [*processes.KEEPGATE, "admin", "call", *words, "--url", desk.origin]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)

    assert json.loads(call("get", "/this").stdout)["name"] == "the-viewer"
    refused = call("DELETE", "/keys/x")
    assert refused.returncode == 1
    assert "403: this needs the permission `keys:write`" in refused.stderr
