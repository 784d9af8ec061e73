"""The pages that need a browser, in a real one: their own content policy lets them work, and nothing else."""

import json
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from keepgate.admin import administrators
from keepgate.admin.reception import permit_enrolment
from keepgate.stores.admins import JsonAdminStore
from tests.admin.conftest import desk_in
from tests.auth.front_lab import query
from tests.oidc.front_world import fronted_in
from tests.oidc.provider import CALLBACK, s256
from tests.support import peers

pytestmark = pytest.mark.real
SCRIPT = Path(__file__).with_name("pages.mjs")


def browse(*words):
    peers.need(peers.NODE, peers.NPM_MODULES / "playwright")
    command = [peers.NODE, SCRIPT, peers.NPM_MODULES, peers.need_program("chromium"), *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.timeout(120)
def test_a_passkey_is_added_and_opens_in_a_browser(tmp_path):
    store = JsonAdminStore(tmp_path / "state")
    administrators.add(store, "alice", ("operator",), now=time.time())
    token = permit_enrolment(administrators.Roll(store, time.time), "alice", time.time())
    with desk_in(tmp_path, admin={}) as desk:
        origin = desk.origin.replace("127.0.0.1", "localhost")
        found = browse("passkey", f"{origin}/admin/enroll#{token}", f"{origin}/admin/login")
    assert found["enrolled"].startswith("added")
    assert found["login"] == found["again"] == "logged in as alice (operator)"
    assert not found["kept"], "the link stays in the history"
    assert found["readable"] == "", "a script can read the cookie"
    # Before the login the page asks who it is, and hears that it is nobody.
    assert all("401" in complaint for complaint in found["complaints"]), found["complaints"]


@pytest.mark.timeout(120)
def test_the_page_that_asks_leads_to_the_provider_and_back_in_a_browser(tmp_path):
    with fronted_in(tmp_path) as fronted:
        client = {"client_name": "a program", "redirect_uris": [CALLBACK]}
        known = httpx2.post(f"{fronted.origin}/oauth/register", json=client).json()
        asked = {
            "response_type": "code",
            "client_id": known["client_id"],
            "redirect_uri": CALLBACK,
            "state": "st",
            "code_challenge": s256("x" * 43),
            "code_challenge_method": "S256",
            "resource": fronted.url,
        }
        found = browse("consent", f"{fronted.origin}/oauth/authorize?{urlencode(asked)}", CALLBACK)
        assert "a program" in found["page"]
        assert found["end"].startswith(CALLBACK), found
        back = query(found["end"])
        assert (back["state"], back["iss"]) == ("st", fronted.origin)
        form = {"grant_type": "authorization_code", "client_id": known["client_id"], "code": back["code"],
                "redirect_uri": CALLBACK, "code_verifier": "x" * 43}  # fmt: skip
        assert httpx2.post(f"{fronted.origin}/oauth/token", data=form).json()["token_type"] == "Bearer"
