"""What happened to other gateways in 2026 does not happen here (peers.toml)."""

import json
import subprocess
import sys

import httpx2
import pytest

from keepgate.admin import totp
from keepgate.admin.administrators import Roll
from keepgate.auth.issuer import Issuer
from keepgate.config.sections.admin import Admin
from keepgate.gateway.replies import StateSealer
from keepgate.model.errors import RemoteError
from keepgate.policy import cedar
from keepgate.protocol.seal import Sealer, derive
from keepgate.stores.admins import JsonAdminStore
from keepgate.stores.audit import open_log
from keepgate.stores.audit.index import Filter, Index
from tests.audit.made import entry
from tests.auth.tokens import NOW, World, show, token
from tests.requirements.conftest import ask


def test_t1_there_is_no_default_administrator(tmp_path):
    roll = Roll(JsonAdminStore(tmp_path), lambda: 0.0)
    assert roll.all() == []
    for guess in ("", "admin", "changeme", "keepgate", "kga_" + "a" * 52):
        assert roll.by_key(guess) is None
    assert not hasattr(Admin(), "password")


def test_t4_policy_reads_nothing_outside():
    """Cedar has no functions that read anything; a name of a role or pattern cannot become a policy of its own."""
    hostile = 'x"; permit(principal, action, resource); //'
    assert cedar.literal(hostile).count('"') - cedar.literal(hostile).count('\\"') == 2


@pytest.mark.e2e
@pytest.mark.parametrize(
    "credential",
    [
        "Bearer x",
        "Bearer kg_aaaaaaaa_" + "A" * 43,
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Basic YWxpY2U6",
        "DPoP x",
        "x",
    ],
)
def test_t7_a_wrong_credential_is_never_anonymous(gate, credential):
    answer = ask(gate, "", "tools/list", Authorization=credential)
    assert answer.status_code in (401, 429)
    assert "result" not in answer.json()


def test_t8_a_sealed_secret_opens_as_nothing_else():
    master = bytes(range(32))
    purposes = ["request-state", "cursor", "secrets", "admin-totp"]
    assert len({derive(master, purpose) for purpose in purposes}) == len(purposes)
    kept = totp.seal(Sealer(derive(master, "admin-totp")), "alice", b"x" * 20)
    for purpose in purposes[:-1]:
        with pytest.raises(RemoteError):
            totp.unseal(Sealer(derive(master, purpose)), "alice", kept)
    assert StateSealer(derive(master, "request-state")) is not None


@pytest.mark.e2e
def test_t11_nobody_registers_here(gate):
    for path in (
        "/register",
        "/reg",
        "/oauth/register",
        "/authorize",
        "/token",
        "/.well-known/oauth-authorization-server",
    ):
        for method in ("GET", "POST"):
            answer = httpx2.request(
                method, f"{gate.origin}{path}", json={"redirect_uris": ["https://evil.example"]}
            )
            assert answer.status_code in (404, 405), path


def test_t14_no_filter_of_the_log_is_sql(tmp_path):
    log = open_log(tmp_path, bytes(range(32)))
    log.append(entry(server="files", name="read"))
    log.close()
    index = Index(tmp_path / "index.db", tmp_path)
    index.catch_up()
    for hostile in (
        "' OR 1=1 --",
        '" OR ""="',
        "x'; DROP TABLE event; --",
        "%",
        "_",
        "\x00",
        "time) OR (1=1",
    ):
        for field in ("server", "method", "effect", "trace", "since", "until"):
            if field == "since" or (field == "until" and hostile > "2"):
                continue  # a text to compare with, whatever it says
            assert index.query(Filter(**{field: hostile}), limit=10) == [], (field, hostile)
        assert index.query(Filter(names=frozenset({hostile})), limit=10) == []
        assert index.query(Filter(principals=frozenset({hostile})), limit=10) == []
    assert [record["name"] for _, record in index.query(Filter(server="files"), limit=10)] == ["read"]


@pytest.mark.e2e
def test_t16_sessions_are_bounded(gate):
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "c", "version": "1"},
        },
    }
    headers = {"Authorization": f"Bearer {gate.keys['bob']}", "Accept": "application/json, text/event-stream"}
    opened = [httpx2.post(gate.url, json=hello, headers=headers, timeout=30) for _ in range(7)]
    ids = [answer.headers["mcp-session-id"] for answer in opened if answer.status_code == 200]
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    live = [
        each
        for each in ids
        if httpx2.post(gate.url, json=ping, headers={**headers, "Mcp-Session-Id": each}).status_code == 200
    ]
    assert len(live) == 4, "the longest idle ones gave way"


@pytest.mark.e2e
@pytest.mark.parametrize(
    "more",
    ['"Method":"tools/call"', '"Params":{"name":"secret"}'],
)
def test_t17_another_case_of_a_name_reaches_no_server(gate, more):
    before = len(gate.record("plain").messages("tools/call"))

    def smuggled(body):
        return json.dumps(body).encode().removesuffix(b"}") + b"," + more.encode() + b"}"

    answer = ask(
        gate, "bob", "tools/call", {"name": "open", "arguments": {}}, raw=smuggled, path="/mcp/plain"
    )
    assert answer.status_code == 400
    assert len(gate.record("plain").messages("tools/call")) == before


def test_t18_no_name_breaks_a_line_of_the_log(tmp_path):
    hostile = 'x\n{"v":2,"forged":true}\r\x1b[2J\u2028\u202e'
    log = open_log(tmp_path, bytes(range(32)))
    log.append(entry(server="files", name=hostile, method=hostile, client=hostile, reason=hostile))
    log.close()
    (segment,) = (tmp_path / "audit").glob("*/*.log")
    lines = segment.read_bytes().split(b"\n")
    assert not any(b"forged" in line and b'"client"' not in line for line in lines)
    assert not any(byte < 0x20 for line in lines for byte in line)
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "from keepgate.cli.screen import safe; import sys; print(safe(sys.argv[1]))",
            hostile,
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown


async def accepted(world, server, text):
    try:
        return await show(server, text)
    except RemoteError:
        return None


@pytest.mark.parametrize(
    ("claims", "counts"),
    [
        ({"exp": NOW - 29}, True),
        ({"exp": NOW - 31}, False),
        ({"nbf": NOW + 29}, True),
        ({"nbf": NOW + 31}, False),
        ({"iat": NOW + 29, "exp": NOW + 300}, True),
        ({"iat": NOW + 31, "exp": NOW + 300}, False),
    ],
)
def test_clocks_may_differ_by_the_leeway_and_no_more(claims, counts):
    import asyncio

    assert Issuer("a", "https://a").leeway == 30
    if "exp" in claims and "iat" not in claims:
        claims = {"iat": NOW - 300, **claims}
    world = World()
    found = asyncio.run(accepted(world, world.server(), token(**claims)))
    assert (found is not None) is counts
