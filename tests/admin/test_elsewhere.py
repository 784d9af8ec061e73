"""Administrators who log in at a provider: over ASGI, the provider a plain object."""

import asyncio

import httpx2
import pytest
from starlette.applications import Starlette

from keepgate.admin.elsewhere import COOKIE, Elsewhere, Person
from keepgate.admin.logins import Logins
from keepgate.admin.place import Place
from keepgate.admin.problem import ProblemError
from keepgate.model.errors import AuditError, RemoteError

GATE = "https://gate.example.com"
GRANTS = {"user:alice": ("viewer",), "group:admins": ("admin", "payloads")}


class Lab:
    """A provider that lets `person` in, and a log."""

    def __init__(self, person=None):
        self.person = person or Person("corp/alice", ("user:alice", "group:admins"))
        self.now, self.wait, self.error, self.events, self.unrecordable = 1000.0, 0.0, None, [], False
        self.logins = Logins(lambda: self.now, idle=900, longest=900)
        place = Place(GATE)
        parts = {"journal": self, "throttle": self.throttle, "clock": lambda: self.now}
        face = Elsewhere(self, GRANTS, self.logins, place, **parts)
        app = Starlette(routes=face.web())
        self.browser = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=GATE)

    async def begin(self, redirect_uri, state):
        assert redirect_uri == f"{GATE}/admin/oidc/callback"
        if self.error:
            raise self.error
        self.state = state
        return f"https://login.example.com/?state={state}", "pending"

    async def finish(self, pending, answer):
        assert pending == "pending"
        if answer.get("code") != "good":
            raise ProblemError(401, "login", "the login does not count", "why")
        return self.person

    def trace(self):
        return "t"

    async def write(self, event):
        if self.unrecordable:
            raise AuditError("audit", "no")
        self.events.append(event)

    def throttle(self, who, *, rate, burst):
        return self.wait

    async def go(self, code="good", **more):
        there = await self.browser.get("/admin/oidc", headers=more)
        assert there.status_code == 303, there.text
        return await self.browser.get(f"/admin/oidc/callback?code={code}&state={self.state}")


def play(work):
    return asyncio.run(work)


def token(answer):
    (cookie,) = [
        each for each in answer.headers.get_list("set-cookie") if each.startswith("__Host-keepgate-admin=")
    ]
    assert "SameSite=Strict" in cookie
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    return cookie.partition("=")[2].partition(";")[0]


def test_who_logs_in_gets_the_roles_of_all_their_names():
    async def way():
        lab = Lab()
        answer = await lab.go()
        assert answer.status_code == 200, answer.text
        login = lab.logins.find(token(answer), cookie=True)
        assert login.name == "corp/alice"
        assert login.roles == ("admin", "payloads", "viewer")
        assert login.second_factor
        assert [(event.method, event.who) for event in lab.events] == [("admin.done", "admin:corp/alice")]

    play(way())


def test_who_has_no_role_is_nobody_here_and_on_record():
    async def way():
        lab = Lab(Person("corp/eve", ("user:eve",)))
        answer = await lab.go()
        assert answer.status_code == 403
        assert lab.events[-1].method == "admin.refused"
        assert not lab.events[-1].allowed

    play(way())


@pytest.mark.parametrize("attack", ["state", "no cookie", "twice", "late", "wrong code", "state twice"])
def test_only_a_login_that_was_begun_here_counts_and_once(attack):
    async def way():
        lab = Lab()
        await lab.browser.get("/admin/oidc")
        path = f"/admin/oidc/callback?code=good&state={lab.state}"
        if attack == "state":
            path = "/admin/oidc/callback?code=good&state=x"
        elif attack == "no cookie":
            lab.browser.cookies.clear()
        elif attack == "twice":
            assert (await lab.browser.get(path)).status_code == 200
            lab.browser.cookies.set(f"__Host-{COOKIE}", "again")
        elif attack == "late":
            lab.now += 601
        elif attack == "wrong code":
            path = path.replace("good", "bad")
        elif attack == "state twice":
            path += "&state=y"
        answer = await lab.browser.get(path)
        assert answer.status_code == (401 if attack == "wrong code" else 400)
        assert "keepgate-admin=" not in str(answer.headers)

    play(way())


def test_what_cannot_be_recorded_lets_nobody_in():
    async def way():
        lab = Lab()
        lab.unrecordable = True
        answer = await lab.go()
        assert answer.status_code == 503
        assert "keepgate-admin=" not in str(answer.headers)

    play(way())


def test_a_provider_that_is_gone_is_said_and_who_asks_too_often_waits():
    async def way():
        lab = Lab()
        lab.error = RemoteError("issuer", "the issuer cannot be asked", status=503)
        assert (await lab.browser.get("/admin/oidc")).status_code == 503
        lab.wait = 1.0
        assert (await lab.browser.get("/admin/oidc")).status_code == 429
        assert (await lab.browser.get("/admin/oidc", headers={"Host": "other.example"})).status_code == 403

    play(way())
