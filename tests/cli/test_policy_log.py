"""`keepgate policy simulate` and `suggest` over a log as the gateway writes it."""

import json
import os
from getpass import getuser

import pytest
from typer.testing import CliRunner

from keepgate import config as configuration
from keepgate.cli import app
from keepgate.compose import policy_of
from keepgate.gateway.enforce import Enforcer, Rules
from keepgate.gateway.gather import Meters
from keepgate.gateway.settings import Limits
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction
from keepgate.model.verdict import Effect, Verdict
from keepgate.protocol import jsonrpc
from keepgate.stores.audit import load_kek, open_log
from tests.policy.day import ALICE, CURSOR, made

DAY = 86_400 * 10**9
NOON = 1_763_640_000 * 10**9  # 2025-11-20T12:00:00Z
CONFIG = f"""version: 1
state: state
servers: {{files: {{command: [nothing]}}, crm: {{command: [nothing]}}}}
access:
  roles:
    wide:
      allow: ["*/*"]
    extra: {{allow: ["crm/gone", "files/old"]}}
    auditor: {{administer: [read_payloads]}}
  grants:
    - {{to: "key:cursor", role: wide}}
    - {{to: "key:cursor", role: extra}}
    - {{to: "user:alice", role: wide}}
    - {{to: "local:{getuser()}", role: auditor}}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.delenv("KEEPGATE_KEY", raising=False)
    path = tmp_path / "keepgate.yaml"
    path.write_text(CONFIG)
    settings = configuration.load(path, env=os.environ)
    log = open_log(settings.state, load_kek(settings.state, os.environ))
    clock = [NOON]
    enforcer = Enforcer(
        Rules((), policy_of(settings).hash), log, Meters(Limits(), lambda: 0.0), lambda: clock[0]
    )
    calls = [
        (CURSOR, "files/old", -50, Effect.ALLOW),
        *((CURSOR, f"files/read_{n}", 0, Effect.ALLOW) for n in "abc"),
        (CURSOR, "files/read_a", 0, Effect.ALLOW),
        (ALICE, "crm/search\x1b[0m", 0, Effect.ALLOW),
        (ALICE, "crm/refused", 0, Effect.DENY),
    ]
    for number, (who, what, days, effect) in enumerate(calls):
        clock[0] = NOON + days * DAY + number * 10**9
        request = made(who, what).request
        params = {"name": request.resource.name, "arguments": {"number": number}}
        message = jsonrpc.decode(jsonrpc.encode(jsonrpc.request(1, "tools/call", params)))
        to_server = Direction.TO_SERVER
        exchange = Exchange(message, to_server, who, "2026-07-28", request.resource.server, request.action,
                            request.resource)  # fmt: skip
        enforcer.record(exchange, Verdict(effect), f"d{number}")
    log.close()
    return path


def invoke(*args: str):
    result = CliRunner().invoke(app, ["policy", *args])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def newer(tmp_path):
    path = tmp_path / "new.yaml"
    path.write_text(
        CONFIG.replace('["*/*"]', '["files/read_a", "crm/*"]').replace('"files/old"', '"files/read_b"')
    )
    return path


def test_simulate_says_what_the_log_would_have_become(config, newer):
    result = invoke("simulate", str(newer), "--config", str(config))
    assert result.exit_code == 1
    head, *rows, end = result.stdout.splitlines()
    assert head.split() == [
        "CHANGE",
        "WHO",
        "ACTION",
        "WHAT",
        "BEFORE",
        "AFTER",
        "TIMES",
        "LAST",
        "DECISIONS",
    ]
    assert [row.split()[3:] for row in rows] == [
        ["files/old", "allow", "deny", "1", "2025-10-01T12:00:00Z", "d0"],
        ["files/read_c", "allow", "deny", "1", "2025-11-20T12:00:03Z", "d3"],
    ]
    assert end == "2 of 7 recorded requests would be decided otherwise, of 1 principals"


def test_simulate_of_a_time_and_as_json(config, newer):
    options = ["--since", "2025-11-01", "--until", "2025-11-21", "--format", "json"]
    result = invoke("simulate", str(newer), "--config", str(config), *options)
    told = json.loads(result.stdout)
    assert {key: told[key] for key in ("requests", "unreadable", "earlier", "others")} == {
        "requests": 6, "unreadable": 0, "earlier": 0, "others": 0
    }  # fmt: skip
    (change,) = told["changes"]
    assert (change["principal"], change["resource"], change["before"], change["after"]) == (
        ["key:cursor"], "files/read_c", "allow", "deny"
    )  # fmt: skip
    assert (change["count"], change["decisions"]) == (1, ["d3"])


def test_simulate_of_the_same_policy_changes_nothing(config):
    result = invoke("simulate", str(config), "--config", str(config))
    assert result.exit_code == 0
    assert result.stdout == "0 of 7 recorded requests would be decided otherwise, of 0 principals\n"


@pytest.mark.parametrize("command", [["simulate", "{config}"], ["suggest"]])
def test_who_may_not_read_payloads_learns_nothing(config, command):
    config.write_text(CONFIG.replace("administer: [read_payloads]", 'deny: ["*/x"]'))
    words = [word.format(config=config) for word in command]
    with pytest.raises(Exception, match="may not read payloads"):
        invoke(*words, "--config", str(config))


def test_a_proposal_with_a_mistake_ends_with_2(config, tmp_path):
    (tmp_path / "bad.yaml").write_text("version: 1\nacces: {}\n")
    result = invoke("simulate", str(tmp_path / "bad.yaml"), "--config", str(config))
    assert result.exit_code == 2
    assert ":2:1" in result.stderr


def test_suggest_prints_a_configuration_that_allows_what_was_used(config, tmp_path):
    result = invoke("suggest", "--config", str(config), "--since", "2025-11-01")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    path = tmp_path / "suggested.yaml"
    path.write_text(CONFIG.partition("access:")[0] + result.stdout)
    access = configuration.load(path, env=os.environ).access
    assert {name: role.allow for name, role in access.roles.items()} == {
        "auditor": (),
        "key-cursor": ("tool:files/read_a", "tool:files/read_b", "tool:files/read_c"),
        "user-alice": ("tool:crm/search\x1b[0m",),
    }
    assert access.roles["auditor"].administer == ("read_payloads",)
    assert sorted(grant.to for grant in access.grants) == ["key:cursor", f"local:{getuser()}", "user:alice"]
    assert (
        invoke("simulate", str(path), "--config", str(config), "--since", "2025-11-01").exit_code == 1
    )  # crm/refused
    replay = invoke(
        "simulate", str(path), "--config", str(config), "--since", "2025-11-01", "--format", "json"
    )
    assert [change["resource"] for change in json.loads(replay.stdout)["changes"]] == ["crm/refused"]


def test_suggest_lists_what_is_not_used_with_its_age(config):
    lines = invoke("suggest", "--config", str(config), "--since", "2025-11-01").stdout.splitlines()
    assert "# not used (the log begins 2025-10-01):" in lines
    assert f"#   never: allow crm/gone of role extra  {config}:8:21" in lines
    (old,) = [line for line in lines if "files/old" in line]
    assert old.startswith("#   2025-10-01, ")
    assert " days ago: allow files/old of role extra  " in old
    assert not [line for line in lines if "*/*" in line]


def test_suggest_with_wildcards_and_as_json(config):
    told = json.loads(
        invoke("suggest", "--config", str(config), "--generalise", "--by", "group", "--format", "json").stdout
    )
    assert told["access"]["roles"]["key-cursor"] == {"allow": ["tool:files/old", "tool:files/read_*"]}
    assert {grant["to"] for grant in told["access"]["grants"]} == {
        "key:cursor", "group:devs", f"local:{getuser()}"
    }  # fmt: skip
    assert (told["uses"], told["unnamed"], told["unreadable"]) == (5, 0, 0)
    assert {each["what"]: each["last"] for each in told["unused"]} == {"allow crm/gone of role extra": None}


def test_conditions_are_proposed_when_asked_for_and_can_be_pasted(config, tmp_path):
    settings = configuration.load(config, env=os.environ)
    log = open_log(settings.state, load_kek(settings.state, os.environ))
    enforcer = Enforcer(Rules((), "h"), log, Meters(Limits(), lambda: 0.0), lambda: NOON + DAY)
    for number in range(3):
        request = made(CURSOR, "files/read_path").request
        params = {"name": "read_path", "arguments": {"path": f'/srv/da"ta/{number}'}}
        message = jsonrpc.decode(jsonrpc.encode(jsonrpc.request(1, "tools/call", params)))
        exchange = Exchange(message, Direction.TO_SERVER, CURSOR, "2026-07-28", "files", request.action,
                            request.resource)  # fmt: skip
        enforcer.record(exchange, Verdict(Effect.ALLOW), f"p{number}")
    log.close()
    plain = invoke("suggest", "--config", str(config)).stdout
    assert '- "tool:files/read_path"' in plain
    result = invoke("suggest", "--conditions", "--config", str(config))
    below = '{"use": "tool:files/read_path", "when": {"arguments": {"path": {"below": "/srv/da\\"ta"}}}}'
    assert f"- {below}" in result.stdout
    proposal = tmp_path / "proposal.yaml"
    servers = "version: 1\nstate: state\nservers: {files: {command: [x]}, crm: {command: [x]}}\n"
    proposal.write_text(servers + result.stdout)
    policy_of(configuration.load(proposal, env=os.environ))
    told = json.loads(invoke("suggest", "--conditions", "--format", "json", "--config", str(config)).stdout)
    assert json.loads(below) in told["access"]["roles"]["key-cursor"]["allow"]
