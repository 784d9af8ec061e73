"""An administrator logs in at a real provider, which is asked for a second factor."""

import contextlib
import sys
from urllib.parse import urljoin

import httpx2

from tests.oidc.conftest import MEMORY, config
from tests.oidc.provider import providing, write_keys
from tests.support import processes
from tests.support.peers import NODE, need

API = "/admin/api/v1"


def test_an_administrator_logs_in_at_the_provider_with_a_second_factor(tmp_path):
    need(NODE, MEMORY)
    issuer_port, port = processes.free_port(), processes.free_port()
    write_keys(tmp_path / "keys.json", "first")
    origin = f"http://localhost:{port}"
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(providing(tmp_path, issuer_port, tmp_path / "keys.json"))
        client = {
            "redirect_uris": [f"{origin}/admin/oidc/callback"],
            "grant_types": ["authorization_code"],
            "application_type": "native",
        }
        known = provider.browser.post(f"{provider.issuer}/reg", json=client).json()
        login = {
            "issuer": "op",
            "client_id": known["client_id"],
            "client_secret": {"secret": "env:ADMIN_SECRET"},
            "acr": ["urn:mfa"],
            "grants": [{"to": "user:alice", "roles": ["operator"]}],
        }
        made = {**config(port, tmp_path, provider.issuer), "admin": {"login": login}}
        file = processes.write_config(tmp_path / "keepgate.yaml", made)
        env = {**processes.clean_env(tmp_path), "OP_SECRET": "x", "ADMIN_SECRET": known["client_secret"]}
        command = [sys.executable, "-m", "keepgate", "serve", "--config", str(file)]
        stack.enter_context(processes.running(command, tmp_path / "keepgate.log", env=env)).wait_for_line(
            "ready: "
        )
        browser = stack.enter_context(httpx2.Client(timeout=30))
        assert browser.get(f"{origin}{API}/login").json() == {"elsewhere": "/admin/oidc"}
        url = f"{origin}/admin/oidc"
        for _ in range(12):
            answer = browser.get(url)
            if answer.status_code == 200:
                break
            assert answer.status_code in (302, 303), answer.text
            url = urljoin(url, answer.headers["location"])
        assert url.startswith(f"{origin}/admin/oidc/callback")
        me = browser.get(f"{origin}{API}/this").json()
        assert (me["name"], me["roles"], me["second_factor"]) == ("op/alice", ["operator"], True)
        headers = {"Origin": origin, "X-Keepgate-CSRF": me["csrf"]}
        made = browser.post(f"{origin}{API}/keys", json={"name": "by-oidc"}, headers=headers)
        assert made.status_code == 201, made.text
        assert (
            browser.post(f"{origin}{API}/keys", json={"name": "x"}, headers={"Origin": origin}).status_code
            == 403
        )
        assert browser.get(f"{origin}{API}/administrators").status_code == 403
