"""A server in a thread of its own, and a client that says exactly the bytes it is told to."""

import asyncio
import contextlib
import json
import queue
import socket
import ssl
import threading
from dataclasses import dataclass, field

import uvloop

from keepgate.transports.serve import Server

PATIENCE = 10.0
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Endpoint:
    """Echoes; `/mcp/later` and `/mcp/stream` leave the answer to the test, `/mcp/fail` breaks its promise."""

    def __init__(self):
        self.requests = []
        self.held = queue.Queue()
        self.gone = queue.Queue()

    def handle(self, request, responder):
        self.requests.append(request)
        if request.path == "/mcp/later":
            responder.on_disconnect(lambda: self.gone.put(request))
            self.held.put(responder)
        elif request.path == "/mcp/stream":
            responder.on_disconnect(lambda: self.gone.put(request))
            self.held.put(responder.start_stream({"mcp-session-id": "s"}))
        elif request.path == "/mcp/brief":
            stream = responder.start_stream({})
            stream.send(b"1")
            stream.close()
        elif request.path == "/mcp/fail":
            raise ValueError("as told")
        elif request.path == "/mcp/inject":
            responder.respond(200, {"x": "a\r\nset-cookie: b"}, b"")
        elif request.path == "/mcp/twice":
            responder.respond(200, {}, b"once")
            responder.respond(200, {}, b"twice")
        elif request.path == "/mcp/big":
            responder.respond(200, {}, b"x" * int(request.query))
        else:
            echo = {"method": request.method, "path": request.path, "query": request.query}
            echo |= {"headers": dict(request.headers), "body": request.body.decode("latin-1")}
            echo |= {"peer": request.peer, "secure": request.secure}
            responder.respond(200, {"content-type": "application/json"}, json.dumps(echo).encode())


async def web(scope, receive, send):
    """The ASGI lane: echoes as well; `/wait` answers when the client has gone."""
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    first = await receive()
    if scope["path"] == "/wait":
        assert (await receive())["type"] == "http.disconnect"
        web.gone.put(scope["path"])
        return
    body = json.dumps({"lane": "asgi", "path": scope["path"], "body": first["body"].decode()}).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


web.gone = queue.Queue()


@dataclass
class Running:
    """A server under test."""

    endpoint: Endpoint
    loop: asyncio.AbstractEventLoop
    server: Server
    url: str
    failures: list = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    def call(self, function, *args):
        """Run a function on the server's loop and return its result."""

        async def inner():
            return function(*args)

        return asyncio.run_coroutine_threadsafe(inner(), self.loop).result(PATIENCE)

    def stop(self, times=1):
        self.loop.call_soon_threadsafe(lambda: [self.server.stop() for _ in range(times)])

    def connect(self, context=None):
        return Client(self.port, context)

    def turn(self):
        """Return when the server has seen everything that was sent before."""
        with self.connect() as other:
            assert other.ask("/turn")[0] == 200


@contextlib.contextmanager
def serving(loop="asyncio", endpoint=None, asgi=web, **options):
    """A running server; unhandled exceptions on its loop fail the test."""
    endpoint = endpoint or Endpoint()
    ready = queue.Queue()
    failures, done = [], threading.Event()

    async def main(server):
        running_loop = asyncio.get_running_loop()
        running_loop.set_exception_handler(lambda _, context: failures.append(context))
        await server.run(lambda url: ready.put((running_loop, url)))

    options = {"host": "127.0.0.1", "port": 0, "grace": 0.2} | options
    server = Server(endpoint, asgi, is_fast=lambda p: p == "/mcp" or p.startswith("/mcp/"), **options)

    def run():
        try:
            with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
                runner.run(main(server))
        except BaseException as error:
            ready.put(error)
        finally:
            done.set()

    thread = threading.Thread(target=run)
    thread.start()
    outcome = ready.get(timeout=PATIENCE)
    if isinstance(outcome, BaseException):
        thread.join(PATIENCE)
        raise outcome
    running = Running(endpoint, outcome[0], server, outcome[1], failures, done)
    try:
        yield running
    finally:
        if not done.is_set():
            running.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the server did not stop"
    assert not failures, failures


class Client:
    """A socket that reads responses."""

    def __init__(self, port, context=None, timeout=PATIENCE):
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            try:
                self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
            except OSError:
                self.socket.close()
                raise
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, path="/mcp", body=b"{}", method="POST", headers="", version="1.1"):
        """The bytes of an ordinary request."""
        head = f"{method} {path} HTTP/{version}\r\nHost: localhost:{self.port}\r\n{headers}"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def ask(self, path="/mcp", body=b"{}", method="POST", headers="", version="1.1"):
        self.send(self.request(path, body, method, headers, version))
        return self.answer(head_only=method == "HEAD")

    def more(self):
        """Receive something; False at the end."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            data = b""
        self.buffer += data
        return bool(data)

    def until(self, mark):
        """What comes up to and with `mark`."""
        while mark not in self.buffer:
            assert self.more(), f"the connection ended before {mark!r}: {self.buffer!r}"
        found, _, self.buffer = self.buffer.partition(mark)
        return found + mark

    def exactly(self, count):
        while len(self.buffer) < count:
            assert self.more(), f"the connection ended before {count} bytes: {self.buffer!r}"
        found, self.buffer = self.buffer[:count], self.buffer[count:]
        return found

    def head(self):
        """Status and headers of the next response."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:-2])
        assert len(headers) == len(lines) - 3, "a response header was repeated"
        return int(lines[0].split(" ")[1]), headers

    def answer(self, *, head_only=False):
        """Status, headers and body of the next response with a length."""
        status, headers = self.head()
        length = 0 if head_only else int(headers.get("content-length", 0))
        return status, headers, self.exactly(length)

    def chunk(self):
        """The next chunk of a response; empty at the end of the body."""
        size = int(self.until(b"\r\n"), 16)
        data = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return data

    def rest(self):
        """Everything until the server closes."""
        while self.more():
            pass
        found, self.buffer = self.buffer, b""
        return found
