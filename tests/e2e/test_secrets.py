"""A secret of a server is in the environment of that server, and nowhere else."""

import json
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.support import processes

pytestmark = pytest.mark.e2e

SECRET = 'sk-t0p"s3cr3t/value+42'


def command(file, *words, given=None):
    done = subprocess.run(
        [*processes.KEEPGATE, *words, "--config", str(file)],
        input=given,
        capture_output=True,
        text=True,
        timeout=30,
        env=processes.clean_env(file.parent),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def rpc(url, method, params, **headers):
    headers |= {"Accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx2.post(url, json=body, headers=headers, timeout=30)


def traces(directory: Path) -> list[str]:
    """Files that have the secret, or a form of it."""
    forms = [SECRET.encode(), json.dumps(SECRET)[1:-1].encode(), b"s3cr3t", b"czNjcjN0"]
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(form in path.read_bytes() for form in forms)]


def of_process(pid: int) -> bytes:
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("environ", "cmdline"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_secret_of_the_vault_reaches_the_server_and_leaves_no_trace(tmp_path):
    script = Path(__file__).with_name("teller.py")
    config = processes.allow_all(
        processes.free_port(),
        tmp_path,
        {
            "teller": {
                "command": [sys.executable, str(script)],
                "env": {"TELL": {"secret": "store:tell"}},
                "prefix": "",
            }
        },
    )
    file = processes.write_config(tmp_path / "keepgate.yaml", config)
    command(file, "secrets", "set", "tell", given=SECRET)
    with processes.keepgate_serving(tmp_path, config) as (url, process):
        hello = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "c", "version": "1"},
        }
        opened = rpc(url, "initialize", hello)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        said = [rpc(url, "tools/call", {"name": "env", "arguments": {}}, **session).text]
        assert f'\\"length\\": {len(SECRET)}' in said[0]  # the server has it
        said.append(rpc(url, "tools/call", {"name": "env", "arguments": {"die": True}}, **session).text)
        said.append(rpc(url, "prompts/get", {"name": "x"}, **session).text)
        pid = process.process.pid
        everybody = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
        assert b"s3cr3t" not in of_process(pid)
        assert not any(b"s3cr3t" in Path(f"/proc/{each}/cmdline").read_bytes() for each in everybody)
        process.stop()
        said.append(process.output())
    assert "TELL=[secret]" in said[-1]  # its stderr was passed on
    said.append(command(file, "audit", "query"))
    assert not [text for text in said if "s3cr3t" in text or "czNjcjN0" in text]
    assert traces(tmp_path) == []
