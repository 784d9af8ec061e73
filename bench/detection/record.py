"""Results of real servers doing ordinary work, recorded once into .cache/detection/results.jsonl.

The reference servers of tests/real over files that are installed here: what a day of reading, searching and looking at
history gives. Nothing of it is committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from bench.detection.items import Item
from tests.real.servers import SERVERS, Place, Server
from tests.support import peers

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".cache" / "detection-results.jsonl"
PACKAGES = ("express", "koa", "jose", "undici", "zod", "ajv", "yargs", "debug", "diff", "glob", "qs", "ws", "send",
            "cookie", "hono", "semver", "commander", "chalk", "minimatch", "ms", "router", "pako", "jszip")  # fmt: skip
EACH = 30
"""Files of a package."""
KINDS = {".js", ".ts", ".md", ".json", ".mjs"}

Calls = Iterator[tuple[str, dict[str, Any]]]


def under_control(directory: Path, *words: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(
        ["git", "-C", str(directory), *who, *words], check=True, env=env, stdout=subprocess.DEVNULL
    )


def furnish(directory: Path) -> list[Path]:
    """Files to work on: sources and guides of packages, put under version control in several commits."""
    under_control(directory, "init", "--quiet", "--initial-branch=main")
    made: list[Path] = []
    for package in PACKAGES:
        source = peers.NPM_MODULES / package
        wanted = [file for file in sorted(source.rglob("*")) if file.suffix in KINDS and file.is_file()]
        for file in [each for each in wanted if each.stat().st_size < 200_000][:EACH]:
            into = directory / package / file.relative_to(source)
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, into)
            made.append(into)
        if wanted:
            under_control(directory, "add", "--all")
            under_control(directory, "commit", "--quiet", "-m", f"Add {package}")
    return made


def files(place: Place, made: list[Path]) -> Calls:
    for file in made:
        yield "read_text_file", {"path": str(file)}
        yield "get_file_info", {"path": str(file)}
    for package in PACKAGES:
        yield "list_directory", {"path": f"{place.directory}/{package}"}
        yield "directory_tree", {"path": f"{place.directory}/{package}"}
        yield "search_files", {"path": f"{place.directory}/{package}", "pattern": "*.json"}


def git(place: Place, _made: list[Path]) -> Calls:
    repository = {"repo_path": str(place.directory)}
    yield "git_status", repository
    yield "git_log", {**repository, "max_count": 30}
    for back in range(len(PACKAGES) - 1):
        yield "git_show", {**repository, "revision": f"HEAD~{back}"}


def memory(_place: Place, made: list[Path]) -> Calls:
    for number, file in enumerate(made[:60]):
        entity = {
            "name": f"{file.name}{number}",
            "entityType": "file",
            "observations": [file.read_text()[:400]],
        }
        yield "create_entities", {"entities": [entity]}
        yield "search_nodes", {"query": file.name}
    yield "read_graph", {}


def time(_place: Place, _made: list[Path]) -> Calls:
    for hour in range(24):
        zones = {"source_timezone": "Asia/Tokyo", "target_timezone": "America/Lima"}
        yield "convert_time", {**zones, "time": f"{hour:02}:15"}


def fetch(place: Place, made: list[Path]) -> Calls:
    for file in made:
        if file.suffix == ".md":
            yield "fetch", {"url": f"{place.page}/{file.relative_to(place.directory)}", "max_length": 20000}


def everything(_place: Place, _made: list[Path]) -> Calls:
    for number in range(20):
        yield "get-sum", {"a": number, "b": 2}
        yield "echo", {"message": f"order {number} was shipped"}
    yield "get-tiny-image", {}


def thinking(_place: Place, _made: list[Path]) -> Calls:
    for number in range(20):
        thought = {"thought": f"step {number}", "nextThoughtNeeded": True, "thoughtNumber": number + 1}
        yield "sequentialthinking", {**thought, "totalThoughts": 20}


WORK = {each.__name__: each for each in (files, git, memory, time, fetch, everything, thinking)}
"""What is asked of a server, by its id in tests/real."""


@contextlib.asynccontextmanager
async def session(server: Server, place: Place) -> AsyncIterator[ClientSession]:
    command, *words = server.command(place)
    env: Mapping[str, str] = {**os.environ, **server.env(place)}
    with open(os.devnull, "w") as quiet:
        program = StdioServerParameters(command=command, args=words, env=dict(env))
        async with stdio_client(program, errlog=quiet) as streams, ClientSession(*streams[:2]) as client:
            await client.initialize()
            yield client


async def results_of(server: Server, place: Place, made: list[Path]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    async with session(server, place) as client:
        for tool in (await client.list_tools()).tools:
            definition = tool.model_dump(by_alias=True, exclude_none=True, mode="json")
            out.append({"server": server.id, "tool": definition})
        for name, arguments in WORK[server.id](place, made):
            result = await client.call_tool(name, arguments)
            text = "\n".join(part.text for part in result.content if part.type == "text")
            if text:
                out.append(
                    {"server": server.id, "name": name, "text": text.replace(str(place.directory), "/data")}
                )
    return out


@contextlib.contextmanager
def pages(directory: Path) -> Iterator[str]:
    """The files as pages on loopback."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Nothing."""

    handler = functools.partial(Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()


async def record() -> list[dict[str, Any]]:
    """All of it; a server that is not installed here is left out."""
    out: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as directory, pages(Path(directory)) as page:
        place = Place(Path(directory), page)
        made = furnish(place.directory)
        for server in SERVERS:
            if server.id in WORK and all(path.exists() for path in server.needs):
                out += await results_of(server, place, made)
    return out


def items() -> list[Item]:
    """Recorded now, or from the last recording."""
    if not KEPT.exists():
        found = asyncio.run(record())
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text("".join(json.dumps(line) + "\n" for line in found))
    out, seen = [], set()
    for number, line in enumerate(KEPT.read_text().splitlines()):
        each = json.loads(line)
        if "tool" in each:
            tool = each["tool"]
            out.append(
                Item(
                    f"real-tool-{number}",
                    "real servers: tools",
                    "tool",
                    attack=False,
                    tool=tool,
                    server=each["server"],
                )
            )
        elif each["text"] not in seen:
            seen.add(each["text"])
            source = "real servers: results"
            out.append(
                Item(
                    f"real-{number}",
                    source,
                    "tool_output",
                    attack=False,
                    text=each["text"],
                    group=each["name"],
                )
            )
    return out


if __name__ == "__main__":
    KEPT.unlink(missing_ok=True)
    print(f"{len(items())} definitions and results in {KEPT.relative_to(ROOT)}")
