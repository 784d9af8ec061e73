"""A server that says hostile things: `spewer.py stdio|http PORT SEED COUNT`.

Every call of its tool `act` with `{"from": n, "count": m, "how": ...}` says the strings n to n + m of the corpus, then
the proper reply (unless a string already was one). `how` over HTTP: `body` (instead of the reply), `events` (before it,
in an event stream), `head` (instead of the HTTP answer). Only the standard library.
"""

import json
import os
import socketserver
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import hostile

HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "s", "version": "1"},
}
TOOLS = {"tools": [{"name": "act", "inputSchema": {"type": "object"}}]}
DONE = {"content": [{"type": "text", "text": "done"}]}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"


def proper(message):
    known = {"initialize": HELLO, "tools/list": TOOLS, "tools/call": DONE}.get(message["method"])
    outcome = (
        {"error": {"code": -32601, "message": "Method not found"}} if known is None else {"result": known}
    )
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], **outcome}).encode()


class Corpus:
    def __init__(self, seed, count):
        self.strings = list(hostile.strings(seed, count, hostile.REPLIES))

    def of(self, message):
        """The strings that a call asks for, and how to say them."""
        arguments = (
            message.get("params", {}).get("arguments", {}) if message["method"] == "tools/call" else {}
        )
        start = arguments.get("from", 0)
        found = self.strings[start : start + arguments.get("count", 0)]
        return [text.replace(b'"$id"', str(message["id"]).encode()) for text in found], arguments.get("how")


def over_stdio(corpus):
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "id" in message and "method" in message:
            said, _ = corpus.of(message)
            sys.stdout.buffer.write(b"\n".join([*said, proper(message), b""]))
            sys.stdout.buffer.flush()


class Http(socketserver.StreamRequestHandler):
    corpus: Corpus

    def handle(self):
        while self.one():
            pass

    def one(self):
        first, headers = self.rfile.readline(), {}
        while (line := self.rfile.readline().strip()) and first:
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if not first:
            return False
        body = self.rfile.read(int(headers.get(b"content-length", 0)))
        message = json.loads(body) if body else {}
        if "id" not in message or "method" not in message:
            status = b"202 Accepted" if first.startswith(b"POST") else b"405 Method Not Allowed"
            self.wfile.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status)
            return True
        said, how = self.corpus.of(message)
        return self.say(said, how, proper(message))

    def say(self, said, how, reply):
        if how == "head" and said:
            self.wfile.write(said[0] if said[0][:1] != b"{" else b"HTTP/1.1 " + said[0])
            return False
        if how == "events":
            text = b"".join(b"data: %b\n\n" % line for line in [*said, reply])
            self.wfile.write(HEAD % (b"text/event-stream", len(text)) + text)
        else:
            text = said[0] if said else reply
            self.wfile.write(HEAD % (b"application/json", len(text)) + text)
        return True


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def main(transport, port, seed, count):
    corpus = Corpus(int(seed), int(count))
    if transport == "stdio":
        over_stdio(corpus)
        return
    Http.corpus = corpus
    with Server(("127.0.0.1", int(port)), Http) as server:
        print("ready", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
