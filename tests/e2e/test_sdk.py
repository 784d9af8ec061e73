"""The official SDK on both sides and keepgate held to one era towards the server: a gateway that only mirrors its
caller's era passes without bridging anything. Each kind of client (handshake, 2026-07-28, probing) gets its answers to
the server's questions through and sees all progress. A client that cannot be asked gets an error, and is not asked."""

import asyncio
import sys
from pathlib import Path

import mcp.client.session
import mcp_types as types
import pytest
from mcp import Client, MCPError

from tests.support.processes import allow_all, free_port, keepgate_serving, running

PROGRAM = Path(__file__).parent / "upstreams" / "sdk_server.py"
HELD = {"old": "2025-11-25", "new": "2026-07-28"}
MODES = ["legacy", "2026-07-28", "auto"]


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """The same server twice: spoken to in the one era and in the other."""
    directory = tmp_path_factory.mktemp("sdk")
    port = free_port()
    with running([sys.executable, str(PROGRAM), str(port)], directory / "server.log") as program:
        program.wait_for_port(port)
        url = f"http://127.0.0.1:{port}/mcp"
        servers = {name: {"url": url, "protocol": revision} for name, revision in HELD.items()}
        with keepgate_serving(directory, allow_all(free_port(), directory, servers)) as (endpoint, _):
            yield endpoint


async def elicited(_context, _params):
    return types.ElicitResult(action="accept", content={"name": "zoe"})


async def sampled(_context, _params):
    return types.CreateMessageResult(
        role="assistant", content=types.TextContent(type="text", text="seven"), model="m"
    )


async def rooted(_context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///tmp/a"), types.Root(uri="file:///tmp/b")])


ABLE = {"elicitation_callback": elicited, "sampling_callback": sampled, "list_roots_callback": rooted}
ASKING = {"greet": "hello zoe", "guess": "guessed seven", "where": "file:///tmp/a file:///tmp/b"}


def bounded(work):
    return asyncio.run(asyncio.wait_for(work, 30))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("server", HELD)
def test_what_a_server_asks_is_answered_and_progress_is_seen(gate, server, mode):
    async def run():
        seen = []

        async def on_progress(done, _total, _message):
            seen.append(done)

        async with Client(f"{gate}/{server}", mode=mode, **ABLE) as client:
            expected = "2025-11-25" if mode == "legacy" else "2026-07-28"
            assert client.session.protocol_version == expected, "the client's own era, whatever the server's"
            for tool, text in ASKING.items():
                assert (await client.call_tool(tool, {})).content[0].text == text
            slow = await client.call_tool("slow", {}, progress_callback=on_progress)
            assert slow.content[0].text == "done"
            assert seen == [1.0, 2.0, 3.0]

    bounded(run())


@pytest.mark.parametrize("tool", ASKING)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("server", HELD)
def test_a_client_that_cannot_be_asked_is_not_asked(gate, server, mode, tool, monkeypatch):
    asked = []

    async def unable(*arguments):
        asked.append(arguments)
        return types.ErrorData(code=types.INVALID_REQUEST, message="not supported")

    for name in (
        "elicitation",
        "sampling",
        "list_roots",
    ):  # what the SDK calls if the client gave no callback
        monkeypatch.setattr(mcp.client.session, f"_default_{name}_callback", unable)

    async def run():
        async with Client(f"{gate}/{server}", mode=mode) as client:
            with pytest.raises(MCPError) as refused:
                await client.call_tool(tool, {})
            assert refused.value.code == types.MISSING_REQUIRED_CLIENT_CAPABILITY
        assert not asked

    bounded(run())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("server", HELD)
def test_lists_resources_and_prompts(gate, server, mode):
    async def run():
        async with Client(f"{gate}/{server}", mode=mode) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} >= {*ASKING, "slow", "change"}
            assert (await client.read_resource("sdk://note")).contents[0].text == "the note"
            assert (await client.get_prompt("propose")).messages[0].content.text == "a proposal"

    bounded(run())


# In the handshake era the SDK's server does not promise list changes, so that server is only for the other one.


def test_list_changes_reach_a_stateless_client(gate):
    async def run():
        async with Client(f"{gate}/new", mode="2026-07-28") as client:
            async with client.listen(tools_list_changed=True) as subscription:
                assert subscription.honored.tools_list_changed
                await client.call_tool("change", {})
                async for event in subscription:
                    assert type(event).__name__ == "ToolsListChanged"
                    break

    bounded(run())


def test_list_changes_reach_a_handshake_client(gate):
    async def run():
        changed = asyncio.Event()

        async def heard(message):
            if isinstance(getattr(message, "root", message), types.ToolListChangedNotification):
                changed.set()

        async with Client(f"{gate}/new", mode="legacy", message_handler=heard) as client:
            assert client.server_capabilities.tools.list_changed
            await client.call_tool("slow", {})
            while not changed.is_set():  # the listen behind it may stand only after the client is ready
                await client.call_tool("change", {})
                await asyncio.sleep(0.1)

    bounded(run())
