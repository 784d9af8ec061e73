"""A server for the soak, of either era, over HTTP or stdio: `server.py (http PORT | stdio) (handshake | stateless)`.

Tools: `echo` gives back its text, `steps` reports progress three times before, `slow` takes its time.
It keeps nothing but its sessions, so that it is not what grows.
"""

import asyncio
import json
import secrets
import sys
from typing import Any

import httptools

META = "io.modelcontextprotocol/"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n%b\r\n"
SLOW = 1.0
NAMES = ("echo", "steps", "slow", "forbidden")


def tools() -> list[Any]:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    return [{"name": name, "inputSchema": schema} for name in NAMES]


class Brain:
    """What it says, whatever it is asked over."""

    def __init__(self, era: str) -> None:
        self.stateless = era == "stateless"

    def result(self, method: str, params: Any) -> Any:
        """The result; None for an unknown method."""
        result: Any = None
        capabilities = {"tools": {"listChanged": True}, "logging": {}}
        if method == "initialize" and not self.stateless:
            info = {"name": "soak", "version": "1"}
            return {
                "protocolVersion": params["protocolVersion"],
                "capabilities": capabilities,
                "serverInfo": info,
            }
        if method == "server/discover" and self.stateless:
            result = {"supportedVersions": ["2026-07-28"], "capabilities": capabilities}
        elif method == "tools/list":
            result = {"tools": tools()}
        elif method == "tools/call":
            result = {"content": [{"type": "text", "text": params.get("arguments", {}).get("text", "")}]}
        elif method in ("ping", "logging/setLevel") and not self.stateless:
            result = {}
        if self.stateless and result is not None:
            result = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", **result}
        return result

    def reply(self, message: Any) -> Any:
        """The body that answers a request."""
        result = self.result(message["method"], message.get("params") or {})
        body = {"jsonrpc": "2.0", "id": message["id"]}
        if result is None:
            return {**body, "error": {"code": -32601, "message": "Method not found"}}
        return {**body, "result": result}

    def progress(self, message: Any) -> list[Any]:
        """What goes ahead of the reply."""
        params = message.get("params") or {}
        token = (params.get("_meta") or {}).get("progressToken")
        if params.get("name") != "steps" or token is None:
            return []
        return [
            {
                "jsonrpc": "2.0",
                "method": "notifications/progress",
                "params": {"progressToken": token, "progress": number},
            }
            for number in (1, 2, 3)
        ]

    def acknowledgement(self, message: Any) -> Any:
        """The first message of a listen."""
        params = {
            "_meta": {META + "subscriptionId": message["id"]},
            "notifications": message["params"].get("notifications", {}),
        }
        return {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": params}


def encode(body: Any) -> bytes:
    return json.dumps(body).encode()


def event(body: Any) -> bytes:
    data = b"data: %b\n\n" % encode(body)
    return b"%x\r\n%b\r\n" % (len(data), data)


def is_slow(message: Any) -> bool:
    return message["method"] == "tools/call" and message["params"].get("name") == "slow"


class Connection(asyncio.Protocol):
    """HTTP, one request after the other."""

    def __init__(self, brain: Brain, sessions: set[str]) -> None:
        self.brain = brain
        self.sessions = sessions
        self.parser = httptools.HttpRequestParser(self)
        self.task: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.session = ""
        self.body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"mcp-session-id":
            self.session = value.decode()

    def on_body(self, data: bytes) -> None:
        self.body += data

    def respond(self, status: int, body: bytes = b"", headers: bytes = b"") -> None:
        head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
        self.transport.write(head % (status, len(body), headers) + body)

    def on_message_complete(self) -> None:
        method = self.parser.get_method()
        known = self.brain.stateless or self.session in self.sessions
        if method == b"DELETE":
            self.sessions.discard(self.session)
            self.respond(200)
        elif method == b"GET":
            if self.brain.stateless:
                self.respond(405)
            elif known:
                self.transport.write(STREAM % b"")
            else:
                self.respond(404)
        else:
            self.post(json.loads(self.body), known=known)

    def post(self, message: Any, *, known: bool) -> None:
        if message.get("method") == "initialize" and not self.brain.stateless:
            session = secrets.token_hex(16)
            self.sessions.add(session)
            self.respond(200, encode(self.brain.reply(message)), b"Mcp-Session-Id: %b\r\n" % session.encode())
        elif not known:
            self.respond(404)
        elif "id" not in message or "method" not in message:
            self.respond(202)
        elif message["method"] == "subscriptions/listen":
            self.transport.write(STREAM % b"" + event(self.brain.acknowledgement(message)))
        elif is_slow(message):
            self.task = asyncio.get_running_loop().call_later(SLOW, self.finish, message)
        else:
            self.finish(message)

    def finish(self, message: Any) -> None:
        ahead = self.brain.progress(message)
        if not ahead:
            self.respond(200, encode(self.brain.reply(message)))
            return
        parts = [event(body) for body in (*ahead, self.brain.reply(message))]
        self.transport.write(STREAM % b"" + b"".join(parts) + b"0\r\n\r\n")


async def over_http(brain: Brain, port: int) -> None:
    sessions: set[str] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(brain, sessions), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


async def over_stdio(brain: Brain) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    def say(body: Any) -> None:
        sys.stdout.buffer.write(encode(body) + b"\n")
        sys.stdout.buffer.flush()

    while line := await reader.readline():
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        if message["method"] == "subscriptions/listen":
            say(brain.acknowledgement(message))
        elif is_slow(message):
            loop.call_later(SLOW, lambda slow=message: say(brain.reply(slow)))
        else:
            for body in (*brain.progress(message), brain.reply(message)):
                say(body)


def main(transport: str, *words: str) -> None:
    brain = Brain(words[-1])
    if transport == "stdio":
        asyncio.run(over_stdio(brain))
    else:
        import uvloop

        uvloop.run(over_http(brain, int(words[0])))


if __name__ == "__main__":
    main(*sys.argv[1:])
