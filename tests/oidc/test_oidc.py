"""keepgate takes the tokens of a real OpenID provider, and only those meant for it."""

import asyncio
import json
import time

import httpx2
import pytest
from joserfc.jwk import ECKey
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

from keepgate.auth.issuer import COOL_DOWN, Authority, Issuer
from keepgate.auth.resource import Resource
from keepgate.auth.resource_server import ResourceServer
from keepgate.model.errors import AuthenticationError
from keepgate.transports.fetch import Fetcher
from tests.auth.tokens import request
from tests.oidc.provider import CALLBACK, proof, providing, write_keys
from tests.support.processes import free_port

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "c", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def post(url, token="", *, scheme="Bearer", body=INITIALIZE, **headers):
    if token:
        headers["Authorization"] = f"{scheme} {token}"
    return httpx2.post(url, json=body, headers={**ACCEPT, **headers}, timeout=30)


def test_without_a_token_a_client_is_told_where_to_go(world):
    answer = post(world.url)
    assert answer.status_code == 401
    where = f"{world.origin}/.well-known/oauth-protected-resource/mcp"
    assert answer.headers["www-authenticate"] == f'Bearer scope="mcp", resource_metadata="{where}"'
    document = httpx2.get(where).json()
    assert document["resource"] == world.url
    assert document["authorization_servers"] == [world.provider.issuer]
    assert document["scopes_supported"] == ["mcp"]
    assert document["bearer_methods_supported"] == ["header"]
    assert httpx2.get(f"{world.origin}/.well-known/oauth-protected-resource").json() == document


def test_each_mount_is_a_resource_and_unknown_ones_look_the_same(world):
    for server in ("memory", "nobody"):
        where = f"{world.origin}/.well-known/oauth-protected-resource/mcp/{server}"
        assert httpx2.get(where).json()["resource"] == f"{world.url}/{server}"
        answer = post(f"{world.url}/{server}")
        assert answer.status_code == 401
        assert f'resource_metadata="{where}"' in answer.headers["www-authenticate"]
    assert httpx2.get(f"{world.origin}/.well-known/oauth-protected-resource/mcp/No Body").status_code == 404


def test_the_token_of_a_login_opens(world):
    token = world.provider.login(world.url)
    answer = post(world.url, token)
    assert answer.status_code == 200, answer.text
    session = {"Mcp-Session-Id": answer.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
    assert httpx2.delete(world.url, headers=session).status_code == 401
    assert (
        httpx2.delete(world.url, headers={**session, "Authorization": f"Bearer {token}"}).status_code == 200
    )


def test_a_session_belongs_to_whoever_opened_it(world):
    opened = post(world.url, world.provider.login(world.url))
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    assert post(world.url, world.provider.login(world.url), body=ping, **session).status_code == 200
    for token in (world.provider.service(world.url), world.key):
        assert post(world.url, token, body=ping, **session).status_code == 404


def test_a_service_opens_as_its_client(world):
    assert post(world.url, world.provider.service(world.url)).status_code == 200


def test_keys_work_beside_tokens(world):
    assert post(world.url, world.key).status_code == 200
    assert post(world.url, world.key[:-1] + "x").status_code == 401


@pytest.mark.parametrize("resource", ["http://127.0.0.1:1/mcp", "{}/memory/", "{}x"])
def test_a_token_for_another_resource_does_not(world, resource):
    answer = post(world.url, world.provider.login(resource.format(world.url)))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_for_one_server_opens_only_that(world):
    token = world.provider.login(f"{world.url}/memory")
    assert post(f"{world.url}/memory", token).status_code == 200
    assert post(world.url, token).status_code == 401
    assert post(f"{world.url}/memory", world.provider.login(world.url)).status_code == 200


def test_an_id_token_does_not_open(world):
    granted = world.provider.code_flow(world.url, nonce="n")
    assert post(world.url, granted["id_token"]).status_code == 401


def test_an_opaque_token_opens_until_it_is_revoked(world):
    token = world.provider.login(f"{world.url}/opaque")
    assert "." not in token
    assert post(world.url, token).status_code == 200
    world.provider.revoke(token)
    deadline = time.monotonic() + 15
    while post(world.url, token).status_code == 200:
        assert time.monotonic() < deadline
    assert post(world.url, token).status_code == 401


def test_a_bound_token_opens_with_fresh_proofs_only(world):
    key = ECKey.generate_key("P-256")
    token = world.provider.code_flow(world.url, key=key)["access_token"]
    assert post(world.url, token).status_code == 401
    used = proof(key, "POST", world.url, token)
    assert post(world.url, token, scheme="DPoP", DPoP=used).status_code == 200
    replayed = post(world.url, token, scheme="DPoP", DPoP=used)
    assert replayed.status_code == 401
    assert 'error="invalid_dpop_proof"' in replayed.headers["www-authenticate"]
    stolen = proof(ECKey.generate_key("P-256"), "POST", world.url, token)
    assert post(world.url, token, scheme="DPoP", DPoP=stolen).status_code == 401
    assert post(world.url, token, scheme="DPoP", DPoP=proof(key, "POST", world.url, token)).status_code == 200


class Storage:
    """mcp.client.auth.TokenStorage in memory."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("mount", ["", "/memory"])
def test_the_official_client_finds_its_way_in_on_its_own(world, mode, mount):
    """401, metadata, browser, code with PKCE and resource, token, tools: it is told the URL and its client id."""
    storage, back = Storage(), {}
    world.provider.register()
    storage.client = OAuthClientInformationFull.model_validate(world.provider.registered)

    async def browse(url):
        back.update(await asyncio.to_thread(world.provider.follow, url))

    async def returned():
        return AuthorizationCodeResult(code=back["code"], state=back.get("state"), iss=back.get("iss"))

    async def work():
        metadata = OAuthClientMetadata(client_name="sdk", redirect_uris=[CALLBACK], application_type="native")
        auth = OAuthClientProvider(world.url + mount, metadata, storage, browse, returned)
        async with create_mcp_http_client(auth=auth) as http:
            transport = streamable_http_client(world.url + mount, http_client=http)
            async with Client(transport, mode=mode) as client:
                tools = [tool.name for tool in (await client.list_tools()).tools]
                name = next(each for each in tools if each.endswith("read_graph"))
                return tools, await client.call_tool(name, {})

    tools, result = asyncio.run(work())
    assert tools
    assert not result.is_error
    assert storage.tokens.scope == "mcp"
    claims = json.loads(_claims(storage.tokens.access_token))
    assert claims["aud"] == world.url + mount


def _claims(token):
    import base64

    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_no_token_is_in_what_keepgate_says_or_keeps(world):
    tokens = [world.provider.login(world.url), world.provider.login("http://127.0.0.1:1/mcp")]
    for token in tokens:
        post(world.url, token)
    said = world.process.output().encode()
    kept = b"".join(file.read_bytes() for file in (world.directory / "state").rglob("*") if file.is_file())
    assert kept
    for token in tokens:
        for part in token.split("."):
            assert part.encode() not in said + kept
    assert b"gate-secret" not in said + kept


def test_keys_that_are_rotated_are_followed(tmp_path):
    """The provider starts again with a new key, then with the old one gone. The clock of the waiting is ours."""
    port, keys, later = free_port(), tmp_path / "keys.json", [0.0]
    gate = "https://gate.example.com"
    issuer = Issuer("op", f"http://127.0.0.1:{port}", leeway=120)

    async def show(server, token):
        at = request()
        return server.recognise(at, "bearer", token) or await server.verify(at, "bearer", token)

    async def work():
        authority = Authority(issuer, Fetcher(local=True), lambda: time.time() + later[0])
        server = ResourceServer(
            Resource(gate, (issuer.url,)), [authority], lambda: time.time() + later[0], nonces=False
        )
        tokens = []
        for kid in ("first", "second"):
            write_keys(keys, kid)
            with providing(tmp_path, port, keys) as provider:
                tokens.append(await asyncio.to_thread(provider.login, f"{gate}/mcp"))
                assert (await show(server, tokens[-1])).user == "alice"
                later[0] += COOL_DOWN + 1
        with pytest.raises(AuthenticationError):
            await show(server, tokens[0])
        assert (
            await show(server, tokens[1])
        ).user == "alice"  # by the keys that are known: the issuer is away

    asyncio.run(work())
