"""A login front in memory: over ASGI, before a provider that is a function, and the browser and client of a test."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from starlette.applications import Starlette

from keepgate.auth.front import Front
from keepgate.auth.front_clients import FrontClient, FrontClients
from keepgate.auth.front_web import COOKIE, FrontWeb
from keepgate.auth.oidc import OidcLogin, s256
from keepgate.auth.resource import Resource
from keepgate.model.errors import AuditError
from tests.auth.tokens import GATE, RSA, URL, World, sign

BACK = "https://app.example.com/callback"
LOCAL = "http://127.0.0.1:3333/back"


@dataclass
class Lab:
    """What a test plays with. `flaws` change the provider's ID token; None takes a claim out."""

    registration: bool = False
    flaws: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    world: World = field(default_factory=World)
    notes: list[tuple[str, str]] = field(default_factory=list)
    unrecordable: bool = False
    wait: float = 0.0
    logins: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        metadata = self.world.documents[f"{URL}/.well-known/oauth-authorization-server"]
        metadata |= {
            "authorization_endpoint": f"{URL}/authorize",
            "token_endpoint": f"{URL}/token",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        self.world.documents[f"{URL}/token"] = self._token
        known = {"app": FrontClient("app", "The App", (BACK, LOCAL))}
        self.clients = FrontClients(known, self.world.fetch, self.world.clock, registration=self.registration)
        login = OidcLogin(self.world.authority(), "keepgate-at-corp", lambda: "s3cret", self.world.clock)
        resource = Resource(GATE, (GATE,), ("mcp",))
        self.front = Front(login, resource, self.world.clock)
        self.app = Starlette(routes=FrontWeb(self.front, self.clients, ("mcp",), self).routes())
        self.browser = self.new_browser()

    def new_browser(self) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=self.app)
        return httpx2.AsyncClient(transport=transport, base_url=GATE, headers={"Origin": GATE})

    # front_web.Desk

    def note(self, event: str, reason: str, *, principal: str = "", private: str = "") -> None:
        if self.unrecordable:
            raise AuditError("audit", "no")
        self.notes.append((event, reason))

    def spend(self, source: str) -> float:
        return self.wait

    # The provider

    def _token(self, form: bytes) -> dict[str, Any]:
        given = {key: values[0] for key, values in parse_qs(form.decode()).items()}
        asked = self.logins.pop(given["code"])
        assert s256(given["code_verifier"]) == asked["code_challenge"], "the provider checks PKCE"
        assert given["redirect_uri"] == asked["redirect_uri"]
        claims = {
            "iss": URL,
            "sub": "alice",
            "aud": "keepgate-at-corp",
            "iat": self.world.now,
            "exp": self.world.now + 60,
            "nonce": asked["nonce"],
            "acr": "urn:mfa",
        } | self.flaws
        body = {name: value for name, value in claims.items() if value is not None}
        return {"id_token": sign({"alg": "RS256", "kid": "rsa", "typ": "JWT"} | self.header, body, RSA)}

    # The client and its browser

    def request(self, **more: str | None) -> tuple[str, str]:
        """An authorization request and its verifier; None leaves a parameter out."""
        verifier = secrets.token_urlsafe(48)
        asked = {
            "response_type": "code",
            "client_id": "app",
            "redirect_uri": BACK,
            "state": "st",
            "code_challenge": s256(verifier),
            "code_challenge_method": "S256",
            "resource": f"{GATE}/mcp",
            "scope": "mcp",
            **more,
        }
        return f"/oauth/authorize?{urlencode({k: v for k, v in asked.items() if v is not None})}", verifier

    async def page(self, url: str) -> dict[str, str]:
        """The form of the page that asks."""
        shown = await self.browser.get(url)
        assert shown.status_code == 200, shown.text
        return form_of(shown.text)

    async def agree(self, form: dict[str, str], answer: str = "yes") -> httpx2.Response:
        return await self.browser.post("/oauth/consent", data={**form, "answer": answer})

    def log_in(self, there: str, **more: str) -> str:
        """What the provider sends the browser back with."""
        asked = query(there)
        assert there.startswith(f"{URL}/authorize?")
        code = secrets.token_urlsafe(8)
        self.logins[code] = asked
        return f"/oauth/callback?{urlencode({'code': code, 'state': asked['state'], 'iss': URL, **more})}"

    async def code(self, **more: str | None) -> tuple[dict[str, str], str]:
        """All the way to what the client gets back, and its verifier."""
        url, verifier = self.request(**more)
        there = await self.agree(await self.page(url))
        assert there.status_code == 303, there.text
        back = await self.browser.get(self.log_in(there.headers["location"]))
        assert back.status_code == 303, back.text
        return query(back.headers["location"]), verifier

    async def redeem(self, code: str, verifier: str, **more: str) -> httpx2.Response:
        given = {
            "grant_type": "authorization_code",
            "client_id": "app",
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": verifier,
            **more,
        }
        async with self.new_browser() as client:
            return await client.post("/oauth/token", data=given)

    async def tokens(self, **more: str | None) -> dict[str, Any]:
        back, verifier = await self.code(**more)
        answer = await self.redeem(back["code"], verifier)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def refresh(self, token: str, **more: str) -> httpx2.Response:
        given = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": token, **more}
        async with self.new_browser() as client:
            return await client.post("/oauth/token", data=given)


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def form_of(text: str) -> dict[str, str]:
    found = {}
    for piece in text.split('<input type="hidden" ')[1:]:
        _, name, _, value, _ = piece.split('"', 4)
        found[name] = value
    return found


def play(work: Any) -> Any:
    return asyncio.run(work)


__all__ = ["BACK", "COOKIE", "LOCAL", "Lab", "form_of", "play", "query"]
