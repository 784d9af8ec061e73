"""More than a grant: scopes and strength of login, demanded before anything is streamed, by a challenge that names all.

With a real OpenID provider: from a password to a second factor, and the same call passes.
"""

import httpx2
import pytest

from tests.oidc.conftest import world_in
from tests.oidc.test_oidc import ACCEPT, INITIALIZE, post

STEP_UP = [
    {"uses": ["memory/delete_*"], "scopes": ["admin"], "acr": ["urn:mfa"]},
    {"uses": ["memory/read_graph"], "scopes": ["crm:write"]},
    {"uses": ["memory/search_nodes"], "max_age": 600},
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with world_in(tmp_path_factory.mktemp("step"), step_up=STEP_UP) as made:
        yield made


class Handshake:
    """A session of 2025-11-25; each request with the token given."""

    def __init__(self, world, token):
        self.world = world
        opened = post(world.url, token)
        assert opened.status_code == 200, opened.text
        self.headers = {
            "Mcp-Session-Id": opened.headers["mcp-session-id"],
            "MCP-Protocol-Version": "2025-11-25",
        }
        self.post(token, "notifications/initialized", None)

    def post(self, token, method, params, number=7):
        body = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            body |= {"id": number, "params": params}
        return post(self.world.url, token, body=body, **self.headers)

    def call(self, token, name, **arguments):
        return self.post(token, "tools/call", {"name": f"memory_{name}", "arguments": arguments})

    def tools(self, token):
        return self.post(token, "tools/list", {})


class Stateless:
    """2026-07-28."""

    def __init__(self, world, token):
        self.world = world

    def _post(self, token, method, params, **headers):
        prefix = "io.modelcontextprotocol/"
        meta = {f"{prefix}protocolVersion": "2026-07-28", f"{prefix}clientCapabilities": {}}
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": meta}}
        named = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **headers}
        return post(self.world.url, token, body=body, **named)

    def call(self, token, name, **arguments):
        full = f"memory_{name}"
        params = {"name": full, "arguments": arguments}
        return self._post(token, "tools/call", params, **{"Mcp-Name": full})

    def tools(self, token):
        return self._post(token, "tools/list", {})


@pytest.fixture(params=[Handshake, Stateless], ids=["handshake", "stateless"])
def era(request):
    return request.param


def passed(answer):
    """Whether the call reached the server and it said yes."""
    return answer.status_code == 200 and '"isError":true' not in answer.text and "denied" not in answer.text


GONE = {"entityNames": ["nobody"]}


def test_a_second_factor_is_demanded_for_a_tool_and_then_the_same_call_passes(world, era):
    weak = world.provider.login(world.url, "openid mcp admin", acr_values="urn:password", prompt="login")
    client = era(world, weak)
    refused = client.call(weak, "delete_entities", **GONE)
    assert refused.status_code == 401
    challenge = refused.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="insufficient_user_authentication"')
    assert 'acr_values="urn:mfa"' in challenge
    assert 'scope="admin mcp"' in challenge
    assert f'resource_metadata="{world.origin}/.well-known/oauth-protected-resource/mcp"' in challenge
    assert refused.headers["content-type"] == "application/json"
    strong = world.provider.login(world.url, "openid mcp admin", acr_values="urn:mfa", prompt="login")
    assert passed(client.call(strong, "delete_entities", **GONE))
    again = client.call(weak, "delete_entities", **GONE)
    assert again.status_code == 401  # in the same session: each request has what its own token gives it


def test_all_scopes_of_an_operation_are_named_at_once(world, era):
    token = world.provider.login(world.url, "openid mcp")
    client = era(world, token)
    refused = client.call(token, "read_graph")
    assert refused.status_code == 403
    assert refused.headers["www-authenticate"].startswith('Bearer error="insufficient_scope"')
    assert 'scope="crm:write mcp"' in refused.headers["www-authenticate"]
    assert "acr_values" not in refused.headers["www-authenticate"]
    more = world.provider.login(world.url, "openid mcp crm:write")
    assert passed(client.call(more, "read_graph"))
    assert client.call(token, "read_graph").status_code == 403


def test_a_token_without_the_scope_of_every_token_is_told_all_the_same(world):
    none = world.provider.login(world.url, "openid crm:write")
    refused = Stateless(world, none).call(none, "read_graph")
    assert refused.status_code == 403
    assert 'scope="crm:write mcp"' in refused.headers["www-authenticate"]
    for answer in (
        Stateless(world, none).tools(none),
        post(world.url, none),
        post(world.url, none, body={"jsonrpc": "2.0", "method": "notifications/initialized"}),
        httpx2.get(world.url, headers={"Accept": "text/event-stream", "Authorization": f"Bearer {none}"}),
        httpx2.delete(world.url, headers={"Authorization": f"Bearer {none}"}),
    ):
        assert answer.status_code == 403
        assert 'scope="mcp"' in answer.headers["www-authenticate"]


def test_what_needs_a_recent_login_passes_after_one(world, era):
    token = world.provider.login(world.url, "openid mcp", prompt="login")
    assert passed(era(world, token).call(token, "search_nodes", query="x"))


def test_a_key_cannot_reach_what_needs_a_login_and_is_told_so_without_a_challenge(world, era):
    client = era(world, world.key)
    answer = client.call(world.key, "delete_entities", **GONE)
    assert answer.status_code == 200
    assert "this needs a login with an access token" in answer.text
    assert "www-authenticate" not in answer.headers
    assert passed(client.call(world.key, "open_nodes", names=[]))


def test_what_needs_more_is_listed_and_what_is_unknown_stays_unknown(world, era):
    token = world.provider.login(world.url, "openid mcp")
    client = era(world, token)
    assert "memory_delete_entities" in client.tools(token).text
    unknown = client.call(token, "nothing_of_that_name")
    assert "Unknown tool" in unknown.text
    assert "www-authenticate" not in unknown.headers
    # What is demanded goes by name, so it does not tell which names there are.
    hidden, there = (client.call(token, f"delete_{word}") for word in ("nothing_of_that_name", "entities"))
    assert hidden.status_code == there.status_code == 401
    assert hidden.headers["www-authenticate"] == there.headers["www-authenticate"]


def test_a_batch_has_no_challenge_but_no_effect_either(world):
    token = world.provider.login(world.url, "openid mcp")
    old = {**INITIALIZE, "params": {**INITIALIZE["params"], "protocolVersion": "2025-03-26"}}
    session = {"Mcp-Session-Id": post(world.url, token, body=old).headers["mcp-session-id"]}
    post(world.url, token, body={"jsonrpc": "2.0", "method": "notifications/initialized"}, **session)
    call = {"method": "tools/call", "params": {"name": "memory_read_graph", "arguments": {}}}
    batch = [{"jsonrpc": "2.0", "id": number, **call} for number in (1, 2)]
    answer = httpx2.post(
        world.url, json=batch, headers={**ACCEPT, "Authorization": f"Bearer {token}", **session}, timeout=30
    )
    assert answer.status_code == 200
    assert answer.text.count("the access token lacks a scope") == 2
