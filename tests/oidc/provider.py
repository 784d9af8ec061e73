"""Starts the provider, and gets tokens from it as a client would: registration, code with PKCE, credentials, DPoP."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.support import peers, processes

SCRIPT = Path(__file__).with_name("provider.mjs")
CALLBACK = "http://127.0.0.1:9/callback"


def write_keys(file: Path, *kids: str) -> None:
    """New signing keys; the provider signs with the first."""
    keys = [
        RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}).as_dict(private=True)
        for kid in kids
    ]
    file.write_text(json.dumps({"keys": keys}))


@contextlib.contextmanager
def providing(directory: Path, port: int, keys: Path) -> Iterator[Provider]:
    """The provider on this port, with these keys."""
    peers.need(peers.NODE, peers.NPM_MODULES / "oidc-provider")
    command = [peers.NODE, SCRIPT, peers.NPM_MODULES, str(port), keys]
    with processes.running(command, directory / f"provider-{secrets.token_hex(4)}.log") as process:
        process.wait_for_line("ready: ")
        provider = Provider(f"http://127.0.0.1:{port}")
        with provider.browser:
            yield provider


def s256(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Provider:
    """A client of the provider, with a browser's cookies."""

    issuer: str
    browser: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=20))
    registered: dict[str, Any] = field(default_factory=dict)

    def metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = self.browser.get(f"{self.issuer}/.well-known/openid-configuration").json()
        return found

    def register(self) -> str:
        """A public client; its id."""
        if not self.registered:
            body = {
                "redirect_uris": [CALLBACK],
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token"],
                "application_type": "native",
            }
            answer = self.browser.post(f"{self.issuer}/reg", json=body)
            assert answer.status_code == 201, answer.text
            self.registered = answer.json()
        return str(self.registered["client_id"])

    def follow(self, url: str) -> dict[str, str]:
        """Be the browser: follow redirects until one leaves the provider; its parameters."""
        for _ in range(12):
            answer = self.browser.get(url)
            assert answer.status_code in (302, 303), f"{answer.status_code} {url}: {answer.text[:500]}"
            url = urljoin(url, answer.headers["location"])
            if not url.startswith(self.issuer):
                return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        raise AssertionError(f"endless redirects: {url}")

    def login(self, resource: str, scope: str = "openid mcp", **more: str) -> str:
        """An access token of alice for a resource, by code with PKCE."""
        return str(self.code_flow(resource, scope, **more)["access_token"])

    def code_flow(
        self, resource: str, scope: str = "openid mcp", *, key: ECKey | None = None, **more: str
    ) -> dict[str, Any]:
        client, verifier = self.register(), secrets.token_urlsafe(48)
        asked = {
            "client_id": client,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": scope,
            "resource": resource,
            "state": "s",
            "code_challenge": s256(verifier),
            "code_challenge_method": "S256",
            **more,
        }
        back = self.follow(f"{self.issuer}/auth?{urlencode(asked)}")
        assert "code" in back, back
        form = {
            "grant_type": "authorization_code",
            "client_id": client,
            "code": back["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
            "resource": resource,
        }
        headers = {"DPoP": proof(key, "POST", f"{self.issuer}/token")} if key else {}
        return self._token(form, headers)

    def service(self, resource: str, scope: str = "mcp") -> str:
        """An access token of the client `service` itself."""
        form = {"grant_type": "client_credentials", "scope": scope, "resource": resource}
        pair = base64.b64encode(b"service:service-secret").decode()
        return str(self._token(form, {"Authorization": f"Basic {pair}"})["access_token"])

    def revoke(self, token: str) -> None:
        form = {"token": token, "client_id": self.register()}
        assert self.browser.post(f"{self.issuer}/token/revocation", data=form).status_code == 200

    def _token(self, form: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        answer = self.browser.post(f"{self.issuer}/token", data=form, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def proof(key: ECKey, method: str, url: str, token: str = "", **more: Any) -> str:
    """A DPoP proof for one request."""
    claims = {"htm": method, "htu": url, "iat": int(time.time()), "jti": secrets.token_hex(16), **more}
    if token:
        claims["ath"] = s256(token)
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key)
