"""What a thief of the disk reads: nothing that was said, no key, no token; and in a backup no more."""

import base64
import getpass
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from keepgate.cli.audit import app
from keepgate.gateway.masking import MASK
from tests.e2e.gate import make_key
from tests.support import processes

pytestmark = pytest.mark.e2e

ARGUMENT, RESULT, TOKEN, WAITING = (
    "needle-argument",
    "needle-result",
    "needle-token-0123456789",
    "needle-waiting",
)
MASKED = "needle-masked"
SERVER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    if message["method"] == "initialize":
        result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "s", "version": "1"}}
    elif message["method"] == "tools/list":
        result = {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in ("say", "ask")]}
    else:
        result = {"content": [{"type": "text", "text": ("needle-" + "result ") * 200}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def found(directory: Path, needles: list[str]) -> list[tuple[str, str]]:
    """What stands in a file, as it is or in base64."""
    bad = []
    for path in (path for path in directory.rglob("*") if path.is_file()):
        data = path.read_bytes()
        for needle in needles:
            forms = [
                needle.encode(),
                *(base64.b64encode(b"x" * at + needle.encode())[4:-4] for at in range(3)),
            ]
            bad += [(str(path), needle) for form in forms if form in data]
    return bad


@pytest.mark.timeout(120)
def test_nothing_that_was_said_lies_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.delenv("KEEPGATE_KEY", raising=False)
    server = {
        "command": [sys.executable, "-c", SERVER],
        "env": {"TOKEN": {"secret": "store:token"}},
        "prefix": "",
    }
    config = processes.allow_all(processes.free_port(), tmp_path, {"s": server})
    config["audit"] = {"payloads": {"mask": ["PIN"], "drop": ["s/ask"]}}
    config["access"] = {
        "roles": {
            "all": {"allow": ["s/say"], "ask": ["s/ask"]},
            "auditor": {"administer": ["read_payloads"]},
        },
        "grants": [
            {"to": "key:alice", "role": "all"},
            {"to": f"local:{getpass.getuser()}", "role": "auditor"},
        ],
    }
    file = processes.write_config(tmp_path / "keepgate.yaml", config)

    def command(*words, given=None):
        done = subprocess.run(
            [*processes.KEEPGATE, *words, "--config", str(file)],
            input=given,
            capture_output=True,
            text=True,
            timeout=30,
            env=processes.clean_env(tmp_path),
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def audit(*words):
        """In this process: each start of another costs a second."""
        done = CliRunner().invoke(app, [*words, "--config", str(file)])
        assert done.exit_code == 0, done.output
        return done.stdout

    command("secrets", "set", "token", given=TOKEN)
    key = make_key(file, "alice")
    with processes.keepgate_serving(tmp_path, config) as (url, process):
        headers = {
            "Accept": "application/json, text/event-stream",
            "Authorization": f"Bearer {key}",
            "MCP-Protocol-Version": "2025-11-25",
        }

        def rpc(method, params):
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            answer = httpx2.post(url, json=body, headers=headers, timeout=30)
            headers.update(
                {"Mcp-Session-Id": session} if (session := answer.headers.get("mcp-session-id")) else {}
            )
            return answer.text

        rpc(
            "initialize",
            {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "c", "version": "1"},
            },
        )
        assert RESULT in rpc("tools/call", {"name": "say", "arguments": {"text": ARGUMENT, "pin": MASKED}})
        rpc("tools/call", {"name": "ask", "arguments": {"text": WAITING}})
        decisions = {json.loads(line)["trace"] for line in audit("query", "--name", "say").splitlines()}
        process.stop()
        (tmp_path / "log").write_text(process.output())
    with (
        closing(sqlite3.connect(tmp_path / "state" / "index.db")) as source,
        closing(sqlite3.connect(tmp_path / "backup.db")) as copy,
    ):
        source.backup(copy)
    assert found(tmp_path, [ARGUMENT, RESULT, TOKEN, WAITING, key]) == []
    opened = "".join(audit("decrypt", decision) for decision in decisions)
    assert ARGUMENT in opened  # it is there, for who may read it
    assert RESULT in opened
    assert MASKED not in opened  # and this is not there at all
    assert MASK in opened
    asked = {json.loads(line)["trace"] for line in audit("query", "--name", "ask").splitlines()}
    assert asked
    assert WAITING not in "".join(audit("decrypt", decision) for decision in asked)
    assert audit("verify").endswith("verdict: pass\n")
