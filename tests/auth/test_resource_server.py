"""What the resource server remembers, asks and forgets; whom a token stands for; what refusals say."""

import asyncio
from base64 import b64decode
from urllib.parse import parse_qs

import pytest
from joserfc.jwk import RSAKey

from keepgate.auth import resource_server
from keepgate.auth.issuer import COOL_DOWN, REFRESH, STALE, Introspection
from keepgate.auth.resource import Resource
from keepgate.model.errors import AuthenticationError, RemoteError
from tests.auth import tokens
from tests.auth.tokens import EC, GATE, NOW, OTHER, URL, World, jwk, proof, request, show, token


def run(work):
    return asyncio.run(work)


def refusal(work):
    with pytest.raises(RemoteError) as caught:
        run(work)
    return caught.value


# Whom it stands for


def test_what_a_token_says_becomes_the_principal():
    text = token(
        groups=["staff", "ops"],
        org={"id": "acme"},
        acr="urn:mfa",
        auth_time=NOW - 60,
        act={"sub": "agent-2", "act": {"sub": "agent-1"}},
    )
    world = World()
    server = world.server(world.authority(claims={"groups": ("groups",), "tenant": ("org", "id")}))
    found = run(show(server, text))
    assert found.grantees == ("user:alice", "client:cursor", "group:staff", "group:ops", "tenant:acme")
    assert found.actors == ("agent-2", "agent-1")
    assert found.auth.scopes == {"openid", "mcp"}
    assert (found.auth.acr, found.auth.auth_time, found.auth.until) == ("urn:mfa", NOW - 60, NOW + 300)
    assert found.id == "oauth:corp@acme/alice/cursor/agent-2/agent-1"


@pytest.mark.parametrize(
    ("claims", "grantees"),
    [
        ({"sub": "cursor"}, ("client:cursor",)),  # client credentials: nobody's user
        ({"scp": ["a", "b"], "scope": None}, ("user:alice", "client:cursor")),
        ({"sub": "a/b", "client_id": "c/d"}, ("user:a/b", "client:c/d")),
    ],
)
def test_grants_name_user_and_client(claims, grantees):
    assert run(show(World().server(), token(**claims))).grantees == grantees


def test_no_two_identities_share_an_id():
    pairs = [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c"), ("a", "c"), ("c", "a"), ("c", "c")]
    ids = {run(show(World().server(), token(sub=sub, client_id=client))).id for sub, client in pairs}
    assert len(ids) == len(pairs)


def two_issuers():
    """`corp` names people as they are, `partner` under its prefix."""
    world, second = World(), "https://login.partner.example"
    world.documents[f"{second}/.well-known/oauth-authorization-server"] = {
        "issuer": second,
        "jwks_uri": f"{second}/jwks",
    }
    world.documents[f"{second}/jwks"] = {"keys": [jwk(OTHER, "rsa")]}
    corp = world.authority(foreign=("partner/",), claims={"groups": ("groups",)})
    partner = world.authority(name="partner", url=second, prefix="partner/", claims={"groups": ("groups",)})
    return world.server(corp, partner), second


def test_the_same_subject_of_two_issuers_is_two_principals():
    server, second = two_issuers()
    ours, theirs = (
        run(show(server, token())),
        run(show(server, token({}, OTHER, iss=second, groups=["staff"]))),
    )
    assert ours.id != theirs.id
    assert theirs.grantees == ("user:partner/alice", "client:partner/cursor", "group:partner/staff")


@pytest.mark.parametrize(
    "claims", [{"sub": "partner/alice"}, {"client_id": "partner/x"}, {"groups": ["ok", "partner/staff"]}]
)
def test_no_issuer_names_those_of_another(claims):
    server, _ = two_issuers()
    assert refusal(show(server, token(**claims))).status == 401


def test_no_issuer_signs_for_another():
    server, second = two_issuers()
    assert refusal(show(server, token({}, tokens.RSA, iss=second))).status == 401
    assert refusal(show(server, token({}, OTHER))).status == 401


def test_an_address_counts_only_once_it_was_verified():
    world = World()
    server = world.server(world.authority(claims={"user": ("email",)}))
    assert run(show(server, token(email="a@example.com", email_verified=True))).user == "a@example.com"
    for claims in ({"email": "a@example.com"}, {"email": "a@example.com", "email_verified": "true"}):
        assert refusal(show(server, token(**claims))).status == 401


# Where it counts


@pytest.mark.parametrize(
    ("aud", "path", "opens"),
    [
        (f"{GATE}/mcp", "/mcp", True),
        (f"{GATE}/mcp", "/mcp/files", True),
        (f"{GATE}/mcp/files", "/mcp/files", True),
        (f"{GATE}/mcp/files", "/mcp/files/sse", True),
        (f"{GATE}/mcp/files", "/mcp/crm", False),
        (f"{GATE}/mcp/files", "/mcp", False),
        (f"{GATE}/mcp/files", "/sse", False),
        (GATE, "/mcp", False),
        ("api://keepgate", "/mcp/files", True),
    ],
)
def test_a_token_counts_where_it_was_issued_for(aud, path, opens):
    world = World()
    server = world.server(world.authority(audience=frozenset(["api://keepgate"])))
    if opens:
        found = run(show(server, token(aud=aud), at=request(path)))
        assert found.auth.metadata == Resource(GATE, ()).metadata_url(path)
    else:
        assert refusal(show(server, token(aud=aud), at=request(path))).status == 401


def test_a_token_that_is_known_at_one_endpoint_is_judged_anew_at_another():
    server, text = World().server(), token(aud=f"{GATE}/mcp/files")
    run(show(server, text, at=request("/mcp/files")))
    assert refusal(show(server, text, at=request("/mcp/crm"))).status == 401


# What is remembered


def test_endpoints_that_somebody_invents_push_no_other_token_out():
    server, shown = World().server(), token()
    for number in range(100):
        run(show(server, shown, at=request(f"/mcp/x{number}")))
    (places,) = server._known.values()
    assert len(places) <= resource_server.MAX_PLACES


def test_a_known_token_asks_nobody_and_needs_no_loop():
    world = World()
    server, text = world.server(), token()
    first = run(show(server, text))
    asked = len(world.asked)
    assert server.recognise(request(), "bearer", text) is first
    assert len(world.asked) == asked == 2


def test_a_known_token_ends_when_it_expires():
    world = World()
    server, text = world.server(), token()
    run(show(server, text))
    world.now += 329
    assert server.recognise(request(), "bearer", text) is not None
    world.now += 2
    assert refusal(show(server, text)).public == "the token has expired"


def test_a_head_that_was_seen_is_recognised_until_its_token_ends():
    world = World()
    server, text, at = world.server(), token(), request()
    assert server.remembered(at) is None
    first = run(show(server, text, at=at))
    assert server.recognise(at, "bearer", text) is server.remembered(at) is first
    new_key(world, jwk(OTHER, "next"))
    world.now += COOL_DOWN
    run(show(server, token({"kid": "next"}, OTHER)))
    assert server.remembered(at) is None  # its key is gone
    other = request()
    run(show(server, token({"kid": "next"}, OTHER), at=other))
    server.recognise(other, "bearer", token({"kid": "next"}, OTHER))
    assert server.remembered(other) is not None
    world.now += 331
    assert server.remembered(other) is None


def test_a_head_with_a_proof_is_not_recognised_again():
    server, text = World().server(), bound()
    at = with_proof(text)
    run(show(server, text, "dpop", at))
    assert server.remembered(at) is None


def test_what_is_remembered_is_bounded():
    world = World()
    server = world.server()
    text = token()
    run(show(server, text))
    for number in range(resource_server.MAX_KNOWN + 10):
        server._known[bytes(str(number), "ascii")] = next(iter(server._known.values()))
        if len(server._known) > resource_server.MAX_KNOWN:
            server._forget()
    assert len(server._known) <= resource_server.MAX_KNOWN


# Keys that change


def new_key(world, *keys):
    world.documents[f"{URL}/jwks"] = {"keys": list(keys)}


def test_a_new_key_is_fetched_when_a_token_names_it():
    world = World()
    server = world.server()
    run(show(server, token()))
    new_key(world, jwk(OTHER, "next"))
    world.now += COOL_DOWN
    assert run(show(server, token({"kid": "next"}, OTHER))).user == "alice"


def test_a_withdrawn_key_ends_the_tokens_it_signed():
    world = World()
    server, text = world.server(), token()
    run(show(server, text))
    new_key(world, jwk(OTHER, "next"))
    world.now += COOL_DOWN
    run(show(server, token({"kid": "next"}, OTHER)))
    assert refusal(show(server, text)).status == 401


def test_unknown_keys_do_not_make_the_issuer_be_asked_at_will():
    world = World()
    server = world.server()
    run(show(server, token()))
    world.now += COOL_DOWN
    asked = len(world.asked)
    for number in range(50):
        assert refusal(show(server, token({"kid": f"k{number}"}))).status == 401
    assert len(world.asked) == asked + 1


def test_keys_are_renewed_in_the_background():
    async def work():
        world = World()
        server, text = world.server(), token(exp=NOW + 10_000)
        await show(server, text)
        new_key(world, jwk(tokens.RSA, "rsa"), jwk(OTHER, "next"))
        world.now += REFRESH + 1
        assert server.recognise(request(), "bearer", text) is not None  # by the keys that are there
        await asyncio.sleep(0.01)
        fresh = token({"kid": "next"}, OTHER, iat=world.now, exp=world.now + 60)
        assert server.recognise(request(), "bearer", fresh) is not None

    run(work())


def test_an_issuer_that_cannot_be_reached_opens_nothing_and_is_not_asked_again_at_once():
    world = World(down=True)
    server = world.server()
    for _ in range(3):
        error = refusal(show(server, token()))
        assert (error.status, type(error)) == (503, RemoteError)
    assert len(world.asked) == 2
    world.down = False
    world.now += COOL_DOWN
    assert run(show(server, token(exp=NOW + 900))).user == "alice"


def test_keys_that_were_not_confirmed_for_long_are_not_believed():
    world = World()
    server = world.server()
    run(show(server, token()))
    world.down = True
    world.now += STALE + 1
    assert refusal(show(server, token(iat=world.now, exp=world.now + 60))).status == 503


def test_those_who_wait_for_keys_wait_for_one_fetch():
    async def work():
        world = World()
        server = world.server()
        await asyncio.gather(*(show(server, token(jti=str(number))) for number in range(20)))
        return world.asked

    assert len(run(work())) == 2


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": URL + "/", "jwks_uri": f"{URL}/jwks"},
        {"issuer": "https://evil.example.com", "jwks_uri": f"{URL}/jwks"},
        {"jwks_uri": f"{URL}/jwks"},
        {"issuer": URL},
        {"issuer": URL, "jwks_uri": "http://login.example.com/jwks"},
        {"issuer": URL, "jwks_uri": "file:///etc/passwd"},
        {"issuer": URL, "jwks_uri": ["https://login.example.com/jwks"]},
        b"[]",
        b"<html>",
        b'{"issuer": "x", "issuer": "y"}',
    ],
)
def test_metadata_of_somebody_else_or_without_keys_opens_nothing(metadata):
    world = World()
    world.documents[f"{URL}/.well-known/oauth-authorization-server"] = metadata
    world.documents["http://login.example.com/jwks"] = world.documents[f"{URL}/jwks"]
    assert refusal(show(world.server(), token())).status == 503


def test_an_issuer_with_a_path_is_looked_for_in_three_places():
    world, url = World(), "https://login.example.com/realms/corp"
    place = f"{url}/.well-known/openid-configuration"
    world.documents[place] = {"issuer": url, "jwks_uri": f"{URL}/jwks"}
    assert run(show(world.server(world.authority(url=url)), token(iss=url))).user == "alice"
    assert world.asked[:3] == [
        "https://login.example.com/.well-known/oauth-authorization-server/realms/corp",
        "https://login.example.com/.well-known/openid-configuration/realms/corp",
        place,
    ]


# Refusals


def test_without_a_token_the_challenge_tells_where_to_go_and_of_no_error():
    server = World().server(scopes=("mcp", "a"))
    assert server.challenge("/mcp/files") == (
        f'Bearer scope="a mcp", resource_metadata="{GATE}/.well-known/oauth-protected-resource/mcp/files"'
    )


@pytest.mark.parametrize(
    "path", ['/mcp/"', "/mcp/\u20ac", "/mcp/a\\", "/mcp/" + "a" * 5000, '/mcp/", x="/sse']
)
def test_a_path_that_no_server_has_is_refused_like_any_other(path):
    server = World().server()
    assert server.challenge(path) == server.challenge("/mcp")
    with pytest.raises(AuthenticationError) as caught:
        asyncio.run(tokens.show(server, token(aud="https://other.example.com"), at=request(path)))
    assert f'resource_metadata="{GATE}/.well-known/oauth-protected-resource/mcp"' in caught.value.challenge


def test_no_refusal_quotes_the_token():
    for text in (token(sub="se\x01cret"), token(iss="https://secret"), token({"typ": "secret"}), "secret"):
        error = refusal(show(World().server(), text))
        assert "secret" not in error.public + error.challenge


# Asking about tokens


def introspecting(world, answer, **settings):
    world.documents[f"{URL}/introspect"] = answer
    how = Introspection("gate", lambda: "s:e c", **settings)
    return world.server(world.authority(introspection=how))


ACTIVE = {"active": True, **{k: tokens.CLAIMS[k] for k in ("sub", "client_id", "aud", "exp", "scope")}}


def test_an_opaque_token_is_asked_about_with_the_clients_own_credentials():
    world = World()
    server = introspecting(world, ACTIVE)
    assert run(show(server, "opaque-1")).grantees == ("user:alice", "client:cursor")
    form, headers = world.forms[0]
    assert parse_qs(form.decode()) == {"token": ["opaque-1"], "token_type_hint": ["access_token"]}
    assert b64decode(headers["Authorization"].removeprefix("Basic ")) == b"gate:s%3Ae+c"
    run(show(server, "opaque-1"))
    assert len(world.forms) == 1


def test_a_token_that_does_not_say_when_it_ends_does_not_hold_streams_open_for_ever():
    answer = {name: value for name, value in ACTIVE.items() if name != "exp"}
    found = run(show(introspecting(World(), answer), "opaque-1"))
    assert not found.expired(NOW + 3599)
    assert found.expired(NOW + 3600)


def test_a_revoked_token_ends_within_the_interval():
    world = World()
    server = introspecting(world, ACTIVE, interval=60.0)
    run(show(server, "opaque-1"))
    world.documents[f"{URL}/introspect"] = {"active": False}
    world.now += 59
    assert run(show(server, "opaque-1")).user == "alice"
    world.now += 2
    assert refusal(show(server, "opaque-1")).status == 401


def test_a_token_that_is_not_active_is_not_asked_about_at_will():
    world = World()
    server = introspecting(world, {"active": False})
    for _ in range(5):
        assert refusal(show(server, "opaque-1")).status == 401
    assert len(world.forms) == 1
    world.now += resource_server.REFUSED_SECONDS
    refusal(show(server, "opaque-1"))
    assert len(world.forms) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {**ACTIVE, "active": "true"},
        {**ACTIVE, "active": 1},
        {"sub": "alice"},
        b"active",
        [],
        b'{"active": true, "active": false}',
    ],
)
def test_an_answer_that_cannot_be_understood_opens_nothing(answer):
    assert refusal(show(introspecting(World(), answer), "opaque")).status == 503


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": None},
        {"aud": "https://other"},
        {"iss": "https://evil.example.com"},
        {"exp": NOW - 100},
        {"client_id": None},
        {"sub": None},
        {"cnf": {"x5t#S256": "a"}},
    ],
)
def test_an_active_token_has_to_be_for_this_gateway_all_the_same(claims):
    answer = {name: value for name, value in {**ACTIVE, **claims}.items() if value is not None}
    assert refusal(show(introspecting(World(), answer), "opaque")).status == 401


def test_opaque_tokens_are_refused_where_nobody_can_be_asked():
    world = World()
    assert refusal(show(world.server(), "opaque")).status == 401
    assert not world.asked


def test_signed_tokens_can_be_asked_about_as_well():
    world = World()
    server = introspecting(world, {"active": True}, always=True)
    assert run(show(server, token())).user == "alice"
    world.documents[f"{URL}/introspect"] = {"active": False}
    world.now += 61
    assert refusal(show(server, token())).status == 401
    assert refusal(show(server, token(aud="https://other"))).public == "the token is for another audience"


def test_an_unreachable_introspection_endpoint_opens_nothing():
    world = World()
    server = introspecting(world, ACTIVE)
    del world.documents[f"{URL}/introspect"]
    assert refusal(show(server, "opaque")).status == 503


# Proof of possession

JKT = EC.thumbprint()


def bound(**claims):
    return token(cnf={"jkt": JKT}, **claims)


def with_proof(text, **changes):
    return request(dpop=proof(EC, text=text, **changes))


def test_a_bound_token_opens_with_a_proof_and_only_once():
    server, text = World().server(), bound()
    at = with_proof(text)
    found = run(show(server, text, "dpop", at))
    assert found.auth.scheme == "DPoP"
    error = refusal(show(server, text, "dpop", at))
    assert error.status == 401
    assert error.public == "the DPoP proof has been used before"
    assert error.challenge.startswith('DPoP error="invalid_dpop_proof"')
    assert run(show(server, text, "dpop", with_proof(text, jti="j2"))).id == found.id


def test_a_bound_token_does_not_open_as_a_bearer_token():
    server, text = World().server(), bound()
    run(show(server, text, "dpop", with_proof(text)))
    for at in (request(), with_proof(text, jti="j2")):
        assert refusal(show(server, text, "bearer", at)).status == 401
    assert refusal(show(server, text, "dpop", request())).status == 401


def test_an_unbound_token_is_not_made_better_by_a_proof():
    text = token()
    assert refusal(show(World().server(), text, "dpop", with_proof(text))).status == 401


def test_an_issuer_can_be_held_to_bound_tokens():
    world = World()
    server = world.server(world.authority(dpop_required=True))
    assert refusal(show(server, token())).status == 401
    text = bound()
    assert run(show(server, text, "dpop", with_proof(text))).user == "alice"


def test_the_proof_of_a_request_that_was_let_in_counts_for_that_request_only():
    server, text = World().server(), bound()
    run(show(server, text, "dpop", with_proof(text)))
    at = request(method="DELETE", dpop=proof(EC, text=text, jti="j2"))
    assert refusal(show(server, text, "dpop", at)).public == "the DPoP proof is for another method"
    at = request("/mcp/files", dpop=proof(EC, text=text, jti="j3"))
    assert refusal(show(server, text, "dpop", at)).public == "the DPoP proof is for another URL"


def test_a_nonce_is_demanded_given_and_taken():
    world = World()
    server, text = world.server(nonces=True), bound()
    error = refusal(show(server, text, "dpop", with_proof(text)))
    assert 'error="use_dpop_nonce"' in error.challenge
    nonce = dict(error.headers)["DPoP-Nonce"]
    assert run(show(server, text, "dpop", with_proof(text, nonce=nonce))).user == "alice"
    world.now += 241
    error = refusal(show(server, text, "dpop", with_proof(text, nonce=nonce, jti="j2", iat=world.now)))
    assert dict(error.headers)["DPoP-Nonce"] != nonce


def test_keys_of_an_issuer_may_be_elsewhere_if_that_is_configured():
    world, key = World(), RSAKey.generate_key(2048)
    world.documents["https://keys.example.net/set"] = {"keys": [jwk(key, "k")]}
    server = world.server(world.authority(jwks_url="https://keys.example.net/set"))
    assert run(show(server, token({"kid": "k"}, key))).user == "alice"
    assert world.asked == ["https://keys.example.net/set"]
