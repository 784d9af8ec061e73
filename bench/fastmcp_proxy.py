"""The proxy of fastmcp, with the client it makes itself for each request, or with one that stays connected.

usage: fastmcp_proxy.py default|connected PORT UPSTREAM_URL       runs in the venv of bench/peers/fastmcp
"""

import asyncio
import sys
from typing import Any

from fastmcp import Client
from fastmcp.server import create_proxy


async def serve(target: Any, port: int) -> None:
    proxy = create_proxy(target)
    await proxy.run_http_async(
        show_banner=False, transport="http", host="127.0.0.1", port=port, log_level="error"
    )


async def main(how: str, port: int, upstream: str) -> None:
    if how == "default":
        await serve(upstream, port)
        return
    async with Client(upstream) as client:
        await serve(client, port)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
