"""keepgate as the OAuth client of a server that takes tokens of a real provider: another keepgate, which is strict."""

import contextlib
import html
import json
import subprocess
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.e2e.gate import make_key
from tests.oidc.provider import Provider
from tests.support import processes

ACCEPT = {"Accept": "application/json, text/event-stream"}
URL_ELICITATION = {"elicitation": {"form": {}, "url": {}}}


@dataclass
class Outer:
    """The keepgate before the other one."""

    origin: str
    keys: dict[str, str]
    process: processes.Running
    file: object

    @property
    def url(self) -> str:
        return f"{self.origin}/mcp"


@contextlib.contextmanager
def before(directory, world, auth, **identity):
    """A keepgate before the world's, which authorizes itself there so."""
    port = processes.free_port()
    config = {
        "version": 1,
        "listen": f"127.0.0.1:{port}",
        "state": str(directory / "state"),
        "identity": identity,
        "servers": {"inner": {"url": world.url, "auth": auth, "prefix": ""}},
        "access": {
            "roles": {"all": {"allow": ["*/*"]}},
            "grants": [{"to": to, "role": "all"} for to in ("key:cursor", "key:other", "user:alice")],
        },
    }
    if identity.get("issuers"):
        identity["issuers"]["op"]["audience"] = [f"http://127.0.0.1:{port}/mcp"]
    file = processes.write_config(directory / "keepgate.yaml", config)
    keys = {name: make_key(file, name) for name in ("cursor", "other")}
    env = {**processes.clean_env(directory), "EXCHANGER": "exchanger-secret"}
    with processes.running(
        [*processes.KEEPGATE, "serve", "--config", str(file)], directory / "keepgate.log", env=env
    ) as process:
        line = process.wait_for_line("ready: ")
        yield Outer(line.removeprefix("ready: ").split()[0].removesuffix("/mcp"), keys, process, file)


def ask(url, token, method, params=None, capabilities=None, **headers):
    """One request of 2026-07-28; the reply."""
    meta = "io.modelcontextprotocol"
    params = {
        **(params or {}),
        "_meta": {
            f"{meta}/protocolVersion": "2026-07-28",
            f"{meta}/clientInfo": {"name": "c", "version": "1"},
            f"{meta}/clientCapabilities": capabilities or {},
        },
    }
    headers |= {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        "Authorization": f"Bearer {token}",
    }
    if "name" in params:
        headers["Mcp-Name"] = params["name"]
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = httpx2.post(url, json=body, headers={**ACCEPT, **headers}, timeout=30)
    text = answer.text
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        text = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")][-1]
    return json.loads(text)


CALL = {"name": "memory_read_graph", "arguments": {}}


def login_page(reply) -> str:
    """The page that a reply tells its reader to open."""
    return "http" + json.dumps(reply).split("open http", 1)[1].split(" ", 1)[0]


def through(provider: Provider, page: str, key: str) -> httpx2.Response:
    """Be the person with this key, in a browser of its own; keepgate's last page."""
    with httpx2.Client(timeout=30) as browser:
        shown = browser.post(page, data={"key": key})
        if shown.status_code != 200:
            return shown
        there = html.unescape(shown.text.split('href="', 1)[1].split('"', 1)[0])
        assert there.startswith(provider.issuer)
        return browser.get(
            f"{urlsplit(page).scheme}://{urlsplit(page).netloc}/login/callback", params=provider.follow(there)
        )


def tools(reply) -> set[str]:
    return {tool["name"] for tool in reply["result"]["tools"]}


@pytest.fixture(scope="module")
def outer(world, tmp_path_factory):
    with before(tmp_path_factory.mktemp("outer"), world, {"type": "oauth"}) as made:
        yield made


def test_each_user_logs_in_at_the_server_and_nobody_else_by_that(world, outer):
    mine, theirs = outer.keys["cursor"], outer.keys["other"]
    refused = ask(outer.url, mine, "tools/call", CALL)
    assert refused["result"]["isError"] is True
    page = login_page(refused)
    assert page.startswith(f"{outer.origin}/login/")
    assert ask(outer.url, mine, "tools/list")["result"]["tools"] == []

    shown = httpx2.get(page)
    assert "key:cursor is about to be logged in at the server inner" in shown.text
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    done = through(world.provider, page, mine)
    assert (done.status_code, "You are logged in at inner" in done.text) == (200, True)

    assert "memory_read_graph" in tools(ask(outer.url, mine, "tools/list"))
    assert not ask(outer.url, mine, "tools/call", CALL)["result"].get("isError")
    assert ask(outer.url, theirs, "tools/list")["result"]["tools"] == []
    other = ask(outer.url, theirs, "tools/call", CALL)
    assert other["result"]["isError"] is True
    assert login_page(other) != page
    assert httpx2.get(page).status_code == 404  # used


def test_a_login_is_opened_by_its_principal_only(world, outer):
    """Phishing: who gets the URL of another's login must not give its own account away (wire.md section 4)."""
    page = login_page(ask(outer.url, outer.keys["other"], "tools/call", CALL))
    for wrong in (outer.keys["cursor"], "", "kg_wrong"):
        assert through(world.provider, page, wrong).status_code == 403
    command = [*processes.KEEPGATE, "audit", "query", "--config", str(outer.file)]
    said = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=processes.clean_env(outer.file.parent)
    )
    assert "login.refused" in said.stdout
    assert "login.granted" in said.stdout  # by the test before


def test_an_answer_counts_only_in_the_browser_that_began(world, outer):
    key = outer.keys["other"]
    page = login_page(ask(outer.url, key, "tools/call", CALL))
    with httpx2.Client(timeout=30) as browser:
        shown = browser.post(page, data={"key": key})
        there = html.unescape(shown.text.split('href="', 1)[1].split('"', 1)[0])
        answer = world.provider.follow(there)
    callback = f"{outer.origin}/login/callback"
    assert httpx2.get(callback, params=answer).status_code == 400
    assert (
        httpx2.get(callback, params={**answer, "state": "x"}, cookies={"keepgate-login": "x"}).status_code
        == 400
    )


def test_a_client_that_can_is_sent_there_by_url_elicitation(outer):
    key = outer.keys["other"]
    asked = ask(outer.url, key, "tools/call", CALL, URL_ELICITATION)["result"]
    assert asked["resultType"] == "input_required"
    alone = ask(f"{outer.url}/inner", key, "tools/call", CALL, URL_ELICITATION)["result"]
    assert alone["inputRequests"]["dev.keepgate/login"]["params"]["mode"] == "url"
    ((name, request),) = asked["inputRequests"].items()
    assert request["method"] == "elicitation/create"
    assert request["params"]["mode"] == "url"
    assert request["params"]["url"].startswith(f"{outer.origin}/login/")
    again = {**CALL, "inputResponses": {name: {"action": "accept"}}}
    assert (
        ask(outer.url, key, "tools/call", again, URL_ELICITATION)["result"]["resultType"] == "input_required"
    )


def test_a_client_of_the_handshake_era_gets_its_own_error(outer):
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": URL_ELICITATION,
        "clientInfo": {"name": "c", "version": "1"},
    }
    headers = {**ACCEPT, "Authorization": f"Bearer {outer.keys['other']}"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    opened = httpx2.post(outer.url, json=body, headers=headers, timeout=30)
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": CALL}
    error = httpx2.post(outer.url, json=call, headers={**headers, **session}, timeout=30).json()["error"]
    assert error["code"] == -32042
    assert error["data"]["elicitations"][0]["url"].startswith(f"{outer.origin}/login/")


def test_nothing_of_a_login_stands_in_logs_or_files(world, outer, tmp_path_factory):
    directory = outer.process.log.parent
    text = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    assert b"eyJhbGci" not in text  # no token, in any file
    assert b"/login/" not in text.replace(b"/login/callback", b"")  # no ticket either
    assert list((directory / "state" / "vault" / "grants").glob("*.sealed"))


def test_a_server_that_rejects_the_callers_own_token_gets_an_exchanged_one(world, tmp_path):
    """The caller's token is for the gateway. The server behind never sees it, and would refuse it."""
    auth = {
        "type": "token_exchange",
        "issuer": world.provider.issuer,
        "client_id": "exchanger",
        "client_secret": {"secret": "env:EXCHANGER"},
        "resource": world.url,
        "scopes": ["mcp"],
    }
    issuers = {"op": {"url": world.provider.issuer}}
    with before(tmp_path, world, auth, issuers=issuers) as outer:
        token = world.provider.login(outer.url)
        own = httpx2.post(
            world.url, json={}, headers={**ACCEPT, "Authorization": f"Bearer {token}"}, timeout=30
        )
        assert own.status_code == 401
        assert "memory_read_graph" in tools(ask(outer.url, token, "tools/list"))
        assert not ask(outer.url, token, "tools/call", CALL)["result"].get("isError")
        # A caller without a token has none to exchange.
        refused = ask(outer.url, outer.keys["cursor"], "tools/call", CALL)
        assert "a token exchanged for yours, and you came without one" in json.dumps(refused)


def test_a_service_reaches_a_server_as_itself(world, tmp_path):
    auth = {
        "type": "client_credentials",
        "issuer": world.provider.issuer,
        "client_id": "service",
        "client_secret": {"secret": "env:EXCHANGER"},
    }
    with before(tmp_path, world, auth) as outer:  # with a wrong secret
        refused = ask(outer.url, outer.keys["cursor"], "tools/call", CALL)
        assert "invalid_client" in json.dumps(refused)
        assert "exchanger-secret" not in json.dumps(refused) + outer.process.output()


def test_a_user_with_a_token_shows_at_a_browser_whose_it_is(world, tmp_path):
    """Not by the token, which no person has at hand, but by a login at its issuer; then on to the server's login."""
    client = {
        "redirect_uris": ["http://127.0.0.1/login/proof"],
        "grant_types": ["authorization_code"],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
    }
    known = world.provider.browser.post(f"{world.provider.issuer}/reg", json=client).json()["client_id"]
    issuers = {"op": {"url": world.provider.issuer, "login": {"client_id": known}}}
    with before(tmp_path, world, {"type": "oauth"}, issuers=issuers) as outer:
        token = world.provider.login(outer.url)
        page = login_page(ask(outer.url, token, "tools/call", CALL))
        assert page.startswith(f"{outer.origin}/login/")
        with httpx2.Client(timeout=30) as browser, httpx2.Client(timeout=30) as thief:
            shown = browser.post(page)
            assert "First show that you are alice" in shown.text
            back = world.provider.follow(html.unescape(shown.text.split('href="', 1)[1].split('"', 1)[0]))
            proof = f"{outer.origin}/login/proof"
            assert thief.get(proof, params=back).status_code == 400  # who did not begin it
            shown = browser.get(proof, params=back)
            assert shown.status_code == 200, shown.text
            assert browser.get(proof, params=back).status_code == 400  # once
            there = html.unescape(shown.text.split('href="', 1)[1].split('"', 1)[0])
            done = browser.get(f"{outer.origin}/login/callback", params=world.provider.follow(there))
            assert "You are logged in at inner" in done.text
        assert not ask(outer.url, token, "tools/call", CALL)["result"].get("isError")
        assert "isError" in json.dumps(ask(outer.url, outer.keys["cursor"], "tools/call", CALL))
