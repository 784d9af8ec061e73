"""An issuer of access tokens for one run: its keys over HTTP on loopback, and one token for the caller of the bench."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc import jwt
from joserfc.jwk import ECKey

SUBJECT = "bench"
LASTS = 6 * 3600


def serve() -> tuple[str, Callable[[str], str], Callable[[], None]]:
    """The issuer's URL, a maker of tokens for an audience, and its end."""
    key = ECKey.generate_key("P-256", {"kid": "bench"})
    keys = json.dumps({"keys": [key.as_dict(private=False)]}).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(keys)))
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"

    def token(audience: str) -> str:
        now = int(time.time())
        claims = {
            "iss": url,
            "aud": audience,
            "sub": SUBJECT,
            "client_id": "load",
            "iat": now,
            "exp": now + LASTS,
        }
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "bench"}, claims, key)

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return url, token, stop
