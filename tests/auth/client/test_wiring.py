"""Ways to be authorized at servers that come with a reload."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from keepgate.compose.upstream_auth import Authorizations, Own
from keepgate.config import load
from keepgate.model.access import Principal
from keepgate.model.errors import ConfigError


def settings(tmp_path, auth=""):
    file = tmp_path / "keepgate.yaml"
    more = f"  crm: {{url: 'https://crm.example.com/mcp', auth: {auth}}}\n" if auth else ""
    file.write_text(
        f"version: 1\nstate: state\nlisten: 127.0.0.1:8700\nservers:\n  a: {{command: [x]}}\n{more}"
    )
    return load(file, env={"HOME": str(tmp_path), "SECRET": "s"})


def test_the_first_server_that_users_log_in_at_may_come_with_a_reload(tmp_path):
    authorizations = Authorizations(settings(tmp_path))
    pages = TestClient(Starlette(routes=authorizations.routes()), base_url="http://127.0.0.1:8700")
    assert pages.get("/login/unknown").status_code == 404
    fresh = settings(tmp_path, "{type: oauth}").servers["crm"]
    way = authorizations.way("crm", fresh, lambda secret: "")
    assert isinstance(way, Own)
    way.of(Principal("key:a", "key"))
    error = authorizations.doors.need(Principal("key:a", "key"), "crm", {}, ())
    assert "The API key of key:a" in pages.get(error.url.removeprefix("http://127.0.0.1:8700")).text


def test_what_needs_the_callers_tokens_needs_them_from_the_start(tmp_path):
    authorizations = Authorizations(settings(tmp_path))
    client = "client_id: c, client_secret: {secret: 'env:SECRET'}"
    exchange = f"{{type: token_exchange, issuer: 'https://i.example.com', {client}}}"
    server = settings(tmp_path, exchange).servers["crm"]
    with pytest.raises(ConfigError, match="restart keepgate"):
        authorizations.way("crm", server, lambda secret: "s")
