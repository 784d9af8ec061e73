"""keepgate over TLS with clients that show certificates."""

import contextlib
import ssl

import httpx2
import pytest

from tests.e2e.gate import make_key
from tests.support import processes
from tests.support.certificates import Authority, uri

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "c", "version": "1"},
    },
}
AGENT = "spiffe://example.org/agent"


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("mtls")
    ours, theirs = Authority("ours"), Authority("theirs")
    cert, key = ours.server().write(directory, "server")
    port = processes.free_port()
    config = {
        "version": 1,
        "listen": f"127.0.0.1:{port}",
        "state": str(directory / "state"),
        "tls": {"cert": cert, "key": key, "client_ca": theirs.write(directory, "clients")},
        "identity": {"trust_domains": ["example.org"]},
        "servers": {},
        "access": {
            "roles": {"all": {"allow": ["*/*"]}},
            "grants": [{"to": f"client:{AGENT}", "role": "all"}],
        },
    }
    file = processes.write_config(directory / "keepgate.yaml", config)
    api_key = make_key(file, "cursor")
    with processes.keepgate_serving(directory, config) as (url, _):
        yield directory, url, theirs, ours.write(directory, "ours"), api_key


@contextlib.contextmanager
def client(gate, issued=None):
    directory, _, _, trusted, _ = gate
    context = ssl.create_default_context(cafile=trusted)
    if issued is not None:
        context.load_cert_chain(*issued.write(directory, "client"))
    with httpx2.Client(
        verify=context, timeout=20, headers={"Accept": "application/json, text/event-stream"}
    ) as made:
        yield made


def test_a_workload_opens_by_its_certificate_and_its_session_is_its_own(gate):
    _, url, authority, _, key = gate
    with client(gate, authority.issue(uri(AGENT))) as agent:
        opened = agent.post(url, json=HELLO)
        assert opened.status_code == 200, opened.text
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        assert agent.post(url, json=ping, headers=session).status_code == 200
        with client(gate, authority.issue(uri(AGENT + "-2"))) as other:
            assert other.post(url, json=ping, headers=session).status_code == 404
        # The very same head on a connection without a certificate is nobody's.
        with client(gate) as nobody:
            assert nobody.post(url, json=ping, headers=session).status_code == 401
        # What stands in Authorization says who it is, and is not made up for by the certificate.
        wrong = {"Authorization": f"Bearer {key[:-1]}x"}
        assert agent.post(url, json=HELLO, headers=wrong).status_code == 401
        assert (
            agent.post(url, json=ping, headers={**session, "Authorization": f"Bearer {key}"}).status_code
            == 404
        )


def test_without_a_certificate_a_key_opens_and_nothing_does_not(gate):
    _, url, _, _, key = gate
    with client(gate) as plain:
        assert plain.post(url, json=HELLO).status_code == 401
        assert plain.post(url, json=HELLO, headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_a_certificate_of_another_trust_domain_is_nobody(gate):
    _, url, authority, _, _ = gate
    with client(gate, authority.issue(uri("spiffe://other.org/agent"))) as stranger:
        assert stranger.post(url, json=HELLO).status_code == 401


def test_a_certificate_of_another_authority_does_not_even_connect(gate):
    _, url, _, _, _ = gate
    with client(gate, Authority("theirs").issue(uri(AGENT))) as forger, pytest.raises(httpx2.HTTPError):
        forger.post(url, json=HELLO)
