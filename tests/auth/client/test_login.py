"""The code flow: what is asked for, what is taken back, what is refused."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from keepgate.auth.client.login import Terms, grant_from, grant_to
from keepgate.auth.client.token import Client
from tests.auth.client.issuer import AT_SERVER, ISSUER, METADATA, SERVER, TOKEN, Keep, World, refused, run

BACK = "https://gate.example.com/login/callback"


def begun(world=None, needed=(), **terms):
    return run((world or World()).login(**terms).begin({}, needed, BACK))


def asked(found) -> dict:
    return dict(parse_qsl(urlsplit(found.url).query))


def finish(world, answer, **terms):
    login = world.login(**terms)

    async def work():
        return await login.finish(await login.begin({}, (), BACK), answer)

    return work()


def test_what_a_browser_is_sent_with():
    found = begun()
    query = asked(found)
    assert found.url.startswith(f"{ISSUER}/authorize?")
    challenge = urlsafe_b64encode(sha256(found.verifier.encode()).digest()).decode().rstrip("=")
    assert (query["code_challenge"], query["code_challenge_method"]) == (challenge, "S256")
    assert (query["resource"], query["redirect_uri"], query["client_id"]) == (SERVER, BACK, "c-1")
    assert (query["scope"], query["response_type"]) == ("crm", "code")
    assert len(query["state"]) >= 43
    assert found.verifier not in found.url


def test_states_and_verifiers_are_never_used_twice():
    found = [begun() for _ in range(20)]
    assert len({each.state for each in found} | {each.verifier for each in found}) == 40


@pytest.mark.parametrize("methods", [None, [], ["plain"], "S256", {"S256": 1}])
def test_without_pkce_there_is_no_login(methods):
    world = World(code_challenge_methods_supported=methods)
    assert "PKCE" in refused(world.login().begin({}, (), BACK))


@pytest.mark.parametrize(
    ("terms", "scopes", "wanted"),
    [
        ({}, (), "crm"),
        ({}, ("crm:write",), "crm:write"),
        ({"scopes": ("only",)}, (), "only"),
        ({"scopes": ("only",)}, ("crm:write",), "only crm:write"),
    ],
)
def test_scopes(terms, scopes, wanted):
    assert asked(begun(None, scopes, **terms))["scope"] == wanted


def test_offline_access_where_it_is_offered():
    query = asked(begun(World(scopes_supported=["crm", "offline_access"])))
    assert (query["scope"], query["prompt"]) == ("crm offline_access", "consent")


def test_the_order_of_ways_to_be_known():
    document = "https://gate.example.com/login/client.json"
    world = World(client_id_metadata_document_supported=True)
    assert begun(world, client=Client("given", "none"), client_document=document).client.id == "given"
    assert begun(world, client_document=document).client.id == document
    assert not any("register" in url for url, *_ in world.asked)
    assert begun(World(), client_document=document).client.id == "c-1"
    assert "register keepgate there" in refused(World(registration_endpoint=None).login().begin({}, (), BACK))


def test_a_registration_is_kept_for_its_issuer_and_made_once():
    keep, world = Keep(), World()
    for _ in range(2):
        run(world.login(keep).begin({}, (), BACK))
    assert sum("register" in url for url, *_ in world.asked) == 1
    other = "https://other.example.com"
    place = f"{other}/.well-known/oauth-authorization-server"
    world.places[place] = METADATA | {"issuer": other, "registration_endpoint": f"{other}/r"}
    world.places[f"{other}/r"] = {"client_id": "c-2"}
    world.places[AT_SERVER] = world.places[AT_SERVER] | {"authorization_servers": [other]}
    assert run(world.login(keep).begin({}, (), BACK)).client.id == "c-2"


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"client_id": "x"}),
        {},
        {"client_id": ""},
        {"client_id": "x", "token_endpoint_auth_method": "tls_client_auth"},
        {"client_id": "x", "token_endpoint_auth_method": "client_secret_basic"},
    ],
)
def test_a_registration_that_cannot_be_used_is_refused(answer):
    world = World()
    world.places[f"{ISSUER}/register"] = answer
    assert "regist" in refused(world.login().begin({}, (), BACK))


def test_a_code_is_redeemed_with_its_verifier_and_resource():
    world = World()
    grant = run(finish(world, {"code": "x", "iss": ISSUER}))
    form = parse_qs(world.forms()[0].decode())
    assert form["grant_type"] == ["authorization_code"]
    assert (form["resource"], form["redirect_uri"], form["client_id"]) == ([SERVER], [BACK], ["c-1"])
    assert len(form["code_verifier"][0]) >= 43
    assert (grant.token.access, grant.token.refresh, grant.token.scopes) == ("at-1", "rt-1", ("crm",))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"code": "x"}, "does not say which issuer"),
        ({"code": "x", "iss": f"{ISSUER}/"}, "another issuer"),
        ({"code": "x", "iss": ISSUER.upper()}, "another issuer"),
        ({"error": "access_denied", "iss": ISSUER}, "refused: `access_denied`"),
        ({"error": "access_denied", "iss": "https://evil.example.com"}, "another issuer"),
        ({"error": "<script>", "iss": ISSUER}, "the login was refused"),
        ({"iss": ISSUER}, "refused"),
        ({"code": "x" * 20_000, "iss": ISSUER}, "refused"),
    ],
)
def test_what_comes_back_is_checked_before_anything_is_sent(answer, why):
    world = World()
    said = refused(finish(world, answer))
    assert why in said
    assert "<script>" not in said
    assert not world.forms()


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"error": "invalid_grant", "error_description": "s3cr3t"}),
        (400, {"error": "s3cr3t <script>"}),
        TOKEN | {"token_type": "mac"},
        *(TOKEN | {"access_token": wrong} for wrong in ("a b", "a\r\nX: y", "", None, 7)),
        (500, []),
    ],
)
def test_a_token_that_cannot_be_used_is_refused_and_not_repeated(answer):
    world = World()
    world.places[f"{ISSUER}/token"] = answer
    assert "s3cr3t" not in refused(finish(world, {"code": "x", "iss": ISSUER}))


def test_a_refresh_goes_to_the_issuer_that_granted_and_takes_the_new_refresh_token():
    world = World()
    login, grant = world.login(), run(finish(world, {"code": "x", "iss": ISSUER}))
    world.places[f"{ISSUER}/token"] = TOKEN | {"access_token": "at-2", "refresh_token": "rt-2"}
    fresh = run(login.refresh(grant))
    assert (fresh.token.access, fresh.token.refresh) == ("at-2", "rt-2")
    assert parse_qs(world.forms()[-1].decode())["refresh_token"] == ["rt-1"]
    # The server comes to name another authorization server: what the first one gave does not go there.
    world.places[AT_SERVER] = world.places[AT_SERVER] | {
        "authorization_servers": ["https://evil.example.com"]
    }
    run(login.refresh(fresh))
    assert not any("evil" in url for url, *_ in world.asked)


def test_the_secret_of_a_configured_client_is_not_copied_into_grants():
    client = Client("given", "client_secret_post", "s3cr3t")
    grant = run(finish(World(), {"code": "x", "iss": ISSUER}, client=client))
    kept = grant_to(grant, configured=True)
    assert "s3cr3t" not in str(kept)
    assert grant_from(kept, Terms("crm", SERVER, client)) == grant
    assert grant_from(kept, Terms("crm", SERVER, Client("another"))) is None
    assert grant_from(kept, Terms("crm", SERVER)) is None
    assert grant_from(grant_to(grant, configured=False), Terms("crm", SERVER)) == grant


@pytest.mark.parametrize(
    "terms",
    [
        Terms("crm", "https://crm.evil.example/mcp"),
        Terms("crm", "https://crm.example.com:8443/mcp"),
        Terms("crm", "http://crm.example.com/mcp"),
        Terms("crm", "https://crm.example.com/other"),
        Terms("crm", SERVER, issuer="https://login.other.example"),
    ],
)
def test_a_grant_does_not_follow_a_name_to_another_address_or_issuer(terms):
    kept = grant_to(run(finish(World(), {"code": "x", "iss": ISSUER})), configured=False)
    assert grant_from(kept, Terms("crm", SERVER, issuer=ISSUER)) is not None
    assert grant_from(kept, terms) is None
