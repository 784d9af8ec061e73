"""Wrapping by a service: a real server on loopback that speaks the transit API."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.fernet import Fernet

from keepgate import compose, config
from keepgate.model.errors import LocalError
from tests.support.processes import write_config


class Transit(BaseHTTPRequestHandler):
    """`encrypt` and `decrypt` of one key, for who has the token."""

    fernet = Fernet(Fernet.generate_key())
    asked: list = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, dict(self.headers), body))
        if self.headers["x-vault-token"] != "hvs.token" or self.headers["content-type"] != "application/json":
            return self.answer(403, {"errors": ["permission denied"]})
        if self.path == "/v1/transit/encrypt/gate":
            sealed = self.fernet.encrypt(base64.b64decode(body["plaintext"])).decode()
            return self.answer(200, {"data": {"ciphertext": f"vault:v1:{sealed}", "key_version": 1}})
        if self.path == "/v1/transit/decrypt/gate":
            plain = self.fernet.decrypt(body["ciphertext"].removeprefix("vault:v1:").encode())
            return self.answer(200, {"data": {"plaintext": base64.b64encode(plain).decode()}})
        return self.answer(404, {"errors": []})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def service():
    Transit.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Transit)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings(tmp_path, url, monkeypatch, token="hvs.token", **kms):
    monkeypatch.setenv("VAULT_TOKEN", token)
    given = {"url": url, "key": "gate", "token": {"secret": "env:VAULT_TOKEN"}, **kms}
    file = write_config(tmp_path / "keepgate.yaml", {"version": 1, "state": "state", "vault": {"kms": given}})
    return config.load(file, env={"HOME": str(tmp_path)})


def test_the_key_of_the_vault_is_wrapped_there_and_nothing_else_is_sent(service, tmp_path, monkeypatch):
    made = settings(tmp_path, service, monkeypatch, namespace="team/a")
    compose.secret_store(made).put({"a": "s3cr3t-value"})
    assert compose.secret_store(made).get("a") == "s3cr3t-value"
    assert [path for path, _, _ in Transit.asked] == [
        "/v1/transit/encrypt/gate",
        "/v1/transit/decrypt/gate",
    ] * 1 + ["/v1/transit/decrypt/gate"] * (len(Transit.asked) - 2)
    assert Transit.asked[0][1]["X-Vault-Namespace"] == "team/a"
    assert "s3cr3t-value" not in str(Transit.asked)
    assert b"vault:v1:" in (made.state / "vault" / "vault.key").read_bytes()


def test_it_is_asked_once_and_not_for_every_secret(service, tmp_path, monkeypatch):
    made = settings(tmp_path, service, monkeypatch)
    compose.secret_store(made).put({"a": "1", "b": "2"})
    Transit.asked.clear()
    resolve = compose.resolver(made)
    assert [resolve(config.Secret("store", name)) for name in ("a", "b", "a")] == ["1", "2", "1"]
    assert len(Transit.asked) == 1


@pytest.mark.parametrize("kms", [{"key": "other"}, {"mount": "elsewhere"}])
def test_a_service_that_refuses_is_said_and_nothing_is_written(service, tmp_path, monkeypatch, kms):
    made = settings(tmp_path, service, monkeypatch, **kms)
    with pytest.raises(LocalError, match="key management service"):
        compose.secret_store(made).put({"a": "s3cr3t"})
    assert not (made.state / "vault" / "secrets.sealed").exists()


def test_a_wrong_token_does_not_open_and_stands_in_no_error(service, tmp_path, monkeypatch):
    compose.secret_store(settings(tmp_path, service, monkeypatch)).put({"a": "s3cr3t"})
    wrong = settings(tmp_path, service, monkeypatch, token="hvs.wr0ng")
    with pytest.raises(LocalError, match="status 403") as caught:
        compose.secret_store(wrong).get("a")
    assert "wr0ng" not in str(caught.value)


def test_a_service_that_is_gone_is_said(tmp_path, monkeypatch):
    made = settings(tmp_path, "http://127.0.0.1:9", monkeypatch)
    with pytest.raises(LocalError, match="cannot connect"):
        compose.secret_store(made).put({"a": "s3cr3t"})


def test_a_vault_moves_from_the_master_key_to_the_service_by_rotation(service, tmp_path, monkeypatch):
    plain = write_config(tmp_path / "plain.yaml", {"version": 1, "state": "state"})
    before = config.load(plain, env={"HOME": str(tmp_path)})
    compose.secret_store(before).put({"a": "s3cr3t"})
    made = settings(tmp_path, service, monkeypatch)
    compose.rotate(made)
    assert compose.secret_store(made).get("a") == "s3cr3t"
    with pytest.raises(LocalError, match="wrapped by another key"):
        compose.secret_store(before).get("a")
