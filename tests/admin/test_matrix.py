"""Every role against every route: what is not in this table does not answer."""

import pytest

from keepgate.admin.access import Permission, Role, permissions
from keepgate.admin.route import OPEN, Route, route
from keepgate.admin.routes import routes
from keepgate.model.errors import LocalError

pytestmark = pytest.mark.e2e

ALL = ("viewer", "operator", "approver", "admin")
CHANGE = ("operator", "admin")
MAY = {
    "administrators.add_administrator": ("admin",),
    "administrators.end_logins": ("admin",),
    "administrators.list_administrators": ("admin",),
    "administrators.permit_enrolment": ("admin",),
    "administrators.remove_administrator": ("admin",),
    "administrators.set_roles": ("admin",),
    "approvals.decide_approval": ("approver",),
    "approvals.list_approvals": ("approver",),
    "approvals.list_remembered": ("approver",),
    "approvals.revoke_remembered": ("approver",),
    "approvals.show_approval": ("approver",),
    "audit.query_events": ALL,
    "audit.read_payload": ("payloads",),
    "audit.verify_log": ALL,
    "configuration.get_configuration": ALL,
    "flows.clear_flow": ("approver",),
    "flows.list_flows": ALL,
    "keys.create_key": CHANGE,
    "keys.list_keys": ALL,
    "keys.revoke_key": CHANGE,
    "keys.rotate_key": CHANGE,
    "login.log_out": (*ALL, "payloads"),
    "policy.check_policy": ALL,
    "policy.get_policy": ALL,
    "policy.why": ALL,
    "quarantine.add_to_quarantine": CHANGE,
    "quarantine.list_quarantine": ALL,
    "quarantine.release_from_quarantine": CHANGE,
    "servers.get_server": ALL,
    "servers.list_servers": ALL,
    "servers.retry_server": CHANGE,
    "sessions.end_session": CHANGE,
    "sessions.list_principals": ALL,
    "sessions.list_sessions": ALL,
    "this.get_document": (*ALL, "payloads"),
    "this.get_identity": (*ALL, "payloads"),
}
"""Who may do what, written out: a change of roles or permissions has to be made here too."""

PARTS = {"server": "silent", "name": "nobody", "session": "0" * 32, "writer": "w", "seq": "1"}
BODIES = {
    "administrators.add_administrator": {"name": "x", "roles": ["viewer"]},
    "administrators.set_roles": {"roles": ["viewer"]},
    "approvals.decide_approval": {"approve": True},
    "flows.clear_flow": {"principal": "key:nobody"},
    "quarantine.add_to_quarantine": {"target": "server:nobody"},
    "quarantine.release_from_quarantine": {"target": "server:nobody"},
    "keys.create_key": {"name": "made"},
    "keys.rotate_key": {},
}


def path_of(each: Route) -> str:
    return each.path.format(**PARTS)


def test_the_table_knows_every_route_and_no_other():
    assert {each.name for each in routes() if each.permission != OPEN} == set(MAY)


@pytest.mark.parametrize("role", [*Role])
@pytest.mark.parametrize(
    "each", [each for each in routes() if each.permission != OPEN], ids=lambda each: each.name
)
def test_a_role_gets_what_the_table_says(desk, each, role):
    answer = desk.ask(role.value, each.method, path_of(each), json=BODIES.get(each.name))
    if role.value in MAY[each.name]:
        assert answer.status_code not in (401, 403, 405, 500, 503), answer.text
    else:
        assert answer.status_code == 403
        assert answer.json()["code"] == "role"


@pytest.mark.parametrize("credential", ["", "kga_aaaaaaaa_" + "A" * 43, "kg_aaaaaaaa_" + "A" * 43, "x", "é"])
@pytest.mark.parametrize(
    "each", [each for each in routes() if each.permission != OPEN], ids=lambda each: each.name
)
def test_nobody_gets_anything(desk, each, credential):
    headers = {"Authorization": f"Bearer {credential}".encode()} if credential else {}
    answer = desk.ask("", each.method, path_of(each), json=BODIES.get(each.name), headers=headers)
    assert answer.status_code in (400, 401, 429)  # 400: not ASCII, refused by the server


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/keys/", "/servers/silent/nothing", "/keys/a/b/c"])
def test_unknown_paths_say_nothing_to_nobody(desk, path):
    assert desk.ask("", "GET", path).status_code in (401, 429)
    assert desk.ask("viewer", "GET", path).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"])
def test_undeclared_methods_are_refused_after_authentication(desk, method):
    assert desk.ask("", method, "/servers").status_code in (400, 401, 429)
    answer = desk.ask("admin", method, "/servers")
    assert answer.status_code in (400, 405)
    if answer.status_code == 405:
        assert answer.headers["allow"] == "GET"


def test_a_key_of_a_client_opens_nothing_here(desk):
    made = desk.ask("admin", "POST", "/keys", json={"name": "client"})
    assert made.status_code == 201
    assert desk.ask(made.json()["key"], "GET", "/servers").status_code in (401, 429)


def test_a_route_without_a_permission_cannot_be_made():
    async def handler() -> None: ...

    for permission in (None, "", "viewer", "servers:read"):
        with pytest.raises(LocalError, match="declares no permission"):
            route("GET", "/x", permission)(handler)


def test_what_is_open_is_for_logging_in_and_hides_what_is_shown_for_it():
    assert {each.name: each.private for each in routes() if each.permission == OPEN} == {
        "login.ask_enrolment": True,
        "login.ask_passkey": False,
        "login.enroll": True,
        "login.list_ways": False,
        "login.log_in": True,
        "login.log_in_by_passkey": True,
    }


def test_every_permission_is_of_some_role_and_of_some_route():
    assert {each.permission for each in routes() if each.permission != OPEN} == set(Permission)
    assert permissions([role.value for role in Role]) == set(Permission)
    assert permissions(["nobody", ""]) == frozenset()


def test_whatever_changes_something_demands_a_second_factor():
    weak = {each.name for each in routes() if each.permission != OPEN and not each.demands_second_factor}
    shown = {
        "approvals.list_approvals",
        "approvals.list_remembered",
        "approvals.show_approval",
    }  # what was said
    shown.add("audit.read_payload")
    reading = {each.name for each in routes() if each.method == "GET" and each.permission != OPEN}
    assert weak == reading - shown | {"login.log_out"}
