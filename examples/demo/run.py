"""The demo: keepgate before two real servers, one short conversation in each protocol era, the evidence of each call.

Everything happens in a throwaway directory. It starts only the two reference servers named below (one from PyPI
through uvx, one from npm through npx), never a server of your own configuration. Then it stays up for a real client;
RUN_ONCE=1 ends it after the conversation. Ctrl-C or SIGTERM ends it with status 0.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TIME_SERVER = "mcp-server-time==2026.10.19"
FILES_SERVER = "@modelcontextprotocol/server-filesystem@2026.8.31"

CONFIG = """\
version: 1
listen: 127.0.0.1:{port}
state: state
identity: {{anonymous: true}}      # the demo only: real clients get a key each
servers:
  time:                            # PyPI, speaks 2026-07-28 and the handshake revisions
    command: [uvx, "{time}"]
  files:                           # npm, speaks the handshake revisions only
    command: [npx, -y, "{files}", "{data}"]
    sandbox: {{read: ["{data}"]}}    # all it sees of this machine, besides its own code
access:
  roles:
    visitor:
      allow: ["time/get_current_time", "files/read_text_file", "files/list_directory"]
      ask: ["files/write_file"]
  grants:
    - {{to: anonymous, role: visitor, reason: the demo, owner: you}}
limits: {{connect_timeout: 120}}
"""


def keepgate(*arguments: str) -> list[str]:
    """A keepgate command line."""
    return [sys.executable, "-m", "keepgate", *arguments]


class Demo:
    """One run in one directory."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        data = home / "data"
        data.mkdir()
        (data / "hello.txt").write_text("Hello from a real file server behind keepgate.\n")
        self.data = data
        self.config = home / "keepgate.yaml"
        text = CONFIG.format(port=port, time=TIME_SERVER, files=FILES_SERVER, data=data)
        self.config.write_text(text)
        self.config.chmod(0o600)

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """keepgate, listening; yields its URL."""
        log = (self.home / "keepgate.log").open("w+")
        process = subprocess.Popen(
            keepgate("serve", "--config", str(self.config)), stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("ready: "):
                process.wait(10)
                log.seek(0)
                sys.exit(f"keepgate did not start:\n{line}{log.read()}")
            yield line.removeprefix("ready: ").strip()
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    def audit(self, *arguments: str) -> str:
        """Output of a `keepgate audit` command."""
        done = subprocess.run(
            keepgate("audit", *arguments, "--config", str(self.config)),
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout + done.stderr).strip()


def say(text: str = "") -> None:
    """Print at once, for a person to follow."""
    print(text, flush=True)


async def converse(demo: Demo, url: str, mode: str, title: str) -> bool:
    """One conversation of the official SDK's client; True if everything came out as it must."""
    from mcp import Client

    say(f"\n{title}")
    async with Client(url, mode=mode) as client:
        say(f"  protocol revision {client.session.protocol_version}")
        tools = [tool.name for tool in (await client.list_tools()).tools]
        say(f"  tools it can see: {', '.join(tools)}")
        shown = sorted(tools) == [
            "files_list_directory",
            "files_read_text_file",
            "files_write_file",
            "time_get_current_time",
        ]

        now = await client.call_tool("time_get_current_time", {"timezone": "Europe/Paris"})
        read = await client.call_tool("files_read_text_file", {"path": str(demo.data / "hello.txt")})
        say(f"  allowed  time_get_current_time  -> {text_of(now)[:60]}")
        say(f"  allowed  files_read_text_file   -> {text_of(read).strip()}")

        target = demo.data / f"written-{mode}.txt"
        denied = await client.call_tool("files_write_file", {"path": str(target), "content": "x"})
        say(f"  denied   files_write_file       -> {text_of(denied)}")
        try:
            hidden = await client.call_tool("files_move_file", {"source": "a", "destination": "b"})
            unseen = f"unexpected answer: {text_of(hidden)}"
        except Exception as error:  # the SDK raises its own error for an unknown tool
            unseen = str(error)
        say(f"  hidden   files_move_file        -> {unseen}")
    fine = (
        "time" in text_of(now).lower()
        and "Hello" in text_of(read)
        and denied.is_error
        and not target.exists()
    )
    return shown and fine and "Unknown tool" in unseen


def text_of(result: Any) -> str:
    """The text of a tool result."""
    return " ".join(block.text for block in result.content if block.type == "text").replace("\n", " ")


def evidence(demo: Demo) -> bool:
    """Show the records of an allowed and of a denied call, and verify the log."""
    say("\nThe evidence (keepgate audit query), one line for each decision:")
    fine = True
    for name, effect in (("get_current_time", "allow"), ("write_file", "ask")):
        lines = demo.audit("query", "--name", name, "--format", "json").splitlines()
        records = [json.loads(line) for line in lines if line.startswith("{")]
        fine = fine and any(record["verdict"]["effect"] == effect for record in records)
        for record in records[:2]:
            what = f"{record['server']}/{record['name']}"
            verdict = " ".join(part for part in record["verdict"].values() if part)
            way = f"{record['direction']:<9} {record['method'] or record['kind']:<10}"
            say(f"  seq {record['seq']:<3} {way} {what:<22} {verdict}")
    verdict = demo.audit("verify")
    say("\nkeepgate audit verify:\n  " + verdict.replace("\n", "\n  "))
    return fine and "verdict: pass" in verdict


def interrupt(*_: object) -> None:
    """SIGTERM ends the demo as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the demo; its exit status."""
    once = os.environ.get("RUN_ONCE", "") not in ("", "0")
    for program in ("uvx", "npx"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not on PATH: run the demo with `make run`")
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    home = Path(tempfile.mkdtemp(prefix="keepgate-demo-"))
    try:
        demo = Demo(home, int(os.environ.get("KEEPGATE_DEMO_PORT", "8700" if not once else "0")))
        say("keepgate demo: two real servers, uvx " + TIME_SERVER + " and npx " + FILES_SERVER)
        say("(they are fetched first, without running any of it; that can take a minute)")
        fetched = subprocess.run(keepgate("sandbox", "fetch", "--config", str(demo.config)), check=False)
        if fetched.returncode:
            return fetched.returncode
        with demo.serving() as url:
            fine = asyncio.run(converse(demo, url, "2026-07-28", "A client of 2026-07-28 (stateless):"))
            fine = asyncio.run(converse(demo, url, "legacy", "A client of 2025-11-25 (handshake):")) and fine
            fine = evidence(demo) and fine
            say(f"\n{'everything as it must be' if fine else 'SOMETHING IS WRONG, see above'}")
            say(f"ready: {url}")
            if once:
                return 0 if fine else 1
            say("Connect a client:  claude mcp add --transport http keepgate " + url)
            say("End with Ctrl-C.")
            while True:
                signal.pause()
    except KeyboardInterrupt:
        return 0
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
