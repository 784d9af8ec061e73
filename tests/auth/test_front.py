"""The login front: the rules that keep somebody's login from being used for a client they never agreed to."""

import pytest

from keepgate.auth.front_clients import ClientError, check_redirect, described
from keepgate.model.keys import FRONT_PREFIX
from tests.auth.front_lab import BACK, LOCAL, Lab, play, query
from tests.auth.tokens import GATE, NOW


def test_the_whole_way_gives_a_token_of_who_logged_in_for_who_asked():
    async def way():
        lab = Lab()
        tokens = await lab.tokens()
        assert tokens["token_type"] == "Bearer"
        assert tokens["expires_in"] == 600
        principal = lab.front.principal(tokens["access_token"], "/mcp")
        assert (principal.user, principal.client) == ("alice", "app")
        assert principal.auth.acr == "urn:mfa"
        assert principal.auth.scopes == {"mcp"}
        assert [event for event, _ in lab.notes] == ["front.agreed", "front.login", "front.tokens"]
        assert tokens["access_token"] not in str(lab.notes)

    play(way())


def test_what_comes_back_names_the_issuer_and_the_state():
    async def way():
        back, _ = await Lab().code(state="as given & safe")
        assert back["state"] == "as given & safe"
        assert back["iss"] == GATE

    play(way())


def test_the_page_names_the_client_and_where_it_leads_and_cannot_be_framed():
    async def way():
        lab = Lab()
        shown = await lab.browser.get(lab.request()[0])
        assert "The App" in shown.text
        assert "app.example.com" in shown.text
        assert f"{GATE}/mcp" in shown.text
        assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
        assert shown.headers["x-frame-options"] == "DENY"
        cookie = shown.headers["set-cookie"]
        assert cookie.startswith("__Host-keepgate-login=")
        for word in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
            assert word in cookie
        assert "location" not in shown.headers, "nobody is sent on before they agreed"

    play(way())


def test_a_name_is_no_markup():
    hostile = described("x", {"client_name": "<script>alert(1)</script>", "redirect_uris": [BACK]})

    async def way():
        lab = Lab()
        lab.clients._configured = {"app": hostile}
        shown = await lab.browser.get(lab.request()[0])
        assert "<script>" not in shown.text
        assert "&lt;script&gt;" in shown.text

    play(way())


@pytest.mark.parametrize(
    "more",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": BACK + "?x=1"},
        {"redirect_uri": BACK.replace("app.", "app.example.com@evil.")},
        {"redirect_uri": BACK.upper()},
        {"redirect_uri": None},
        {"redirect_uri": "http://127.0.0.1:9999/other"},
        {"redirect_uri": "http://localhost:3333/back"},
    ],
)
def test_a_client_or_redirect_that_is_not_right_is_sent_nowhere(more):
    async def way():
        lab = Lab()
        answer = await lab.browser.get(lab.request(**more)[0])
        assert answer.status_code == 400
        assert "location" not in answer.headers

    play(way())


def test_on_this_machine_the_port_is_the_programs_own():
    async def way():
        lab = Lab()
        back, verifier = await lab.code(redirect_uri="http://127.0.0.1:49152/back")
        answer = await lab.redeem(back["code"], verifier, redirect_uri="http://127.0.0.1:49152/back")
        assert answer.status_code == 200

    play(way())


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "unsupported_response_type"),
        ({"resource": "https://other.example/mcp"}, "invalid_target"),
        ({"resource": f"{GATE}/mcp/"}, "invalid_target"),
        ({"acr_values": "a\nb"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"state": "x" * 2000}, "invalid_request"),
    ],
)
def test_what_else_is_wrong_is_told_to_the_client(more, error):
    async def way():
        lab = Lab()
        answer = await lab.browser.get(lab.request(**more)[0])
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(BACK)
        assert query(answer.headers["location"])["error"] == error
        assert query(answer.headers["location"])["iss"] == GATE

    play(way())


def test_a_parameter_twice_is_refused():
    async def way():
        lab = Lab()
        url, _ = lab.request()
        assert (await lab.browser.get(f"{url}&client_id=other")).status_code == 400

    play(way())


def test_who_says_no_is_not_logged_in():
    async def way():
        lab = Lab()
        answer = await lab.agree(await lab.page(lab.request()[0]), "no")
        assert query(answer.headers["location"])["error"] == "access_denied"
        assert lab.notes == [("front.refused", "app to app.example.com")]

    play(way())


@pytest.mark.parametrize(
    "attack", ["no cookie", "another browser", "csrf", "page", "twice", "site", "origin", "late"]
)
def test_only_the_browser_that_saw_the_page_agrees_and_once(attack):
    """The confused deputy: a page of somebody else's that answers for the person."""

    async def way():
        lab = Lab()
        form = await lab.page(lab.request()[0])
        if attack in ("no cookie", "another browser"):
            lab.browser = lab.new_browser()
            if attack == "another browser":
                await lab.page(lab.request()[0])
        elif attack in ("csrf", "page"):
            form[attack] = "x" * 43
        elif attack == "twice":
            assert (await lab.agree(form)).status_code == 303
        elif attack == "site":
            lab.browser.headers["Sec-Fetch-Site"] = "cross-site"
        elif attack == "origin":
            lab.browser.headers["Origin"] = "https://evil.example"
        elif attack == "late":
            lab.world.now += 601
        answer = await lab.agree(form)
        assert answer.status_code == 400
        assert "location" not in answer.headers

    play(way())


@pytest.mark.parametrize("attack", ["state", "no cookie", "twice", "late", "iss", "no iss"])
def test_only_the_browser_that_agreed_comes_back_and_once(attack):
    """A login that somebody else began: its code must not end in this person's client, nor the other way."""

    async def way():
        lab = Lab()
        there = (await lab.agree(await lab.page(lab.request()[0]))).headers["location"]
        back = lab.log_in(there)
        if attack == "state":
            back = lab.log_in(there, state="x" * 43)
        elif attack == "no cookie":
            lab.browser = lab.new_browser()
        elif attack == "twice":
            assert "code" in query((await lab.browser.get(back)).headers["location"])
            back = lab.log_in(there)
        elif attack == "late":
            lab.world.now += 601
        elif attack == "iss":
            back = lab.log_in(there, iss="https://evil.example")
        elif attack == "no iss":
            back = back.replace("&iss=", "&x=")
        answer = await lab.browser.get(back)
        if attack.endswith("iss"):
            assert query(answer.headers["location"])["error"] == "access_denied"
        else:
            assert answer.status_code == 400
            assert "location" not in answer.headers

    play(way())


@pytest.mark.parametrize(
    "flaws",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"aud": ["keepgate-at-corp", "somebody-else"]},
        {"azp": "somebody-else"},
        {"iss": "https://evil.example"},
        {"exp": NOW - 31},
        {"exp": None},
        {"iat": NOW + 60},
        {"exp": True},
        {"sub": None},
        {"sub": "a\nb"},
    ],
)
def test_an_id_token_that_is_not_of_this_login_lets_nobody_in(flaws):
    async def way():
        lab = Lab(flaws=flaws)
        back, _ = await lab.code()
        assert back["error"] == "access_denied"
        assert "code" not in back

    play(way())


def test_an_id_token_that_is_not_signed_lets_nobody_in():
    async def way():
        lab = Lab(header={"kid": "unknown"})
        assert (await lab.code())[0]["error"] == "access_denied"

    play(way())


def test_a_level_of_login_is_asked_for_and_held():
    async def way():
        assert "code" in (await Lab().code(acr_values="urn:mfa"))[0]
        assert (await Lab(flaws={"acr": "urn:password"}).code(acr_values="urn:mfa"))[0][
            "error"
        ] == "access_denied"

    play(way())


@pytest.mark.parametrize(
    "more",
    [
        {"client_id": "other"},
        {"redirect_uri": LOCAL},
        {"code_verifier": "x" * 43},
        {"code_verifier": ""},
        {"resource": f"{GATE}/mcp/files"},
        {"code": "x"},
        {"grant_type": "password"},
        {"client_secret": "x"},
    ],
)
def test_a_code_is_for_who_asked_with_what_was_asked(more):
    async def way():
        lab = Lab()
        back, verifier = await lab.code()
        given = {"code": back["code"], "verifier": verifier}
        if "code_verifier" in more:
            given["verifier"] = more.pop("code_verifier")
        if "code" in more:
            given["code"] = more.pop("code")
        answer = await lab.redeem(given["code"], given["verifier"], **more)
        assert answer.status_code in (400, 401)
        assert "access_token" not in answer.text

    play(way())


def test_a_code_counts_once_and_a_second_use_ends_what_came_of_the_first():
    async def way():
        lab = Lab()
        back, verifier = await lab.code()
        tokens = (await lab.redeem(back["code"], verifier)).json()
        assert lab.front.principal(tokens["access_token"], "/mcp") is not None
        assert (await lab.redeem(back["code"], verifier)).status_code == 400
        assert lab.front.principal(tokens["access_token"], "/mcp") is None
        assert (await lab.refresh(tokens["refresh_token"])).status_code == 400

    play(way())


def test_a_code_is_for_a_minute():
    async def way():
        lab = Lab()
        back, verifier = await lab.code()
        lab.world.now += 61
        assert (await lab.redeem(back["code"], verifier)).status_code == 400

    play(way())


def test_refresh_tokens_rotate_and_a_second_use_ends_all():
    async def way():
        lab = Lab()
        first = await lab.tokens()
        second = (await lab.refresh(first["refresh_token"])).json()
        assert lab.front.principal(first["access_token"], "/mcp") is None, "one access token at a time"
        assert lab.front.principal(second["access_token"], "/mcp") is not None
        assert (await lab.refresh(second["refresh_token"], client_id="other")).status_code == 400
        assert (await lab.refresh(first["refresh_token"])).status_code == 400
        assert lab.front.principal(second["access_token"], "/mcp") is None
        assert (await lab.refresh(second["refresh_token"])).status_code == 400

    play(way())


def test_tokens_end_in_time_and_with_the_login():
    async def way():
        lab = Lab()
        tokens = await lab.tokens()
        lab.world.now += 601
        assert lab.front.principal(tokens["access_token"], "/mcp") is None
        fresh = (await lab.refresh(tokens["refresh_token"])).json()
        lab.world.now += 28_800
        assert (await lab.refresh(fresh["refresh_token"])).status_code == 400

    play(way())


def test_a_revoked_token_ends_its_login():
    async def way():
        for kind in ("access_token", "refresh_token"):
            lab = Lab()
            tokens = await lab.tokens()
            assert (await lab.browser.post("/oauth/revoke", data={"token": tokens[kind]})).status_code == 200
            assert lab.front.principal(tokens["access_token"], "/mcp") is None
            assert (await lab.refresh(tokens["refresh_token"])).status_code == 400

    play(way())


def test_a_token_for_one_server_opens_only_that():
    async def way():
        lab = Lab()
        tokens = await lab.tokens(resource=f"{GATE}/mcp/files")
        assert lab.front.principal(tokens["access_token"], "/mcp/files") is not None
        assert lab.front.principal(tokens["access_token"], "/mcp") is None
        assert lab.front.principal(tokens["access_token"], "/mcp/other") is None
        assert lab.front.principal(FRONT_PREFIX + "x" * 43, "/mcp/files") is None

    play(way())


CIMD = "https://app.example.com/client.json"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"client_id": CIMD, "redirect_uris": [BACK], "client_name": "A"}, ""),
        ({"client_id": CIMD + "x", "redirect_uris": [BACK]}, "another client"),
        ({"redirect_uris": [BACK]}, "another client"),
        ({"client_id": CIMD, "redirect_uris": []}, "no redirect"),
        ({"client_id": CIMD, "redirect_uris": ["javascript:alert(1)"]}, "must be https"),
        ({"client_id": CIMD, "redirect_uris": ["http://evil.example/"]}, "must be https"),
        (
            {"client_id": CIMD, "redirect_uris": [BACK], "token_endpoint_auth_method": "client_secret_basic"},
            "public",
        ),
        ([], "another client"),
        (b"{", "valid JSON"),
    ],
)
def test_a_client_is_described_by_a_document_at_its_own_address(document, why):
    async def way():
        lab = Lab()
        lab.world.documents[CIMD] = document
        answer = await lab.browser.get(lab.request(client_id=CIMD)[0])
        assert answer.status_code == (400 if why else 200)
        assert why in answer.text

    play(way())


@pytest.mark.parametrize(
    "client_id",
    [
        "http://app.example.com/c.json",
        "https://app.example.com",
        "https://app.example.com/",
        "https://a@b/c",
        "https://a/../b",
    ],
)
def test_an_address_that_cannot_be_a_clients_is_not_asked(client_id):
    async def way():
        lab = Lab()
        assert (await lab.browser.get(lab.request(client_id=client_id)[0])).status_code == 400
        assert lab.world.asked == []

    play(way())


def test_nobody_registers_unless_that_is_on():
    document = {"client_name": "B", "redirect_uris": [BACK], "grant_types": ["authorization_code"]}

    async def way():
        off, on = Lab(), Lab(registration=True)
        assert (await off.browser.post("/oauth/register", json=document)).status_code == 404
        assert (
            "registration_endpoint"
            not in (await off.browser.get("/.well-known/oauth-authorization-server")).json()
        )
        made = await on.browser.post("/oauth/register", json=document)
        assert made.status_code == 201
        assert made.json()["token_endpoint_auth_method"] == "none"
        assert "code" in (await on.code(client_id=made.json()["client_id"]))[0]
        for wrong in (
            {},
            {"redirect_uris": ["x:y"]},
            {**document, "token_endpoint_auth_method": "private_key_jwt"},
        ):
            assert (await on.browser.post("/oauth/register", json=wrong)).status_code == 400

    play(way())


def test_nothing_happens_that_cannot_be_recorded():
    async def way():
        lab = Lab()
        form = await lab.page(lab.request()[0])
        lab.unrecordable = True
        answer = await lab.agree(form)
        assert answer.status_code == 503
        assert "location" not in answer.headers

    play(way())


def test_who_asks_too_often_waits_and_a_provider_that_is_gone_is_said():
    async def way():
        lab = Lab()
        lab.wait = 1.0
        assert (await lab.browser.get(lab.request()[0])).status_code == 429
        lab.wait, lab.world.down = 0.0, True
        assert (await lab.agree(await lab.page(lab.request()[0]))).status_code == 503

    play(way())


def test_the_metadata_promises_what_is_there():
    async def way():
        lab = Lab()
        document = (await lab.browser.get("/.well-known/oauth-authorization-server")).json()
        assert document["issuer"] == GATE
        assert document["code_challenge_methods_supported"] == ["S256"]
        assert document["client_id_metadata_document_supported"] is True
        for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint"):
            path = document[name].removeprefix(GATE)
            assert (await lab.browser.post(path)).status_code != 404

    play(way())


@pytest.mark.parametrize(
    "redirect",
    [
        "https://a/*",
        "https://a b/",
        "https://u@a/",
        "https://@a/",
        "https://:p@a/",
        "https://[::1",
        "https://a:x/",
        "https://a/#x",
        "x" * 600,
        1,
        "https:///x",
    ],
)
def test_redirects_are_written_out(redirect):
    with pytest.raises(ClientError):
        check_redirect(redirect)
