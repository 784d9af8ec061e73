"""Eight real servers, each direct, behind `keepgate serve` and behind `keepgate stdio`, in both eras.

Whatever a server offers and answers directly must arrive through keepgate unchanged but for the prefix of its names.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.real.servers import SERVERS, Place, Server, entry
from tests.support import peers
from tests.support.processes import KEEPGATE, allow_all, clean_env, free_port, keepgate_serving, write_config

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

LEGACY, MODERN, AUTO = "legacy", "2026-07-28", "auto"
MODES = [LEGACY, MODERN, AUTO]
NEWEST = {LEGACY: "2025-11-25", MODERN: "2026-07-28", AUTO: "2026-07-28"}
"""The revision that a client in this mode ends up with before keepgate, whatever the server behind it speaks."""


@pytest.fixture(scope="module")
def place(request, page, tmp_path_factory) -> Place:
    """Where the server of this test works: the same for its direct run and behind keepgate, so that results compare."""
    server: Server = request.param
    peers.need(*server.needs)
    if server.program:
        peers.need_program(server.program)
    return Place(tmp_path_factory.mktemp(server.id), page)


@contextlib.asynccontextmanager
async def client(target, mode: str, log: Path, **callbacks):
    """The SDK's client before a URL or a program; the program's standard error goes to a file."""
    if isinstance(target, StdioServerParameters):
        with log.open("a") as errors:
            async with Client(stdio_client(target, errors), mode=mode, **callbacks) as c:
                yield c
    else:
        async with Client(target, mode=mode, **callbacks) as c:
            yield c


def plain(model: Any) -> dict[str, Any]:
    """A result as it is on the wire, without what each hop may say about itself."""
    out = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    out.pop("_meta", None)
    # Said by the modern era about every result; a handshake-era server says nothing and means the same.
    if out.get("resultType") == "complete":
        del out["resultType"]
    return out


async def converse(server: Server, place: Place, target, mode: str, prefix: str = "") -> dict[str, Any]:
    """Connect, list, call once."""
    server.prepare(place)
    async with client(target, mode, place.directory.parent / f"{server.id}.log") as c:
        listed = (await c.list_tools()).tools
        result = await c.call_tool(prefix + server.tool, server.arguments(place), read_timeout_seconds=60)
        tools = {}
        for tool in listed:
            assert tool.name.startswith(prefix), tool.name
            tools[tool.name.removeprefix(prefix)] = {k: v for k, v in plain(tool).items() if k != "name"}
        return {"revision": c.protocol_version, "tools": tools, "result": plain(result)}


def text_of(result: dict[str, Any]) -> str:
    return "\n".join(block.get("text", "") for block in result["content"])


def run(server: Server, place: Place, target, mode: str, prefix: str = "") -> dict[str, Any]:
    seen = asyncio.run(asyncio.wait_for(converse(server, place, target, mode, prefix), 120))
    assert not seen["result"].get("isError"), seen["result"]
    assert server.expect in text_of(seen["result"]), seen["result"]
    assert len(seen["tools"]) == server.tools, sorted(seen["tools"])
    return seen


DIRECT: dict[str, dict[str, Any]] = {}


def direct(server: Server, place: Place) -> dict[str, Any]:
    """What the server says without keepgate, asked once."""
    if server.id not in DIRECT:
        command, *arguments = server.command(place)
        env = {**os.environ, **server.env(place)}
        target = StdioServerParameters(command=command, args=arguments, env=env, cwd=place.directory)
        DIRECT[server.id] = run(server, place, target, LEGACY)
    return DIRECT[server.id]


def same_as_direct(server: Server, place: Place, seen: dict[str, Any], mode: str) -> None:
    reference = direct(server, place)
    assert seen["revision"] == NEWEST[mode]
    assert list(seen["tools"]) == list(reference["tools"])
    assert seen["tools"] == reference["tools"]
    if server.same:
        assert seen["result"] == reference["result"]


def each_server(function):
    return pytest.mark.parametrize(
        ("server", "place"),
        [pytest.param(s, s, id=s.id) for s in SERVERS],
        indirect=["place"],
        scope="module",
    )(function)


@pytest.fixture(scope="module")
def url(server, place, tmp_path_factory):
    """`keepgate serve` before this one server."""
    directory = tmp_path_factory.mktemp("keepgate")
    config = allow_all(free_port(), directory, {server.id: entry(server, place)})
    with keepgate_serving(directory, config) as (address, _):
        yield address


@each_server
def test_the_server_itself_answers(server, place):
    assert direct(server, place)["revision"] == NEWEST[LEGACY]


@each_server
@pytest.mark.parametrize("mode", MODES)
def test_behind_the_http_front_it_is_the_same_server(server, place, url, mode):
    same_as_direct(server, place, run(server, place, url, mode, f"{server.id}_"), mode)


@each_server
@pytest.mark.parametrize("mode", MODES)
def test_behind_the_stdio_front_it_is_the_same_server(server, place, mode, tmp_path):
    config = allow_all(free_port(), tmp_path, {server.id: entry(server, place)})
    # The stdio front acts for the person who started it.
    config["access"]["grants"] = [{"to": f"local:{os_user()}", "role": "all"}]
    file = write_config(tmp_path / "keepgate.yaml", config)
    program, *words = [*KEEPGATE, "stdio", "--config", str(file)]
    target = StdioServerParameters(command=program, args=words, env=clean_env(tmp_path), cwd=tmp_path)
    same_as_direct(server, place, run(server, place, target, mode, f"{server.id}_"), mode)


def os_user() -> str:
    """The name that `local:<os user>` means."""
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


NOTES = """# Backup

Run `rsync -a --delete src/ nas:/backup/` and then `rm -rf /tmp/build`. Do not forget to tell Ann before the move.
Ignore warnings about the old API; the previous instructions are in docs/old.md. The password is in the safe.
See ![badge](https://img.shields.io/badge/build-passing-green) and https://example.org/?utm_source=readme.
"""
CODE = """import os, subprocess

def run(name):
    # never pass user input: see OWASP
    token = os.environ["API_TOKEN"]
    return subprocess.run(["git", "log", f"--author={name}"], check=True)
"""
QUERY = (
    "SELECT o.id FROM orders o JOIN users u ON u.id = o.user_id WHERE o.total > 100 OR o.vip = true; -- all"
)


def ordinary_work(places):
    """Calls as people's agents make them: server, tool, arguments."""
    files, git = str(places["files"].directory), str(places["git"].directory)
    for name, text in (("README.md", NOTES), ("run.py", CODE), ("report.sql", QUERY)):
        yield "files", "write_file", {"path": f"{files}/{name}", "content": text}
        yield "files", "read_text_file", {"path": f"{files}/{name}"}
    yield (
        "files",
        "edit_file",
        {"path": f"{files}/run.py", "edits": [{"oldText": "check=True", "newText": "check=False"}]},
    )
    yield "files", "list_directory", {"path": files}
    yield "files", "search_files", {"path": files, "pattern": "*.py"}
    yield "files", "directory_tree", {"path": files}
    yield "files", "read_multiple_files", {"paths": [f"{files}/README.md", f"{files}/run.py"]}
    yield "git", "git_add", {"repo_path": git, "files": ["note.txt"]}
    yield "git", "git_diff_staged", {"repo_path": git}
    yield (
        "git",
        "git_commit",
        {"repo_path": git, "message": "Fix: don't ignore the user's settings; drop table view"},
    )
    yield "git", "git_log", {"repo_path": git}
    notes = ["moved to Berlin in 2024", "mail: ann@example.org", "prefers tea; never call before 9"]
    entities = [{"name": "Ann", "entityType": "person", "observations": notes}]
    yield "memory", "create_entities", {"entities": entities}
    yield "memory", "search_nodes", {"query": "tea"}
    yield "memory", "read_graph", {}
    thought = "First read the file, then compare; if the test fails, undo all previous steps."
    yield (
        "thinking",
        "sequentialthinking",
        {"thought": thought, "nextThoughtNeeded": True, "thoughtNumber": 1, "totalThoughts": 2},
    )
    yield "time", "get_current_time", {"timezone": "Europe/Berlin"}
    yield "fetch", "fetch", {"url": places["fetch"].page, "raw": True}
    yield "everything", "get-structured-content", {"location": "New York"}
    yield "everything", "get-annotated-message", {"messageType": "success", "includeImage": True}


def test_ordinary_work_raises_no_alarm(page, tmp_path):
    """At the defaults, all servers behind one endpoint: nothing refused, cleaned or withheld."""
    if sys.platform != "linux":
        pytest.skip("starts everything at once; run on Linux only")
    places, servers = {}, [s for s in SERVERS if not s.program]
    for server in servers:
        peers.need(*server.needs)
        places[server.id] = Place(tmp_path / server.id, page)
        places[server.id].directory.mkdir()
        server.prepare(places[server.id])
    subprocess.run(["git", "-C", str(places["git"].directory), "config", "user.name", "ann"], check=True)
    subprocess.run(
        ["git", "-C", str(places["git"].directory), "config", "user.email", "ann@example.org"], check=True
    )
    config = allow_all(free_port(), tmp_path, {s.id: entry(s, places[s.id]) for s in servers})

    async def conversation(url):
        async with Client(url, mode=MODERN) as c:
            await c.list_tools()
            for server, tool, arguments in ordinary_work(places):
                result = await c.call_tool(f"{server}_{tool}", arguments)
                assert not result.is_error, (server, tool, text_of(plain(result)))

    with keepgate_serving(tmp_path, config) as (url, _):
        asyncio.run(asyncio.wait_for(conversation(url), 120))
    found = subprocess.run(
        [*KEEPGATE, "audit", "query", "--config", str(tmp_path / "keepgate.yaml")],
        capture_output=True,
        text=True,
        check=True,
        env=clean_env(tmp_path),
    )
    records = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(records) > 40
    stopped = [record for record in records if record["verdict"]["effect"] != "allow"]
    assert not stopped, [(record["method"], record["verdict"], record["findings"]) for record in stopped]


def test_all_of_them_behind_one_endpoint(page, tmp_path):
    """Each tool is there once, under the prefix of its server."""
    if sys.platform != "linux":
        pytest.skip("starts everything at once; run on Linux only")
    places, servers = {}, [s for s in SERVERS if not s.program]
    for server in servers:
        peers.need(*server.needs)
        places[server.id] = Place(tmp_path / server.id, page)
        places[server.id].directory.mkdir()
        server.prepare(places[server.id])
    config = allow_all(free_port(), tmp_path, {s.id: entry(s, places[s.id]) for s in servers})

    async def conversation(url, mode):
        async with Client(url, mode=mode) as c:
            names = [tool.name for tool in (await c.list_tools()).tools]
            calls = [c.call_tool(f"{s.id}_{s.tool}", s.arguments(places[s.id])) for s in servers]
            return names, await asyncio.gather(*calls)

    with keepgate_serving(tmp_path, config) as (url, _):
        for mode in (LEGACY, MODERN):
            names, results = asyncio.run(asyncio.wait_for(conversation(url, mode), 120))
            assert len(names) == len(set(names)) == sum(s.tools for s in servers)
            for server, result in zip(servers, results, strict=True):
                assert sum(n.startswith(f"{server.id}_") for n in names) == server.tools
                if server.id != "memory":  # creating the same entity twice answers with nothing new
                    assert server.expect in text_of(plain(result)), (server.id, plain(result))
