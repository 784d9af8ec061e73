"""A server of ours on Streamable HTTP: one path, `/mcp`. Enough HTTP/1.1 to be talked to, and no more."""

import asyncio
import contextlib
import json
import secrets
from typing import Any

from tests.e2e.upstreams.brain import Brain, Ears
from tests.e2e.upstreams.record import Recorder

Headers = list[tuple[str, str]]
STATUS = {  # stateless era
    -32601: 404,
    -32020: 400,
    -32021: 400,
    -32022: 400,
}


class Wire:
    """One connection: whole requests in, and the news that the client is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.ahead = b""

    async def request(self) -> tuple[str, str, Headers, bytes] | None:
        """Method, path, headers as they stood, body; None at the end."""
        data, self.ahead = self.ahead, b""
        while b"\r\n\r\n" not in data:
            more = await self.reader.read(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = [
            (name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)
        ]
        length = int(dict(headers).get("content-length", 0))
        while len(body) < length:
            more = await self.reader.read(65536)
            if not more:
                return None
            body += more
        body, self.ahead = body[:length], body[length:]
        method, path, _ = first.split(" ")
        return method, path, headers, body

    async def gone(self) -> None:
        """Until the client closes; what it sends before is kept."""
        while True:
            more = await self.reader.read(65536)
            if not more:
                return
            self.ahead += more

    async def respond(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        await self.write(head(status, {**headers, "Content-Length": str(len(body))}) + body)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def encoded(message: Any) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")


class HttpVoice:
    """The answer to one POST: one JSON body, or a stream once something goes ahead of the reply."""

    def __init__(self, wire: Wire, headers: dict[str, str], *, stream: bool) -> None:
        self.connection = wire
        self.headers = headers
        self.stream = stream
        self.begun = False
        self.ended = False

    async def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            kind = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
            await self.connection.write(head(200, {**self.headers, **kind}))

    async def send(self, message: Any) -> None:
        await self.wire(encoded(message))

    async def wire(self, data: bytes) -> None:
        await self._begin()
        await self.connection.write(chunk(b"data: " + data + b"\n\n"))

    async def raw(self, data: bytes) -> None:
        await self._begin()
        for at in range(0, len(data), 7):  # in pieces that respect nothing
            await self.connection.write(chunk(data[at : at + 7]))

    async def reply(self, message: Any) -> None:
        if self.ended:
            return
        if self.begun or self.stream:
            await self.send(message)
            await self.hang_up()
            return
        self.ended = True
        code = message.get("error", {}).get("code")
        status = 200 if "Mcp-Session-Id" in self.headers else STATUS.get(code, 200)
        kind = {"Content-Type": "application/json"}
        await self.connection.respond(status, {**self.headers, **kind}, encoded(message))

    async def hang_up(self) -> None:
        await self._begin()
        if not self.ended:
            self.ended = True
            await self.connection.write(chunk(b""))


class Session(Ears):
    """A handshake session: what nobody listens to waits until somebody does."""

    def __init__(self) -> None:
        super().__init__()
        self.id = secrets.token_hex(16)
        self.waiting: list[Any] = []
        self.standing: Wire | None = None
        self.push = self._push

    async def _push(self, message: Any) -> None:
        if self.standing is None:
            self.waiting.append(message)
        else:
            await self.standing.write(chunk(b"data: " + encoded(message) + b"\n\n"))

    async def stand(self, wire: Wire) -> None:
        kind = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
        await wire.write(head(200, {"Mcp-Session-Id": self.id, **kind}))
        self.standing = wire
        waiting, self.waiting = self.waiting, []
        for message in waiting:
            await self._push(message)
        await wire.gone()
        self.standing = None


class Server:
    """All connections of one server."""

    def __init__(self, brain: Brain, recorder: Recorder) -> None:
        self.brain = brain
        self.recorder = recorder
        self.sessions: dict[str, Session] = {}
        self.everybody = Ears()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        try:
            while (got := await wire.request()) is not None:
                method, path, headers, body = got
                self.recorder.note("http", method=method, path=path, headers=headers, body=body)
                if not await self.exchange(wire, method, path, dict(headers), body):
                    return
        except ConnectionError:
            return
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def exchange(
        self, wire: Wire, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> bool:
        """Serve one request; False if the connection is over."""
        if path != "/mcp":
            await wire.respond(404, {})
        elif self.brain.stateless and method != "POST":
            await wire.respond(405, {})
        elif method == "DELETE":
            self.sessions.pop(headers.get("mcp-session-id", ""), None)
            await wire.respond(200, {})
        elif method == "GET":
            session = self.sessions.get(headers.get("mcp-session-id", ""))
            if session is not None:
                await session.stand(wire)
                return False
            await wire.respond(404, {})
        else:
            return await self.post(wire, headers, json.loads(body))
        return True

    async def post(self, wire: Wire, headers: dict[str, str], message: Any) -> bool:
        ears: Ears = self.everybody
        extra: dict[str, str] = {}
        if not self.brain.stateless:
            if message.get("method") == "initialize":
                session = Session()
                self.sessions[session.id] = session
            else:
                found = self.sessions.get(headers.get("mcp-session-id", ""))
                if found is None:
                    await wire.respond(404 if "mcp-session-id" in headers else 400, {})
                    return True
                session = found
            ears, extra = session, {"Mcp-Session-Id": session.id}
        if "id" not in message or "method" not in message:
            await self.brain.take(message, ears, None)
            await wire.respond(202, {})
            return True
        error = self.brain.refuses(headers, message)
        if error is not None:
            await HttpVoice(wire, extra, stream=False).reply(
                {"jsonrpc": "2.0", "id": message["id"], "error": error}
            )
            return True
        return await self.answer(wire, message, ears, extra)

    async def answer(self, wire: Wire, message: Any, ears: Ears, extra: dict[str, str]) -> bool:
        voice = HttpVoice(wire, extra, stream=self.brain.table.stream)
        work = asyncio.ensure_future(self.brain.take(message, ears, voice))
        gone = asyncio.ensure_future(wire.gone())
        await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            self.recorder.note("disconnect", id=message["id"], method=message["method"])
            # Stateless era: that was the cancellation. Before, it is none: the call goes on, its reply is lost.
            if self.brain.stateless:
                work.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await work
            return False
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone
        if not voice.ended:  # a play that ended without a reply
            await voice.hang_up()
        work.result()
        return True


async def serve(brain: Brain, recorder: Recorder, port: int) -> None:
    server = await asyncio.start_server(Server(brain, recorder).connection, "127.0.0.1", port, limit=1 << 24)
    async with server:
        print(f"ready: http://127.0.0.1:{port}/mcp", flush=True)
        await server.serve_forever()
