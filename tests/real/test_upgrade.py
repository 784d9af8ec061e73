"""A pinned server is upgraded to a really different version: what changed is told, and not used before.

The reference file server of March 2025 and that of August 2026, under the same command.
"""

import json
import subprocess

import pytest

from keepgate.lock.compare import Class, compare
from tests.e2e.client import Handshake, conversation
from tests.e2e.faults import failed, keepgate, texts, until
from tests.lock import made
from tests.support import peers
from tests.support.processes import allow_all, free_port, keepgate_serving, write_config

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

BEFORE = peers.NPM_MODULES / "filesystem-before"
AFTER = peers.NPM_MODULES / "@modelcontextprotocol" / "server-filesystem"
ADDED = ["list_directory_with_sizes", "read_media_file", "read_text_file"]
ASKS_MORE = ["directory_tree", "read_file"]


async def offered(client):
    reply = await client.call("tools/list")
    return {tool["name"]: tool for tool in reply["result"]["tools"]}


@conversation
async def test_two_versions_of_the_reference_file_server(tmp_path):
    peers.need(BEFORE, AFTER, peers.NODE)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "note.txt").write_text("kept")
    program = tmp_path / "server"
    program.symlink_to(BEFORE)
    command = [str(peers.NODE), str(program / "dist" / "index.js"), str(tmp_path / "data")]
    config = allow_all(free_port(), tmp_path, {"files": {"command": command}})
    write_config(tmp_path / "keepgate.yaml", config)
    assert keepgate(tmp_path, "lock", "write").returncode == 0
    program.unlink()
    program.symlink_to(AFTER)

    told = keepgate(tmp_path, "lock", "diff").stdout
    assert "files: in short\n  added: list_directory_with_sizes, read_media_file, read_text_file\n" in told
    assert "  new parameter: directory_tree, read_file\n" in told
    assert "new parameter (inputSchema/properties/excludePatterns): it asks for something" in told
    assert "narrowed schema (inputSchema/properties/paths/minItems)" in told
    assert "new instruction" not in told
    assert "renamed" not in told
    assert max(map(len, told.splitlines())) < 200

    with keepgate_serving(tmp_path, config) as (url, running):
        client = await Handshake(url).initialize()
        assert await offered(client) == {}
        for name in (*ADDED, *ASKS_MORE, "write_file"):
            answer = await client.tool(f"files_{name}", {"path": str(tmp_path / "data" / "note.txt")})
            assert failed(answer), name
        assert "keepgate.lock" in texts(answer) or "changed since it was approved" in texts(answer)
        assert (tmp_path / "data" / "note.txt").read_text() == "kept"
        done = keepgate(tmp_path, "lock", "approve", "files", "--yes", "--reason", "read the diff")
        assert done.returncode == 0, done.stderr
        await until(lambda: "keepgate.lock" in running.output(), "the lock is read again")
        now = await offered(client)
        assert len(now) == 14
        answer = await client.tool("files_read_text_file", {"path": str(tmp_path / "data" / "note.txt")})
        assert "kept" in texts(answer)


def turned(value):
    """The same with every object the other way round."""
    if isinstance(value, dict):
        return {key: turned(each) for key, each in reversed(value.items())}
    return [turned(each) for each in value] if isinstance(value, list) else value


def told_by(program, directory):
    """The tools that a server lists, asked directly."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    said = [
        {"id": 0, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 1, "method": "tools/list"},
    ]
    with subprocess.Popen(
        [peers.NODE, program, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        for each in said:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **each}) + "\n")
        process.stdin.flush()
        answers = (json.loads(line) for line in process.stdout)
        tools = next(answer for answer in answers if answer.get("id") == 1)["result"]["tools"]
        process.kill()
    return tools


def test_its_tools_in_another_order_are_no_change_and_one_under_another_name_is_renamed(tmp_path):
    peers.need(AFTER, peers.NODE)
    tools = told_by(AFTER / "dist" / "index.js", tmp_path)
    assert len(tools) == 14
    approved = made.offer(tools=tools)
    lock, kept = made.locked(approved), made.kept(approved).get
    other = [turned(tool) for tool in reversed(tools)]
    assert not list(compare(lock, made.offer(tools=other), kept))
    moved = [{**tool, "name": "relocate"} if tool["name"] == "move_file" else tool for tool in other]
    (only,) = compare(lock, made.offer(tools=moved), kept)
    assert (only.change, only.before, only.after) == (Class.RENAMED, "move_file", "relocate")
