"""A server on the official SDK that speaks both eras on one endpoint: `sdk_server.py PORT`.

It asks its caller on whichever wire the caller speaks: a request in the handshake era, an input-required result in
2026-07-28. greet elicits, guess samples, where lists roots, slow reports progress 1, 2, 3, change announces.
"""

import sys
from typing import Annotated

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve, Sample
from mcp_types import CreateMessageResult, ListRootsResult, SamplingMessage, TextContent
from pydantic import BaseModel

server = MCPServer("sdk-server")


class Name(BaseModel):
    name: str


def ask_name() -> Elicit[Name]:
    return Elicit("Your name?", Name)


def ask_model() -> Sample:
    return Sample(
        [SamplingMessage(role="user", content=TextContent(type="text", text="guess"))], max_tokens=5
    )


def ask_roots() -> ListRoots:
    return ListRoots()


@server.tool()
def greet(who: Annotated[Name, Resolve(ask_name)]) -> str:
    return f"hello {who.name}"


@server.tool()
def guess(it: Annotated[CreateMessageResult, Resolve(ask_model)]) -> str:
    return f"guessed {it.content.text}"


@server.tool()
def where(roots: Annotated[ListRootsResult, Resolve(ask_roots)]) -> str:
    return " ".join(str(root.uri) for root in roots.roots)


@server.tool()
async def slow(ctx: Context) -> str:
    for i in (1, 2, 3):
        await ctx.report_progress(i, 3, "step")
    return "done"


@server.tool()
async def change(ctx: Context) -> str:
    if ctx.protocol_version == "2026-07-28":
        await ctx.notify_tools_changed()
    else:
        await ctx.session.send_tool_list_changed()
    return "changed"


@server.resource("sdk://note")
def note() -> str:
    return "the note"


@server.prompt()
def propose() -> str:
    return "a proposal"


if __name__ == "__main__":
    server.run(transport="streamable-http", port=int(sys.argv[1]))
