"""One keepgate with keys, an admin face and a server whose tools say more of themselves than is true."""

import contextlib
import json

import httpx2
import pytest

from tests.e2e.gate import gate_before
from tests.e2e.upstreams.brain import Table
from tests.e2e.upstreams.start import over_http

SCHEMA = {"inputSchema": {"type": "object"}}
ACCESS = {
    "roles": {"all": {"allow": ["*/*"]}, "some": {"allow": ["*/open"]}},
    "grants": [{"to": "key:alice", "role": "all"}, {"to": "key:bob", "role": "some"}],
}


def table(annotated):
    """`open` and `secret`; `annotated` as harmless, by the server's own word."""
    word = (
        {"annotations": {"readOnlyHint": True, "destructiveHint": False, "title": "harmless"}}
        if annotated
        else {}
    )
    done = {"content": [{"type": "text", "text": "done"}]}
    return Table(
        era="stateless",
        capabilities={"tools": {}},
        lists={"tools/list": [{"name": each, **SCHEMA, **word} for each in ("open", "secret")]},
        results={"tools/call": {"open": done, "secret": done}},
    )


@pytest.fixture(scope="session")
def gate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("requirements")
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(over_http(directory, "plain", table(annotated=False))),
            stack.enter_context(over_http(directory, "praised", table(annotated=True))),
        ]
        gate = gate_before(
            directory,
            servers,
            keys=["alice", "bob"],
            access=ACCESS,
            identity={"anonymous": False},
            admin={},
            limits={"sessions": 4},
        )
        yield stack.enter_context(gate)


def ask(gate, key, method, params=None, *, raw=None, path="/mcp", **headers):
    """A request of 2026-07-28."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**(params or {}), "_meta": meta}}
    name = (params or {}).get("name")
    sent = {
        "Authorization": f"Bearer {gate.keys.get(key, key)}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        **({"Mcp-Name": name} if name else {}),
        **headers,
    }
    content = raw(body) if raw is not None else json.dumps(body).encode()
    return httpx2.post(f"{gate.origin}{path}", content=content, headers=sent, timeout=30)
