"""The pages of logins: what a browser brings back is read in one way, and who opens one must be who it is for."""

import html
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from keepgate.auth.access_token import TokenError
from keepgate.auth.client.pages import Doors, once
from keepgate.auth.client.tickets import Tickets
from keepgate.auth.oidc import LoginError, Pending
from keepgate.model.access import Authentication, Principal
from tests.auth.client.issuer import Keep, World

GATE = "https://gate.example.com"
ALICE = Principal(
    "oauth:corp@acme/alice/app",
    "oauth",
    tenant="acme",
    user="alice",
    client="app",
    auth=Authentication("corp"),
)
WORKLOAD = Principal("oauth:corp/app/app", "oauth", client="app", auth=Authentication("corp"))


def test_what_is_there_twice_is_not_there():
    assert once("state=a&code=b&state=c&iss=d") == {"code": "b", "iss": "d"}


def test_too_much_is_nothing():
    assert once("&".join(f"a{number}=b" for number in range(100))) == {}
    assert once("x" * 100_000) == {}


class Prover:
    """What of auth.oidc.OidcLogin the pages use."""

    shown: Principal | Exception = ALICE

    async def begin(self, redirect, state, **_):
        self.redirect = redirect
        return f"https://corp.example.com/authorize?state={state}", Pending(redirect, "v", "n")

    async def answered(self, pending, answer):
        assert pending.redirect_uri == self.redirect
        if isinstance(self.shown, LoginError):
            raise self.shown
        return answer

    def principal(self, claims):
        if isinstance(self.shown, TokenError):
            raise self.shown
        return self.shown


@pytest.fixture
def doors():
    async def granted(principal, server): ...

    made = Doors(Tickets(lambda: 0.0), None, GATE, {}, granted)
    made.provers["corp"] = Prover()
    made.logins["crm"] = World().login(), Keep()
    return made


def noted(doors):
    """What was recorded."""
    found = []
    doors.note = lambda name, reason, **more: found.append(name)
    return found


def browser_of(doors):
    return TestClient(Starlette(routes=doors.routes(None)), base_url=GATE)


def shown(doors, principal=ALICE):
    """The page that an error names, and where its button leads, in one browser."""
    error = doors.need(principal, "crm", {}, ())
    browser = browser_of(doors)
    page = browser.post(error.url.removeprefix(GATE))
    state = html.unescape(page.text.split("state=", 1)[1].split('"', 1)[0])
    return browser, {"state": state, "code": "c"}


def test_who_it_is_for_goes_on_to_the_server(doors):
    browser, back = shown(doors)
    page = browser.get("/login/proof", params=back)
    assert (page.status_code, "login.example.com" in page.text) == (200, True)


@pytest.mark.parametrize(
    "somebody",
    [
        replace(ALICE, user="mallory"),
        replace(ALICE, user=""),
        replace(ALICE, tenant="other"),
        replace(ALICE, tenant=""),
        LoginError("the ID token is of another login"),
        TokenError("the token has no usable user"),
    ],
)
def test_nobody_else_does(doors, somebody):
    doors.provers["corp"].shown, notes = somebody, noted(doors)
    browser, back = shown(doors)
    page = browser.get("/login/proof", params=back)
    assert (page.status_code, "href" in page.text) == (403, False)
    assert notes == ["login.refused"]
    assert browser.get("/login/proof", params=back).status_code == 400


def test_another_browser_another_state_or_a_second_time_is_nothing(doors):
    browser, back = shown(doors)
    assert browser_of(doors).get("/login/proof", params=back).status_code == 400
    assert browser.get("/login/proof", params=back | {"state": "x"}).status_code == 400
    assert browser.get("/login/proof").status_code == 400
    assert browser.get("/login/proof", params=back).status_code == 200
    assert browser.get("/login/proof", params=back).status_code == 400


def test_a_proof_is_no_answer_of_the_server(doors):
    """The states of the two logins are not each other's."""
    browser, back = shown(doors)
    assert browser.get("/login/callback", params=back).status_code == 400
    assert browser.get("/login/proof", params=back).status_code == 200


@pytest.mark.parametrize("principal", [WORKLOAD, replace(ALICE, auth=Authentication("other"))])
def test_who_cannot_show_it_has_the_command_line(doors, principal):
    error = doors.need(principal, "crm", {}, ())
    assert error.url == ""
    assert "keepgate login crm" in error.how


def test_a_key_does_not_open_the_page_of_a_user(doors):
    error = doors.need(ALICE, "crm", {}, ())
    page = browser_of(doors).get(error.url.removeprefix(GATE))
    assert 'name="key"' not in page.text
