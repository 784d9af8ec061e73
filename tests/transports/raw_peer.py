"""An HTTP server on the test's own loop that answers with exactly the bytes it is told to, well-formed or not."""

import asyncio
import socket
import struct
from dataclasses import dataclass

from tests.transports.upstreams import at_end


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict
    body: bytes
    connection: int
    """Which connection it came on, counted from 1."""


class Wire:
    """The server's end of a connection, for an answer in pieces."""

    def __init__(self, reader, writer, number):
        self.reader, self.writer, self.number = reader, writer, number

    async def send(self, data):
        """Write and let the other side read."""
        self.writer.write(data)
        await self.writer.drain()

    async def read(self):
        """The next request, or None."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, version = first.split(" ")
        assert version == "HTTP/1.1"
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Asked(method, target, headers, body, self.number)

    async def gone(self):
        """Until the client has closed its end."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            return

    def reset(self):
        """Close with RST."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


class Peer:
    """`answer(asked, wire)` returns the bytes of an answer, or None if it has written or closed by itself."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        self.connections = 0
        self.heard = asyncio.Condition()
        self._tasks = set()

    async def start(self, tls=None):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=tls, limit=1 << 22)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/mcp"
        at_end(self._close)
        return self

    async def _close(self):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        wire = Wire(reader, writer, self.connections)
        try:
            while (asked := await wire.read()) is not None:
                self.asked.append(asked)
                async with self.heard:
                    self.heard.notify_all()
                given = await self.answer(asked, wire)
                if given is not None:
                    await wire.send(given)
                if writer.is_closing():
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def until_asked(self, number):
        """Until so many requests have arrived."""
        async with self.heard, asyncio.timeout(10):
            await self.heard.wait_for(lambda: len(self.asked) >= number)


async def peer(answer, tls=None):
    """A running Peer, closed when the test ends. `answer` may also be a list of answers, one a request."""
    if isinstance(answer, bytes):
        answer = [answer] * 1000
    if isinstance(answer, list):
        answers = iter(answer)

        async def answer(asked, wire):
            found = next(answers)
            return await found(asked, wire) if callable(found) else found

    return await Peer(answer).start(tls)


REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 404: "Not Found"}


def reply(status=200, body=b"", media="application/json", **headers):
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Other')}"]
    if media:
        lines.append(f"Content-Type: {media}")
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunk(data):
    """One chunk of a chunked body; nothing is the end."""
    return b"%x\r\n%b\r\n" % (len(data), data)


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
