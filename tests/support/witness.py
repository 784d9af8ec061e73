"""A witness as https://c2sp.org/tlog-witness says, over HTTP on loopback: for tests that need one to disagree."""

import base64
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keepgate.audit.checkpoint import EvidenceError, PublicKey
from keepgate.audit.proof import EMPTY, check_consistency

NAME = "witness.test/w1"


class Witness:
    """`logs` are verifier keys by origin; `seen` is size and root by origin. `answer` replaces what it answers."""

    def __init__(self):
        self.logs: dict[str, str] = {}
        self.seen: dict[str, tuple[int, bytes]] = {}
        self.answer: tuple[int, bytes] | None = None
        self._key = Ed25519PrivateKey.generate()
        raw = self._key.public_key().public_bytes_raw()
        self._id = sha256(NAME.encode() + b"\n\x04" + raw).digest()[:4]
        self.vkey = f"{NAME}+{self._id.hex()}+{base64.b64encode(bytes([4]) + raw).decode()}"
        witness = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = (404, b"") if self.path != "/add-checkpoint" else witness.add(body)
                self.send_response(status)
                self.send_header("Content-Type", "text/x.tlog.size" if status == 409 else "text/plain")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, body: bytes) -> tuple[int, bytes]:
        if self.answer is not None:
            return self.answer
        head, _, note = body.partition(b"\n\n")
        first, *lines = head.decode().split("\n")
        old = int(first.removeprefix("old "))
        origin = note.decode().partition("\n")[0]
        if origin not in self.logs:
            return 404, b""
        try:
            checkpoint = PublicKey.parse(self.logs[origin]).verify(note)
        except EvidenceError:
            return 403, b""
        if old > checkpoint.size:
            return 400, b""
        size, root = self.seen.get(origin, (0, EMPTY))
        if old != size or (size == checkpoint.size and root != checkpoint.root):
            return 409, b"%d\n" % size
        try:
            check_consistency(
                (size, root), (checkpoint.size, checkpoint.root), [base64.b64decode(x) for x in lines]
            )
        except EvidenceError:
            return 422, b""
        self.seen[origin] = checkpoint.size, checkpoint.root
        return 200, self.cosign(checkpoint.text(), 1_795_250_000)

    def cosign(self, text: str, time: int) -> bytes:
        signature = self._key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
        encoded = base64.b64encode(self._id + time.to_bytes(8, "big") + signature).decode()
        return f"— {NAME} {encoded}\n".encode()
