"""A forwarder as one writes it with the official SDK: its server in front, its client behind, nothing in between.

usage: sdk_forwarder.py PORT UPSTREAM_URL
"""

import asyncio
import sys
from typing import Any

import mcp_types as types
import uvicorn
from mcp import Client
from mcp.server.lowlevel import Server

REVISION = "2026-07-28"


async def main(port: int, upstream: str) -> None:
    async with Client(upstream, mode=REVISION) as client:

        async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
            return await client.list_tools()

        async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
            return await client.call_tool(params.name, params.arguments)

        server: Server[Any] = Server("forwarder", on_list_tools=list_tools, on_call_tool=call_tool)
        app = server.streamable_http_app(json_response=True, stateless_http=True)
        config = uvicorn.Config(app, port=port, log_level="warning")
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
