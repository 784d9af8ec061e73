"""An issuer in memory: keys, tokens good and bad, and the documents it serves, as a plain function (ports.Fetch)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from keepgate.auth.issuer import Authority, Issuer
from keepgate.auth.resource import Resource
from keepgate.auth.resource_server import ResourceServer
from keepgate.model.errors import UpstreamError

NOW = 1_800_000_000.0
GATE = "https://gate.example.com"
URL = "https://login.example.com"

RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")
ED = OKPKey.generate_key("Ed25519")
OTHER = RSAKey.generate_key(2048)


def b64(data: bytes | dict[str, Any] | str) -> str:
    raw = (
        json.dumps(data).encode()
        if isinstance(data, dict)
        else data.encode()
        if isinstance(data, str)
        else data
    )
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign(header: dict[str, Any], claims: dict[str, Any] | bytes, key: Any = RSA) -> str:
    """Any header and payload with a valid signature, however little sense they make."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    text = f"{b64(header)}.{b64(payload)}"
    signature = jws.JWSRegistry.algorithms[header["alg"]].sign(text.encode(), key)
    return f"{text}.{b64(signature)}"


HEADER = {"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}
CLAIMS = {
    "iss": URL,
    "sub": "alice",
    "client_id": "cursor",
    "aud": f"{GATE}/mcp",
    "iat": NOW - 10,
    "exp": NOW + 300,
    "jti": "one",
    "scope": "openid mcp",
}


def token(header: dict[str, Any] | None = None, key: Any = RSA, /, **claims: Any) -> str:
    """A good token but for what is given; a claim of None is left out."""
    body = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    head = {name: value for name, value in {**HEADER, **(header or {})}.items() if value is not None}
    return sign(head, body, key)


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, "use": "sig", **more}


@dataclass
class World:
    """The clock, and what the issuer answers by URL; everything else is not there."""

    now: float = NOW
    documents: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    forms: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    down: bool = False

    def __post_init__(self) -> None:
        self.documents |= {
            f"{URL}/.well-known/oauth-authorization-server": {
                "issuer": URL,
                "jwks_uri": f"{URL}/jwks",
                "introspection_endpoint": f"{URL}/introspect",
            },
            f"{URL}/jwks": {"keys": [jwk(RSA, "rsa"), jwk(EC, "ec"), jwk(ED, "ed")]},
        }

    def clock(self) -> float:
        return self.now

    async def fetch(self, url: str, form: bytes | None = None, headers: Any = None) -> bytes:
        self.asked.append(url)
        if form is not None:
            self.forms.append((form, dict(headers or {})))
        if self.down or url not in self.documents:
            raise UpstreamError("unreachable", "nothing there")
        document = self.documents[url]
        if callable(document):
            document = document(form)
        return document if isinstance(document, bytes) else json.dumps(document).encode()

    def authority(self, **settings: Any) -> Authority:
        return Authority(replace(Issuer("corp", URL), **settings), self.fetch, self.clock)

    def server(
        self, *authorities: Authority, scopes: tuple[str, ...] = (), nonces: bool = False
    ) -> ResourceServer:
        trusted = authorities or (self.authority(),)
        resource = Resource(GATE, tuple(each.issuer.url for each in trusted), scopes)
        return ResourceServer(resource, trusted, self.clock, nonces=nonces)


def request(path: str = "/mcp", method: str = "POST", **headers: str) -> Any:
    """A ports.HttpRequest."""
    return SimpleNamespace(
        method=method,
        path=path,
        query="",
        headers=headers,
        notes={},
        body=b"",
        peer="192.0.2.1",
        certificate=b"",
        secure=True,
    )


async def show(server: ResourceServer, text: str, scheme: str = "bearer", at: Any = None) -> Any:
    """Present a token as the gateway does."""
    at = at or request()
    principal = server.recognise(at, scheme, text)
    return principal if principal is not None else await server.verify(at, scheme, text)


def proof(key: Any = EC, /, text: str = "", header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A good DPoP proof for a POST to /mcp at NOW, but for what is given; a claim of None is left out."""
    ath = b64(sha256(text.encode()).digest())
    body = {"htm": "POST", "htu": f"{GATE}/mcp", "iat": NOW, "jti": "j1", "ath": ath, **claims}
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False), **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    return sign(head, {name: value for name, value in body.items() if value is not None}, key)
