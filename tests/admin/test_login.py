"""Logging in with two factors, over HTTP with a running keepgate."""

import time
from dataclasses import dataclass, replace

import httpx2
import pytest

from keepgate.admin import administrators, totp
from keepgate.admin.administrators import Roll
from keepgate.admin.password import hashed
from keepgate.admin.reception import permit_enrolment
from keepgate.compose.secrets import admin_codes
from keepgate.config import load
from keepgate.stores.admins import JsonAdminStore
from tests.admin.authenticator import PRESENT, Authenticator
from tests.admin.conftest import ROOT, desk_in

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """An administrator with a key, a password and a shared secret, and a permission to add a passkey."""

    name: str
    key: str
    secret: bytes
    enrolment: str
    address: str = ""

    def code(self, steps: int = 0) -> str:
        from cryptography.hazmat.primitives.hashes import SHA1
        from cryptography.hazmat.primitives.twofactor.totp import TOTP

        clock = TOTP(self.secret, 6, SHA1(), 30, enforce_key_length=False)
        return clock.generate(time.time() + steps * 30).decode()


PEOPLE = 30


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """A second factor is demanded, as it is where nothing is configured."""
    directory = tmp_path_factory.mktemp("login")
    people = list(populate(directory))
    with desk_in(directory, admin={}) as made:
        made.people = people
        yield made


def populate(directory):
    """People before the gate starts: it looks for new ones only once a second."""
    store, roll = JsonAdminStore(directory / "state"), []
    (directory / "keepgate.yaml").write_text("version: 1\nstate: state\n")
    sealer = admin_codes(load(directory / "keepgate.yaml", env={"HOME": str(directory)}))
    kept = hashed(PASSWORD)
    for number in range(PEOPLE):
        name, secret = f"person-{number}", totp.new_secret()
        administrators.add(store, name, ("operator",), now=time.time())
        key = administrators.make_key(store, name, now=time.time())
        sealed = totp.seal(sealer, name, secret)
        administrators.edit(
            store, name, lambda each, sealed=sealed: replace(each, totp=sealed, password=kept)
        )
        roll.append(Person(name, key, secret, permit_enrolment(Roll(store, time.time), name, time.time())))
    return roll


@pytest.fixture
def person(gate):
    """Somebody of this test alone, from an address of its own: failures of other tests do not count."""
    found = gate.people.pop()
    address = f"127.0.1.{len(gate.people) + 1}"
    gate.client = httpx2.Client(transport=httpx2.HTTPTransport(local_address=address), timeout=30)
    with gate.client:
        found.address = address
        yield found


def wait_for(true, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def log_in(gate, **said):
    return gate.client.post(f"{gate.origin}{ROOT}/login", json=said)


def browser(origin, person):
    """A client that keeps cookies, as a page of the face itself."""
    transport = httpx2.HTTPTransport(local_address=person.address)
    return httpx2.Client(base_url=origin, headers={"Origin": origin}, transport=transport, timeout=30)


def test_a_key_and_a_code_open_what_a_key_alone_does_not(gate, person):
    weak = gate.ask(person.key, "POST", "/keys", json={"name": "by-key"})
    assert (weak.status_code, weak.json()["code"]) == (403, "second-factor")
    login = log_in(gate, key=person.key, code=person.code(), keep="token")
    assert login.status_code == 200, login.text
    token = login.json()["token"]
    assert login.json()["roles"] == ["operator"]
    assert "set-cookie" not in login.headers
    assert gate.ask(token, "POST", "/keys", json={"name": "by-login"}).status_code == 201
    assert gate.ask(token, "GET", "/this").json()["second_factor"] is True
    assert gate.ask(token, "DELETE", "/login").status_code == 204
    assert gate.ask(token, "GET", "/this").status_code == 401


def test_a_code_opens_once(gate, person):
    code = person.code()
    assert log_in(gate, key=person.key, code=code, keep="token").status_code == 200
    assert log_in(gate, key=person.key, code=code, keep="token").status_code == 401
    assert log_in(gate, name=person.name, password=PASSWORD, code=code, keep="token").status_code == 401
    assert log_in(gate, key=person.key, code=person.code(-1), keep="token").status_code == 401, "an older one"
    assert log_in(gate, key=person.key, code=person.code(+1), keep="token").status_code in (200, 429)


def test_whatever_is_wrong_the_answer_is_the_same(gate, person):
    right = {"name": person.name, "password": PASSWORD, "code": person.code()}
    wrong = [
        {**right, "name": "nobody"},
        {**right, "password": "wrong"},
        {**right, "code": "000000"},
    ]
    answers = [log_in(gate, **said, keep="token") for said in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


def test_guessing_codes_gets_slow_for_the_account_and_not_for_others(gate, person):
    for _ in range(5):
        answer = log_in(gate, key=person.key, code="123456", keep="token")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert log_in(gate, key=person.key, code=person.code(), keep="token").status_code == 429, "not looked at"
    assert gate.ask(person.key, "GET", "/this").status_code == 200


def test_a_cookie_is_for_this_browser_and_these_pages_alone(gate, person):
    with browser(gate.origin, person) as page:
        login = page.post(
            f"{ROOT}/login", json={"name": person.name, "password": PASSWORD, "code": person.code()}
        )
        assert login.status_code == 200, login.text
        assert login.json()["token"] == ""
        cookie = login.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        csrf = {"X-Keepgate-CSRF": login.json()["csrf"]}
        assert page.get(f"{ROOT}/this").status_code == 200
        key = {"name": "by-cookie"}
        assert page.post(f"{ROOT}/keys", json=key).json()["code"] == "csrf"
        assert page.post(f"{ROOT}/keys", json=key, headers={"X-Keepgate-CSRF": "x"}).json()["code"] == "csrf"
        for origin in ("https://evil.example", "null", gate.origin.replace("http:", "https:")):
            answer = page.post(f"{ROOT}/keys", json=key, headers={**csrf, "Origin": origin})
            assert answer.status_code == 403
        del page.headers["Origin"]
        assert page.post(f"{ROOT}/keys", json=key, headers=csrf).json()["code"] == "foreign-page"
        page.headers["Origin"] = gate.origin
        assert page.post(f"{ROOT}/keys", json=key, headers=csrf).status_code == 201
        value = page.cookies["keepgate-admin"]
        assert gate.ask(value, "GET", "/this").status_code == 401, "what is a cookie is no token"
        out = page.delete(f"{ROOT}/login", headers=csrf)
        assert out.status_code == 204
        assert "Max-Age=0" in out.headers["set-cookie"]
        assert page.get(f"{ROOT}/this", headers={"Cookie": f"keepgate-admin={value}"}).status_code == 401


def test_a_login_ends_with_what_it_began_with(gate, person):
    token = log_in(gate, key=person.key, code=person.code(), keep="token").json()["token"]
    assert gate.ask(token, "GET", "/this").status_code == 200
    administrators.revoke_keys(gate.store, person.name)
    wait_for(lambda: gate.ask(token, "GET", "/this").status_code == 401)


def test_roles_count_as_they_are_now(gate, person):
    token = log_in(gate, key=person.key, code=person.code(), keep="token").json()["token"]
    administrators.set_roles(gate.store, person.name, ("viewer",))
    wait_for(lambda: gate.ask(token, "GET", "/this").json()["roles"] == ["viewer"])
    assert gate.ask(token, "POST", "/keys", json={"name": "too-late"}).json()["code"] == "role"


def localhost(gate):
    return gate.origin.replace("127.0.0.1", "localhost")


@pytest.fixture
def page(gate, person):
    """A page of the face, by a name that passkeys can be for."""
    with browser(localhost(gate), person) as made:
        yield made


def enrolled(gate, page, person, device=None):
    """A passkey of the person; the answer to its making."""
    device = device or Authenticator(localhost(gate))
    token = person.enrolment
    asked = page.post(f"{ROOT}/enrolment/question", json={"token": token}).json()
    credential = device.create(asked["options"])
    said = {"token": token, "question": asked["question"], "credential": credential, "label": "a device"}
    return device, said, page.post(f"{ROOT}/enrolment", json=said)


def test_a_passkey_is_two_factors(gate, page, person):
    device, said, made = enrolled(gate, page, person)
    assert made.status_code == 204, made.text
    assert page.post(f"{ROOT}/enrolment", json=said).status_code == 401, "the link works once"
    asked = page.post(f"{ROOT}/login/passkey/question").json()
    assert asked["options"]["userVerification"] == "required"
    assert not asked["options"].get("allowCredentials"), "who has passkeys is nobody's business"
    answer = {"question": asked["question"], "credential": device.get(asked["options"]), "keep": "token"}
    login = page.post(f"{ROOT}/login/passkey", json=answer)
    assert login.status_code == 200, login.text
    assert gate.ask(login.json()["token"], "GET", "/this").json()["second_factor"] is True
    assert page.post(f"{ROOT}/login/passkey", json=answer).status_code == 401, "a question is answered once"


@pytest.mark.parametrize("flaw", ["origin", "host", "not verified", "count", "unknown", "challenge", "junk"])
def test_a_passkey_that_does_not_fit_opens_nothing(gate, page, person, flaw):
    device, _, made = enrolled(gate, page, person)
    assert made.status_code == 204
    asked = page.post(f"{ROOT}/login/passkey/question").json()
    options = asked["options"]
    if flaw == "origin":
        device.origin = "https://evil.example"
    elif flaw == "host":
        device.host = "evil.example"
    elif flaw == "not verified":
        device.flags = PRESENT
    elif flaw == "count":
        device.count = 0  # a copy of the device, made before
    elif flaw == "unknown":
        device.id = b"somebody else's.."
    elif flaw == "challenge":
        options = {**options, "challenge": "AAAA"}
    credential = device.get(options) if flaw != "junk" else {"id": None, "response": []}
    answer = page.post(
        f"{ROOT}/login/passkey",
        json={"question": asked["question"], "credential": credential, "keep": "token"},
    )
    assert answer.status_code == 401, answer.text


def test_a_passkey_of_another_site_is_not_taken(gate, page, person):
    *_, made = enrolled(gate, page, person, Authenticator("https://evil.example"))
    assert made.status_code == 401


def test_the_pages_run_scripts_of_their_own_alone(gate):
    for path in ("/admin/login", "/admin/enroll"):
        page = httpx2.get(f"{gate.origin}{path}")
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "<script>" not in page.text
        assert " style=" not in page.text
    assert httpx2.get(f"{gate.origin}/admin/login", headers={"Host": "gate.example.com"}).status_code == 403


def test_a_login_is_on_record_without_what_was_shown(gate, person):
    code = person.code()
    assert log_in(gate, name=person.name, password=PASSWORD, code=code, keep="token").status_code == 200
    events = gate.events(name="login.log_in")
    assert events[-1]["principal"] == f"admin:{person.name}"
    assert PASSWORD not in str(events)
    assert all(
        event["record"]["payload"] is None for event in events if event["record"]["method"] == "admin.call"
    )
