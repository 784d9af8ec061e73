"""A server and its authorization server, in memory: what they answer by URL, and what they were asked."""

import asyncio
import json

from keepgate.auth.client.discovery import Discovery
from keepgate.auth.client.login import Login, Terms
from keepgate.model.errors import UpstreamError
from keepgate.ports import Document

SERVER = "https://crm.example.com/mcp"
ISSUER = "https://login.example.com/realm"
AT_SERVER = "https://crm.example.com/.well-known/oauth-protected-resource/mcp"
AT_ISSUER = "https://login.example.com/.well-known/oauth-authorization-server/realm"
RESOURCE = {"resource": SERVER, "authorization_servers": [ISSUER], "scopes_supported": ["crm"]}
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "registration_endpoint": f"{ISSUER}/register",
    "code_challenge_methods_supported": ["S256"],
    "authorization_response_iss_parameter_supported": True,
}
TOKEN = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 600, "refresh_token": "rt-1"}


class World:
    """Answers what stands in `places`; a tuple is a status and a body, an exception is raised."""

    def __init__(self, **changed):
        metadata = {key: value for key, value in (METADATA | changed).items() if value is not None}
        self.places = {AT_SERVER: RESOURCE, AT_ISSUER: metadata}
        self.places |= {f"{ISSUER}/register": {"client_id": "c-1"}, f"{ISSUER}/token": TOKEN}
        self.asked = []

    async def __call__(self, url, form=None, headers=None):
        self.asked.append((url, form, dict(headers or {})))
        found = self.places.get(url, (404, {}))
        if isinstance(found, Exception):
            raise found
        status, body = found if isinstance(found, tuple) else (200, found)
        return Document(status, True, json.dumps(body).encode())

    def forms(self):
        return [form for url, form, _ in self.asked if url == f"{ISSUER}/token"]

    def discovery(self, **more):
        return Discovery("crm", SERVER, self, local=False, **more)

    def login(self, keep=None, **terms):
        return Login(Terms("crm", SERVER, **terms), self.discovery(), self, Keep() if keep is None else keep)


class Keep(dict):
    """Grants in memory."""

    def get(self, principal, server):
        return super().get((principal, server))

    def put(self, principal, server, value):
        self[principal, server] = json.loads(json.dumps(value))

    def remove(self, principal, server):
        return self.pop((principal, server), None) is not None


def run(work):
    return asyncio.run(work)


def refused(work) -> str:
    try:
        run(work)
    except UpstreamError as error:
        return str(error)
    raise AssertionError("it was not refused")
