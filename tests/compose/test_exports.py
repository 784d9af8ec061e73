"""Events passed on to real receivers on loopback: none lost, in order, over outages and restarts of both sides."""

import base64
import hmac
import json
import os
import socket
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from keepgate import config
from keepgate.compose.exports import Exporter, exporters, sender
from keepgate.model.errors import KeepgateError, UpstreamError
from keepgate.stores.audit import Pace, load_kek, open_log
from tests.audit.made import ENTRY, entry
from tests.support.certificates import Authority

SECRET = "0123456789abcdef-webhook"


class HttpReceiver:
    """Keeps what is posted. `statuses` are answered in turn before it takes anything."""

    def __init__(self, port=0):
        self.bodies: list[tuple[dict, bytes]] = []
        self.statuses: list[int] = []
        self.refuse = b"\0never"
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                if status == 200 and receiver.refuse in body:
                    status = 400
                if status == 200:
                    receiver.bodies.append((dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/in"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class SyslogReceiver:
    """RFC 5425 over TLS. `reset` connections are broken off after some bytes, without having been read."""

    def __init__(self, cert, key, reset=0):
        self.messages: list[bytes] = []
        self.reset = reset
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._context = context
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(plain, server_side=True) as connection:
                    if self.reset:
                        self.reset -= 1
                        connection.recv(10)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                        continue
                    data = b""
                    while more := connection.recv(65536):
                        data += more
                    self.messages += self._split(data)
                    connection.unwrap()
            except OSError:
                continue

    @staticmethod
    def _split(data):
        while data:
            length, _, rest = data.partition(b" ")
            yield rest[: int(length)]
            data = rest[int(length) :]

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.delenv("KEEPGATE_KEY", raising=False)
    return tmp_path / "state"


@pytest.fixture
def log(state):
    made = open_log(state, load_kek(state, os.environ), pace=Pace(segment_bytes=20_000))
    yield made
    made.close()


@contextmanager
def closing(receiver):
    try:
        yield receiver
    finally:
        receiver.close()


def resolve(secret):
    assert secret.name == "KEY"
    return SECRET


def export(kind, url, tmp_path, **more):
    given = "".join(f", {key}: {value}" for key, value in more.items())
    secret = ', secret: {secret: "env:KEY"}' if kind == "webhook" else ""
    path = tmp_path / "keepgate.yaml"
    path.write_text(
        f"version: 1\nstate: state\naudit: {{exports: {{x: {{kind: {kind}, url: '{url}'{secret}{given}}}}}}}\n"
    )
    return config.load(path, env=os.environ)


def made(settings, state, said=None) -> Exporter:
    given = settings.audit.exports["x"]
    return Exporter(
        "x", given.format, state, sender(given, resolve), (said if said is not None else []).append
    )


def server_certificate(authority, directory):
    return *authority.server().write(directory, "server"), authority.write(directory, "ca")


def all_of(exporter):
    while exporter.turn():
        pass


def hooked(receiver) -> list[int]:
    return [event["seq"] for _, body in receiver.bodies for event in json.loads(body)["data"]["events"]]


def test_a_webhook_gets_every_event_once_and_can_check_the_signature(log, state, tmp_path):
    with closing(HttpReceiver()) as receiver:
        exporter = made(export("webhook", receiver.url, tmp_path), state)
        for number in range(450):
            log.append(ENTRY._replace(size=number))
        all_of(exporter)
        assert hooked(receiver) == list(range(450))
        log.append(entry(name="later"))
        all_of(exporter)
        assert hooked(receiver) == list(range(451))
    headers, body = receiver.bodies[0]
    told = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(SECRET.encode(), told, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(body)["data"]["events"][0]["principal"] == "key:cursor"


def test_none_is_lost_over_outages_and_restarts_of_both(log, state, tmp_path):
    said = []
    with closing(HttpReceiver()) as receiver:
        port = int(receiver.url.rpartition(":")[2].partition("/")[0])
        settings = export("webhook", receiver.url, tmp_path)
        for _ in range(30):
            log.append(ENTRY)
        receiver.statuses = [503, 200, 429]
        exporter = made(settings, state, said)
        with pytest.raises(UpstreamError):
            exporter.turn()
        all_of(exporter)
        assert hooked(receiver) == list(range(30))
        for _ in range(30):
            log.append(ENTRY)
    with pytest.raises(KeepgateError):  # the receiver is away
        made(settings, state).turn()
    with closing(HttpReceiver(port)) as again:
        all_of(made(settings, state))  # and so was the exporter
        assert hooked(again) == list(range(30, 60))


def test_what_arrived_but_was_not_noted_is_sent_again_rather_than_lost(log, state, tmp_path, monkeypatch):
    with closing(HttpReceiver()) as receiver:
        settings = export("webhook", receiver.url, tmp_path)
        for _ in range(5):
            log.append(ENTRY)
        exporter = made(settings, state)
        monkeypatch.setattr(
            exporter._follower, "passed", lambda *_: (_ for _ in ()).throw(OSError("disk full"))
        )
        with pytest.raises(OSError, match="disk full"):
            exporter.turn()
        all_of(made(settings, state))
        assert hooked(receiver) == [0, 1, 2, 3, 4] * 2
        assert receiver.bodies[0][0]["webhook-id"] == receiver.bodies[1][0]["webhook-id"]  # it can tell


def test_a_record_that_is_refused_does_not_stop_those_after_it(log, state, tmp_path):
    said = []
    with closing(HttpReceiver()) as receiver:
        receiver.refuse = b"POISON"
        exporter = made(export("webhook", receiver.url, tmp_path), state, said)
        for number in range(6):
            log.append(entry(name="POISON" if number == 3 else "fine"))
        all_of(exporter)
        assert hooked(receiver) == [0, 1, 2, 4, 5]
        assert len(said) == 1
        assert f"{log.writer}/3" in said[0]


@pytest.mark.parametrize(
    "line", [b"[]", b"x", b"{}", b'{"principal":"","time":3}', b'{"principal":[],"time":""}']
)
@pytest.mark.parametrize("form", ["json", "ocsf", "cef"])
def test_a_line_that_was_tampered_with_does_not_silence_what_follows_it(log, state, tmp_path, line, form):
    said = []
    for _ in range(3):
        log.append(ENTRY)
    log.close()
    (path,) = log.directory.glob("*.log")
    lines = path.read_bytes().split(b"\n")
    lines[2] = line
    path.write_bytes(b"\n".join(lines))
    with closing(HttpReceiver()) as receiver:
        all_of(made(export("webhook", receiver.url, tmp_path, format=form), state, said))
        ((_, body),) = receiver.bodies
        assert len(json.loads(body)["data"]["events"]) == 2
    assert "is no record" in said[0]


def test_a_receiver_that_refuses_everything_loses_nothing(log, state, tmp_path):
    with closing(HttpReceiver()) as receiver:
        receiver.refuse = b""
        exporter = made(export("webhook", receiver.url, tmp_path), state)
        for _ in range(3):
            log.append(ENTRY)
        for _ in range(2):
            with pytest.raises(UpstreamError):
                exporter.turn()
        receiver.refuse = b"\0never"
        all_of(exporter)
        assert hooked(receiver) == [0, 1, 2]


def test_an_otlp_receiver_gets_every_event(log, state, tmp_path):
    with closing(HttpReceiver()) as receiver:
        for number in range(250):
            log.append(ENTRY._replace(size=number))
        receiver.statuses = [503]
        exporter = made(export("otlp", receiver.url, tmp_path, format="ocsf"), state)
        with pytest.raises(UpstreamError):
            exporter.turn()
        all_of(exporter)
    found = [
        json.loads(record.body.string_value)["metadata"]["sequence"]
        for _, body in receiver.bodies
        for resource in Parse(body.decode(), ExportLogsServiceRequest()).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
    assert found == list(range(250))


def test_a_syslog_receiver_gets_every_event_and_a_broken_connection_loses_none(log, state, tmp_path):
    cert, key, ca = server_certificate(Authority("ca"), tmp_path)
    with closing(SyslogReceiver(cert, key, reset=2)) as receiver:
        for _ in range(450):
            log.append(ENTRY)
        settings = export("syslog", f"tls://localhost:{receiver.port}", tmp_path, format="cef", ca=ca)
        exporter = made(settings, state)
        for _ in range(2):
            with pytest.raises(UpstreamError):
                exporter.turn()
        all_of(exporter)
    found = [
        int(message.partition(b"externalId=")[2].split(b" ")[0].split(b"/")[1])
        for message in receiver.messages
    ]
    assert found == list(range(450))
    assert receiver.messages[0].startswith(b"<110>1 2026-11-21T08:33:20.123456Z ")


def test_syslog_goes_to_nobody_without_a_trusted_certificate(log, state, tmp_path):
    cert, key, _ = server_certificate(Authority("other"), tmp_path)
    (tmp_path / "more").mkdir()
    _, _, ca = server_certificate(Authority("ours"), tmp_path / "more")
    with closing(SyslogReceiver(cert, key)) as receiver:
        log.append(ENTRY)
        settings = export("syslog", f"tls://localhost:{receiver.port}", tmp_path, ca=ca)
        with pytest.raises(UpstreamError, match="not trusted"):
            made(settings, state).turn()
    assert receiver.messages == []


@pytest.mark.parametrize(
    "text",
    [
        "{kind: syslog, url: 'https://x/y'}",
        "{kind: syslog, url: 'tls://x'}",
        "{kind: webhook, url: 'https://x/y'}",
        "{kind: otlp, url: 'tls://x:1'}",
        "{kind: otlp, url: 'http://example.com/v1/logs'}",
        "{kind: otlp, url: 'https://x/y', secret: {secret: 'env:KEY'}}",
        "{kind: smoke, url: 'https://x/y'}",
    ],
)
def test_what_would_leak_or_cannot_be_checked_is_refused(text, tmp_path):
    path = tmp_path / "keepgate.yaml"
    path.write_text(f"version: 1\naudit: {{exports: {{x: {text}}}}}\n")
    with pytest.raises(KeepgateError):
        config.load(path, env=os.environ)


def test_a_damaged_note_is_an_error_and_no_new_beginning(log, state, tmp_path):
    settings = export("webhook", "http://127.0.0.1:9/in", tmp_path)
    (state / "exports").mkdir()
    (state / "exports" / "x.json").write_text("{")
    with pytest.raises(KeepgateError, match="damaged"):
        exporters(settings, lambda _: None)
