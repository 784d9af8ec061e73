"""The watch beside a running keepgate: recorded, told to a signed webhook, answered with a quarantine, kept."""

import asyncio
import base64
import contextlib
import hmac
import json
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.e2e.client import Modern, conversation
from tests.e2e.faults import failed, keepgate, records, texts, wait_until, with_tools
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.start import over_http

SECRET = "a-secret-of-the-webhook"


class Receiver(HTTPServer):
    """Takes what is posted."""

    def __init__(self):
        self.got = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Nothing."""


@contextlib.contextmanager
def receiver():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def signed(headers, body):
    told = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mark = base64.b64encode(hmac.digest(SECRET.encode(), told, sha256)).decode()
    return headers["webhook-signature"] == f"v1,{mark}"


@conversation
async def test_denials_are_told_recorded_and_answered(tmp_path):
    with contextlib.ExitStack() as stack:
        hook = stack.enter_context(receiver())
        server = stack.enter_context(
            over_http(tmp_path, "files", with_tools("read", "write", era="stateless"))
        )
        gate = stack.enter_context(
            gate_before(
                tmp_path,
                [server],
                keys=["ann"],
                access={
                    "roles": {"reader": {"allow": ["files/read"]}},
                    "grants": [{"to": "key:ann", "role": "reader"}],
                },
                alerts={
                    "receivers": {
                        "soc": {
                            "type": "webhook",
                            "url": hook.url,
                            "secret": {"secret": f"file:{tmp_path}/hook"},
                        }
                    },
                    "respond": [
                        {"sign": "repeated_denials", "quarantine": "principal", "severity": "medium"}
                    ],
                },
            )
        )
        (tmp_path / "hook").write_text(SECRET)
        (tmp_path / "hook").chmod(0o600)
        client = await Modern(gate.url, key=gate.keys["ann"]).initialize()
        for _ in range(12):
            assert failed(await client.tool("files_read", {"steps": []})) is False
            await client.call("tools/call", {"name": "files_write", "arguments": {}})
        await asyncio.to_thread(wait_until, lambda: hook.got, "the webhook is told")
        headers, body = hook.got[0]
        told = json.loads(body)
        assert signed(headers, body)
        assert (told["type"], told["data"]["sign"]) == ("alert.raised", "repeated_denials")
        assert told["data"]["subject"] == {"principal": "key:ann"}

        async def stopped():
            answer = await client.tool("files_read", {"steps": []})
            return failed(answer) and "quarantined" in texts(answer)

        for _ in range(200):  # who serves looks four times a second whether something was stopped
            if await stopped():
                break
            await asyncio.sleep(0.05)
        assert await stopped()
        shown = keepgate(tmp_path, "alerts", "list").stdout
        assert "repeated_denials" in shown
        name = told["data"]["id"]
        assert "denials within 5 minutes" in keepgate(tmp_path, "alerts", "show", name).stdout
        keepgate(tmp_path, "alerts", "ack", name)
        assert keepgate(tmp_path, "alerts", "list").stdout == "nothing was raised\n"
        assert "acknowledged" in keepgate(tmp_path, "alerts", "list", "--all", "--format", "json").stdout
    events = [record["method"] for record in records(tmp_path) if record["kind"] == "event"]
    assert events.index("alert.raised") < events.index("quarantine.added")
    assert "alert.untold" not in events


def test_silences_by_the_command_line(tmp_path):
    (tmp_path / "keepgate.yaml").write_text("version: 1\nstate: state\nservers: {}\n")
    assert keepgate(tmp_path, "alerts", "silence", "--for", "1h", "--reason", "x").returncode == 2
    done = keepgate(
        tmp_path, "alerts", "silence", "--for", "7d", "--reason", "a test", "--sign", "rate", "--about", "crm"
    )
    assert done.returncode == 0, done.stderr
    name = done.stdout.split()[1].rstrip(",")
    assert "rate crm  by local:" in keepgate(tmp_path, "alerts", "silences").stdout
    assert keepgate(tmp_path, "alerts", "unsilence", name).returncode == 0
    assert keepgate(tmp_path, "alerts", "silences").stdout == "nothing is silenced\n"
