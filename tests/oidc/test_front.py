"""The login front before a real provider that knows one client, keepgate: real clients find their way in through it."""

import asyncio
from urllib.parse import urljoin

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

from tests.auth.front_lab import form_of, query
from tests.oidc.front_world import fronted_in
from tests.oidc.provider import CALLBACK
from tests.oidc.test_oidc import Storage, post


@pytest.fixture(scope="module")
def fronted(tmp_path_factory):
    with fronted_in(tmp_path_factory.mktemp("front")) as made:
        yield made


class Browser:
    """A person's browser without a screen: agrees on our page, and is logged in at the provider."""

    def __init__(self, *, answer: str = "yes") -> None:
        self.client = httpx2.Client(timeout=30)
        self.answer = answer
        self.pages: list[str] = []

    def go(self, url: str) -> dict[str, str]:
        """To where the client gets its answer."""
        found = self.client.get(url)
        for _ in range(20):
            if found.status_code == 200:
                self.pages.append(found.text)
                action = urljoin(url, "/oauth/consent")
                found = self.client.post(action, data={**form_of(found.text), "answer": self.answer})
            assert found.status_code in (302, 303), f"{url}: {found.status_code} {found.text[:300]}"
            url = urljoin(url, found.headers["location"])
            if url.startswith(CALLBACK):
                return query(url)
            found = self.client.get(url)
        raise AssertionError(f"endless redirects: {url}")


def test_the_documents_lead_to_the_front(fronted):
    resource = httpx2.get(f"{fronted.origin}/.well-known/oauth-protected-resource/mcp").json()
    assert resource["authorization_servers"] == [fronted.origin]
    found = httpx2.get(f"{fronted.origin}/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == fronted.origin
    assert found["scopes_supported"] == ["mcp"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_official_client_finds_its_way_in_through_the_front(fronted, mode):
    """401, metadata, registration, our page, the provider's login, code with PKCE, `iss`, token, tools."""
    storage, back, browser = Storage(), {}, Browser()

    async def browse(url):
        back.update(await asyncio.to_thread(browser.go, url))

    async def returned():
        return AuthorizationCodeResult(code=back["code"], state=back.get("state"), iss=back.get("iss"))

    async def work():
        metadata = OAuthClientMetadata(
            client_name="an sdk",
            redirect_uris=[CALLBACK],
            application_type="native",
            token_endpoint_auth_method="none",
        )
        auth = OAuthClientProvider(fronted.url, metadata, storage, browse, returned)
        async with create_mcp_http_client(auth=auth) as http:
            transport = streamable_http_client(fronted.url, http_client=http)
            async with Client(transport, mode=mode) as client:
                tools = [tool.name for tool in (await client.list_tools()).tools]
                name = next(each for each in tools if each.endswith("read_graph"))
                return tools, await client.call_tool(name, {})

    with browser.client:
        tools, result = asyncio.run(work())
    assert tools
    assert not result.is_error
    assert storage.tokens.scope == "mcp"
    assert storage.tokens.access_token.startswith("kgt_")
    assert "an sdk" in browser.pages[0]
    assert len(browser.pages) == 1
    said = fronted.process.output().encode()
    kept = b"".join(file.read_bytes() for file in (fronted.directory / "state").rglob("*") if file.is_file())
    for token in (storage.tokens.access_token, storage.tokens.refresh_token):
        assert token.encode() not in said + kept


def test_tokens_of_the_front_open_no_more_than_others(fronted):
    assert post(fronted.url, "kgt_" + "x" * 43).status_code == 401
    direct = fronted.provider.login(fronted.url)
    assert post(fronted.url, direct).status_code == 200, "tokens of the provider itself still count"
    challenge = post(fronted.url).headers["www-authenticate"]
    assert "resource_metadata=" in challenge
    assert 'scope="mcp"' in challenge
