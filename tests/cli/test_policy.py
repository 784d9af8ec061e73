"""`keepgate policy` as one sees it: answers with places, exit codes, and nothing that a terminal would obey."""

import json
import os
import sys

import pytest
from typer.testing import CliRunner

from keepgate import compose
from keepgate.cli import app
from keepgate.compose import policy_of
from keepgate.config import load
from keepgate.gateway.inventory import Inventory
from keepgate.model.errors import ConfigError
from keepgate.stores.audit import load_kek, open_log
from tests.audit.made import entry

CONFIG = """version: 1
state: state
servers: {files: {command: [nothing]}}
access:
  roles:
    reader:
      allow: ["files/read_*"]
      ask:
        - "files/write_*"
      deny: ["*/*secret*"]
    all: {allow: ["*/*"]}
  grants:
    - {to: "key:cursor", role: reader, reason: reads the documentation, owner: alice}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "keepgate.yaml"
    path.write_text(CONFIG)
    return path


def invoke(*args: str):
    result = CliRunner().invoke(app, ["policy", *args])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def run(config):
    return lambda *args: invoke(*args, "--config", str(config))


# --- why ------------------------------------------------------------------------------------------


def test_why_says_what_allows_where_it_stands_and_what_would_change_it(run, config):
    result = run("why", "key:cursor", "call_tool", "files/read_file")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "ALLOW: key:cursor call_tool files/read_file",
        "because",
        f"  role `reader` allows `files/read_*`  {config}:7:15",
        f"  `key:cursor` has role `reader` (reason: reads the documentation; owner: alice)  {config}:13:7",
        "otherwise",
        "  without `allow: files/read_*` of role `reader`: DENY",
        "  with a `deny` that names it, in any role it holds: DENY",
    ]


@pytest.mark.parametrize(
    ("who", "name", "lines"),
    [
        (
            "key:cursor",
            "write_file",
            ["ASK: ", "role `reader` asks for `files/write_*`", ":9:11", "without `ask: files/write_*`"],
        ),
        (
            "key:cursor",
            "my_secret",
            [
                "DENY: ",
                "denied by policy",
                "denies `*/*secret*`",
                "without `deny: */*secret*` of role `reader`: DENY",
                "without that, and with role `all` granted to it: ALLOW",
            ],
        ),
        ("key:cursor", "x", ["DENY: ", "no policy allows it", "with role `all` granted to it: ALLOW"]),
        ("key:other", "x", ["DENY: ", "it holds no role", "with role `reader`"]),
    ],
)
def test_why_explains_each_answer(run, who, name, lines):
    name = "read_file" if who == "key:other" else name
    result = run("why", who, "call_tool", f"files/{name}")
    assert result.exit_code == 0
    for line in lines:
        assert line in result.stdout


def test_why_takes_everything_a_principal_carries(run):
    result = run("why", "user:alice", "call_tool", "files/x", "--with", "group:devs", "--with", "client:c")
    assert "DENY: user:alice with client:c, group:devs call_tool files/x" in result.stdout


def test_why_notes_a_server_that_does_not_exist(run):
    assert "note: no server `file` is configured" in run("why", "key:cursor", "call_tool", "file/x").stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["why"], "--decision"),
        (["why", "key:cursor", "call_tool"], "give PRINCIPAL"),
        (["why", "cursor", "call_tool", "files/x"], "`cursor` is not a principal"),
        (["why", "key:cursor", "call", "files/x"], "is not an action"),
        (["why", "key:cursor", "call_tool", "files"], "names nothing"),
        (["why", "key:cursor", "call_tool", "files/x", "--decision", "d"], "give PRINCIPAL"),
    ],
)
def test_why_refuses_what_asks_nothing(run, args, said):
    result = run(*args)
    assert result.exit_code == 2
    assert said in result.stderr


def test_why_ends_with_2_where_the_configuration_cannot_be_read(run, config):
    config.write_text("version: 1\nacces: {}\n")
    result = run("why", "key:cursor", "call_tool", "files/x")
    assert result.exit_code == 2
    assert f"{config}:2:1" in result.stderr


def test_names_do_not_steer_the_terminal(run):
    result = run("why", "key:a\x1b]0;x\x07", "call_tool", "files/x\nALLOW: forged")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert not [line for line in result.stdout.splitlines() if line.startswith("ALLOW")]


@pytest.fixture
def recorded(config, tmp_path, monkeypatch):
    monkeypatch.delenv("KEEPGATE_KEY", raising=False)
    state = tmp_path / "state"
    log = open_log(state, load_kek(state, os.environ))
    now = policy_of(load(config, env=os.environ)).hash
    log.append(entry(trace="d-1", policy=now, rules=("reader:allow:files/read_*",)))
    denied = {"effect": "deny", "reason": "denied by policy"}
    log.append(entry(trace="d-2", policy="old", rules=("reader:deny:*/*secret*", "gone:deny:*/*"), **denied))
    log.append(entry(trace="d-3", policy="old", rules=("limits.rate",), effect="deny", reason="too many"))
    log.append(entry(trace="d-1", kind="result", method="", policy=now))
    log.append(entry(trace="d-4", name="evil\x1b]0;x\x07\nforged", effect="deny", rules=()))
    yield log
    log.close()


def test_why_explains_a_recorded_decision_with_its_places(run, recorded, config):
    result = run("why", "--decision", "d-1")
    assert result.exit_code == 0
    head, when, *rest = result.stdout.splitlines()
    assert head == "ALLOW: key:cursor request tools/call files/read_file"
    assert when.startswith("  2026-")
    assert rest[:2] == ["because", f"  reader:allow:files/read_*  {config}:7:15"]
    assert rest[2] == "ALLOW: key:cursor result files/read_file"


def test_why_says_when_the_policy_has_changed_since(run, recorded, config):
    lines = run("why", "--decision", "d-2").stdout.splitlines()
    assert lines[1].endswith("  denied by policy")
    assert lines[2:] == [
        "because, by a policy that has changed since",
        f"  reader:deny:*/*secret*  {config}:10:14",
        "  gone:deny:*/*  no longer in the policy",
    ]


def test_why_names_a_limit_as_it_is(run, recorded):
    assert run("why", "--decision", "d-3").stdout.splitlines()[-1] == "  limits.rate"


def test_recorded_names_do_not_steer_the_terminal(run, recorded):
    result = run("why", "--decision", "d-4")
    assert "\x1b" not in result.stdout
    assert "forged" not in [line.strip() for line in result.stdout.splitlines()]


def test_why_of_a_decision_that_is_not_recorded_fails(run, recorded):
    result = run("why", "--decision", "d-9")
    assert result.exit_code == 1
    assert "nothing is recorded under `d-9`" in result.stderr


# --- test -----------------------------------------------------------------------------------------

CASES = """cases:
  - {principal: "key:cursor", action: call_tool, resource: files/read_file, expect: allow}
  - {principal: "key:cursor", action: call_tool, resource: files/write_file, expect: ask}
  - {principal: "user:a", with: ["group:g"], action: call_tool, resource: files/read_file, expect: deny}
"""


def test_cases_that_hold_pass(run, tmp_path):
    (tmp_path / "cases.yaml").write_text(CASES)
    result = run("test", str(tmp_path / "cases.yaml"))
    assert (result.exit_code, result.stdout) == (0, "3 cases passed\n")


def test_cases_that_do_not_hold_are_a_table_and_exit_code_1(run, tmp_path):
    file = tmp_path / "cases.yaml"
    case = CASES.splitlines()[1].replace("read_file", "my_secret")
    more = case.replace("expect: allow", 'expect: ask, note: "why\\e[0m"') + "\n"
    file.write_text(CASES + more + more.replace("key:cursor", "key:other").replace("my_secret", "x"))
    result = run("test", str(file))
    assert result.exit_code == 1
    head, first, second, end = result.stdout.splitlines()
    assert head.split() == ["CASE", "WHO", "ACTION", "WHAT", "EXPECTED", "DECIDED", "BY"]
    assert first.startswith(f"{file}:5:5 (why\\x1b[0m)  key:cursor  call_tool  files/my_secret  ask ")
    assert first.endswith(" deny     reader:deny:*/*secret*")
    assert second.endswith(" deny     no policy allows it")
    assert end == "2 of 5 cases failed"


def test_a_file_of_cases_with_a_mistake_ends_with_2(run, tmp_path):
    file = tmp_path / "cases.yaml"
    file.write_text(CASES.replace("expect: ask", "expects: ask"))
    result = run("test", str(file))
    assert result.exit_code == 2
    assert f"{file}:3:78: unknown key `expects`: did you mean `expect`?" in result.stderr
    assert run("test", str(tmp_path / "none.yaml")).exit_code == 2


# --- diff -----------------------------------------------------------------------------------------


@pytest.fixture
def newer(tmp_path):
    path = tmp_path / "new.yaml"
    changed = CONFIG.replace('"files/read_*"', '"files/read_file", "files/list"').replace("write_", "read_")
    path.write_text(changed + '    - {to: "group:devs", role: all}\n')
    return path


def test_diff_says_who_gains_and_who_loses(config, newer, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("# tools\nfiles/read_dir\n\n  files/x  \n")
    result = invoke("diff", str(config), str(newer), "--names", str(names), "--resource", "files/write_x")
    assert result.exit_code == 1
    head, *rows, end = (line.split() for line in result.stdout.splitlines())
    assert head == ["CHANGE", "WHO", "ACTION", "WHAT", "BEFORE", "AFTER"]
    tools = [row for row in rows if row[2] == "call_tool"]
    assert tools == [
        ["gains", "group:devs", "call_tool", "files/list", "deny", "allow"],
        ["gains", "group:devs", "call_tool", "files/read_dir", "deny", "allow"],
        ["gains", "group:devs", "call_tool", "files/read_file", "deny", "allow"],
        ["gains", "group:devs", "call_tool", "files/write_x", "deny", "allow"],
        ["gains", "group:devs", "call_tool", "files/x", "deny", "allow"],
        ["gains", "key:cursor", "call_tool", "files/list", "deny", "allow"],
        ["loses", "key:cursor", "call_tool", "files/read_dir", "allow", "ask"],
        ["loses", "key:cursor", "call_tool", "files/read_file", "allow", "ask"],
        ["loses", "key:cursor", "call_tool", "files/write_x", "ask", "deny"],
    ]
    lost = sum(row[0] == "loses" for row in rows)
    assert end[:4] == [str(len(rows) - lost), "gained,", str(lost), "lost:"]


def test_diff_as_json_names_each_principal_whole(config, newer):
    options = ["--format", "json", "--resource", "files/x", "--principal", "user:u group:devs"]
    result = invoke("diff", str(config), str(newer), *options)
    assert result.exit_code == 1
    assert {
        "change": "gains",
        "principal": ["user:u", "group:devs"],
        "action": "call_tool",
        "resource": "files/x",
        "before": "deny",
        "after": "allow",
    } in json.loads(result.stdout)


def test_no_difference_is_exit_code_0(config):
    result = invoke("diff", str(config), str(config), "--resource", "files/x")
    assert (result.exit_code, result.stdout) == (0, "0 gained, 0 lost: 1 principals, 1 names\n")
    assert (
        json.loads(invoke("diff", str(config), str(config), "--resource", "a/b", "--format", "json").stdout)
        == []
    )


def test_diff_asks_the_servers_of_both(config, newer, monkeypatch):
    asked = []

    def list_servers(settings):
        asked.append(settings.file)
        return {"files": Inventory(("read_t\x1b[0m",), ("p",), ("file:///a",), "2025-11-25", "s/1")}

    monkeypatch.setattr(compose, "list_servers", list_servers)
    result = invoke("diff", str(config), str(newer), "--live")
    assert asked == [config, newer]
    assert "\x1b" not in result.stdout
    for name in ("files/read_t\\x1b[0m", "prompt:files/p", "resource:files/file:///a"):
        assert name in result.stdout


def test_a_server_that_cannot_be_asked_is_no_empty_server(config, newer, monkeypatch):
    monkeypatch.setattr(compose, "list_servers", lambda settings: {"files": ConfigError("gone")})
    result = invoke("diff", str(config), str(newer), "--live")
    assert result.exit_code == 2
    assert "server files cannot be listed: gone" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "nothing to compare"),
        (["--resource", "files"], "names nothing"),
        (["--names", "/none"], "cannot read `/none`"),
        (["--resource", "files/x", "--principal", "nobody"], "is not a principal"),
        (["--resource", "files/x", "--principal", " "], "a principal needs a name"),
    ],
)
def test_diff_refuses_what_compares_nothing(config, options, said):
    result = invoke("diff", str(config), str(config), *options)
    assert result.exit_code == 2
    assert said in result.stderr


# --- check ----------------------------------------------------------------------------------------

ODD = """version: 1
state: state
servers: {files: {command: [nothing]}}
access:
  roles:
    reader:
      allow: ["files/read_*", "files/read_*", "files/my_secret"]
      deny: ["*/*secret*"]
    nobody: {allow: ["*/*"]}
  grants:
    - {to: "key:cursor", role: reader}
    - {to: "user:alice", role: reader}
    - {to: "key:cursor", role: reader}
"""


def test_check_of_a_policy_without_oddities_is_clean(run, config):
    config.write_text(CONFIG.replace('    all: {allow: ["*/*"]}\n', ""))
    result = run("check")
    assert (result.exit_code, result.stdout) == (0, "no findings: 1 roles, 1 grants\n")


def test_check_names_each_oddity_with_its_place(run, config):
    config.write_text(ODD)
    result = run("check")
    assert result.exit_code == 1
    *lines, end = result.stdout.splitlines()
    assert end == "5 findings: 2 roles, 3 grants"
    assert [line.removeprefix(f"{config}:") for line in lines] == [
        "7:31: `files/read_*` stands here twice",
        "7:47: never allowed: `deny: */*secret*` wins",
        "9:13: role `nobody` is granted to nobody",
        "12:12: `user:alice` never matches: it needs an issuer of access tokens under `identity.issuers`",
        "13:7: `key:cursor` has role `reader` already, by grant 1",
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("role: reader, reason", "role: raeder, reason", ":13:32: unknown role `raeder`"),
        ("files/read_*", "fils/read_*", ":7:15: unknown server `fils`: did you mean `files`?"),
        ("files/read_*", "files", "`files` is not a pattern"),
        ("version: 1", "version: 1\nacces: 1", ":2:1: unknown key `acces`"),
    ],
)
def test_what_refuses_to_load_is_a_finding(run, config, before, after, said):
    config.write_text(CONFIG.replace(before, after))
    result = run("check")
    assert result.exit_code == 1
    assert said in result.stderr


def test_a_configuration_that_is_not_there_is_wrong_usage(run, config):
    config.unlink()
    assert run("check").exit_code == 2


def test_check_live_holds_patterns_against_servers_and_keys(run, config, monkeypatch):
    config.write_text(CONFIG.replace("    all:", "    reader2: {allow: ['files/gone']}\n    all:"))
    inventory = Inventory(("read_file",), (), (), "2025-11-25", "s/1")
    monkeypatch.setattr(compose, "list_servers", lambda settings: {"files": inventory})
    found = [line.removeprefix(f"{config}:") for line in run("check", "--live").stdout.splitlines()]
    assert "9:11: `files/write_*` matches nothing that its servers list" in found
    assert "11:23: `files/gone` matches nothing that its servers list" in found
    assert "14:12: `key:cursor` matches nobody: no such key is live" in found
    monkeypatch.setattr(compose, "list_servers", lambda settings: {"files": ConfigError("g\x1bone")})
    found = run("check", "--live").stdout
    assert f"{config}:3:18: server `files` cannot be listed: g\\x1bone" in found
    assert "matches nothing" not in found


SERVER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    answers = {
        "initialize": {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}, "resources": {}},
            "serverInfo": {"name": "s", "version": "1"},
        },
        "tools/list": {"tools": [{"name": n, "inputSchema": {"type": "object"}} for n in ("read_a", "write_a")]},
        "resources/list": {"resources": [{"uri": "file:///a", "name": "a"}]},
        "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "file:///{path}", "name": "t"}]},
    }
    if "id" in message:
        found = answers.get(message["method"])
        answer = {"error": {"code": -32601, "message": "no"}} if found is None else {"result": found}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""


def test_live_asks_a_real_server(config, newer, tmp_path):
    (tmp_path / "server.py").write_text(SERVER)
    command = json.dumps([sys.executable, str(tmp_path / "server.py")])
    for file in (config, newer):
        file.write_text(file.read_text().replace("[nothing]", command))
    rows = [line.split() for line in invoke("diff", str(config), str(newer), "--live").stdout.splitlines()]
    assert ["loses", "key:cursor", "call_tool", "files/read_a", "allow", "ask"] in rows
    assert ["gains", "group:devs", "read_resource", "resource:files/file:///a", "deny", "allow"] in rows
    odd = newer.read_text().replace('"files/list"', '"tool:files/list", "resource:files/file:///b"')
    newer.write_text(odd)
    found = invoke("check", "--live", "--config", str(newer)).stdout
    assert "`tool:files/list` matches nothing" in found
    assert "file:///b" not in found, "a template may stand for it"


# --- observe mode ---------------------------------------------------------------------------------

OBSERVED = CONFIG.replace("command: [nothing]", "command: [nothing], mode: observe").replace(
    "    all:", "    quiet: {allow: ['*/x'], mode: observe}\n    all:"
)


def test_check_notes_what_is_only_observed_and_it_is_no_finding(run, config):
    config.write_text(
        OBSERVED.replace('    all: {allow: ["*/*"]}\n', "").replace("role: reader,", "role: quiet,")
    )
    result = run("check")
    lines = [line.removeprefix(f"{config}:") for line in result.stdout.splitlines()]
    said = "is recorded and let through: `mode: enforce` ends it"
    assert f"3:45: note: observe mode: what policy refuses on server `files` {said}" in lines
    assert f"11:35: note: observe mode: what policy refuses to holders of role `quiet` {said}" in lines
    assert lines[-1] == "1 finding: 2 roles, 1 grants"  # `reader` is granted to nobody


def test_why_says_what_observe_mode_lets_through(run, config):
    config.write_text(OBSERVED)
    result = run("why", "key:other", "call_tool", "files/y")
    assert result.stdout.splitlines()[:3] == [
        "DENY: key:other call_tool files/y",
        "  no policy allows it",
        "  but observe mode lets it through and only records that",
    ]


def test_diff_says_what_is_no_longer_enforced(config, tmp_path):
    new = tmp_path / "observed.yaml"
    new.write_text(CONFIG.replace("[nothing]", "[nothing], mode: observe"))
    result = invoke("diff", str(config), str(new), "--resource", "files/drop", "--resource", "files/read_x")
    assert result.exit_code == 1
    _, row, end = result.stdout.splitlines()
    assert row.split() == ["gains", "key:cursor", "call_tool", "files/drop", "deny", "deny,", "observed"]
    assert end.startswith("1 gained, 0 lost")
    back = invoke("diff", str(new), str(config), "--resource", "files/drop", "--format", "json")
    (change,) = json.loads(back.stdout)
    assert (change["change"], change["observed"]) == ("loses", {"before": True, "after": False})


def test_what_was_let_through_is_found_in_the_log(run, recorded, config):
    recorded.append(entry(trace="d-5", observed="deny", reason="observe mode, policy says deny: x"))
    found = CliRunner().invoke(app, ["audit", "query", "--observed", "deny", "--config", str(config)])
    (record,) = map(json.loads, found.stdout.splitlines())
    assert record["verdict"] == {
        "effect": "allow",
        "observed": "deny",
        "reason": "observe mode, policy says deny: x",
    }
    assert "observe mode let it through: policy said deny" in run("why", "--decision", "d-5").stdout


# --- conditions and policy files ------------------------------------------------------------------

CONDITIONS = """version: 1
state: state
servers: {files: {command: [nothing]}}
access:
  timezone: Europe/Berlin
  policies: [night.cedar]
  roles:
    writer:
      allow:
        - use: files/write
          when: {arguments: {path: {below: /srv/data}}}
  grants:
    - {to: "key:cursor", role: writer}
"""
NIGHT = """// nothing at night
@id("night") @reason("come back in the morning")
forbid (principal, action, resource) when { context.time.hour < 6 };
"""


@pytest.fixture
def conditional(tmp_path):
    (tmp_path / "night.cedar").write_text(NIGHT)
    path = tmp_path / "keepgate.yaml"
    path.write_text(CONDITIONS)
    return path


@pytest.mark.parametrize(
    ("path", "at", "lines"),
    [
        ("/srv/data/a", "2026-11-21T12:00Z", ["ALLOW: ", "under its condition  {config}:10:11"]),
        (
            "/srv/../etc/a",
            "2026-11-21T12:00Z",
            ["DENY: ", "a condition on `path`, the time is not met", "it is named"],
        ),
        ("/srv/data/a", "2026-11-21T04:59Z", ["DENY: ", "come back", "policy `night`  night.cedar:2"]),
        ("/srv/data/a", "2026-11-21T05:00Z", ["ALLOW: "]),
    ],
)
def test_why_takes_arguments_and_the_time_and_names_policy_files(conditional, path, at, lines):
    asked = ("key:cursor", "call_tool", "files/write", "--argument", f"path={path}", "--at", at)
    result = invoke("why", *asked, "--config", str(conditional))
    assert result.exit_code == 0
    for line in lines:
        assert line.format(config=conditional) in result.stdout


def test_an_argument_without_a_value_is_refused(conditional):
    asked = ("why", "key:cursor", "call_tool", "files/write", "--argument", "path")
    result = invoke(*asked, "--config", str(conditional))
    assert (result.exit_code, "write `name=value`" in result.stderr) == (2, True)


def test_cases_say_arguments_and_time(conditional, tmp_path):
    cases = tmp_path / "cases.yaml"
    asked = 'principal: "key:cursor", action: call_tool, resource: files/write'
    case = f'{{{{{asked}, arguments: {{{{path: {{}}}}}}, at: "{{}}", expect: {{}}}}}}'
    noon, night = "2026-11-21T12:00+01:00", "2026-11-21T02:00+01:00"
    lines = [
        case.format("/srv/data/a", noon, "allow"),
        case.format("/etc/a", noon, "deny"),
        case.format("/srv/data/a", night, "deny"),
    ]
    cases.write_text("cases:\n" + "".join(f"  - {line}\n" for line in lines))
    result = invoke("test", str(cases), "--config", str(conditional))
    assert (result.exit_code, result.stdout) == (0, "3 cases passed\n")
    cases.write_text("cases:\n  - " + case.format("/a", "noon", "deny") + "\n")
    assert (
        "`at` must be a time with its zone" in invoke("test", str(cases), "--config", str(conditional)).stderr
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("below: /srv/data", "below: ../data", "keepgate.yaml:10:11: `below: ../data` is no directory"),
        (
            "below: /srv/data",
            "blow: /srv/data",
            "keepgate.yaml:11:37: unknown key `blow`: did you mean `below`?",
        ),
        ("when: {arguments: {path: {below: /srv/data}}}", "when: {}", "`when` demands nothing"),
        ("- use: files/write", "- use: 5", "must be text"),
        ("timezone: Europe/Berlin", "timezone: Europe/Atlantis", "is no time zone"),
        ("night.cedar", "day.cedar", "day.cedar"),
    ],
)
def test_what_is_wrong_with_a_condition_is_said_with_its_place(conditional, before, after, said):
    conditional.write_text(CONDITIONS.replace(before, after))
    result = invoke("check", "--config", str(conditional))
    assert result.exit_code in (1, 2)
    assert said in result.stderr


def test_what_is_wrong_with_a_policy_file_is_said_with_its_place(conditional):
    (conditional.parent / "night.cedar").write_text(NIGHT.replace("time.hour", "time.our"))
    result = invoke("check", "--config", str(conditional))
    assert result.exit_code == 1
    assert "night.cedar:2: `night`: attribute" in result.stderr


def test_check_live_names_conditions_that_no_tool_can_meet(conditional, monkeypatch):
    schema = {"type": "object", "properties": {"file": {"type": "string"}}}
    definitions = {"tools/list": ({"name": "write", "inputSchema": schema},)}
    found = Inventory(("write",), (), (), "2026-07-28", "s/1", definitions=definitions)
    monkeypatch.setattr(compose, "list_servers", lambda settings: {"files": found})
    result = invoke("check", "--live", "--config", str(conditional))
    assert ":10:11: `writer:allow:files/write when " in result.stdout
    assert "no tool that it can reach declares the argument `path`" in result.stdout


def test_diff_takes_conditions_for_the_best_they_allow(conditional, tmp_path):
    free = tmp_path / "free.yaml"
    free.write_text(CONDITIONS.replace("{path: {below: /srv/data}}", "{path: {below: /srv}}"))
    result = invoke("diff", str(conditional), str(free))
    assert (result.exit_code, "0 gained, 0 lost, " in result.stdout) == (1, True)
    assert "under other conditions" in result.stdout
    assert "allow, conditional" in result.stdout
    assert invoke("diff", str(conditional), str(conditional)).exit_code == 0
    free.write_text(CONDITIONS.replace("use: files/write", "use: files/read"))
    result = invoke("diff", str(conditional), str(free))
    assert result.exit_code == 1
    assert "gains" in result.stdout
    assert "loses" in result.stdout


def test_why_can_say_what_was_read_before(tmp_path):
    path = tmp_path / "keepgate.yaml"
    path.write_text(
        CONFIG.replace(
            '      deny: ["*/*secret*"]',
            "      deny:\n"
            "        - {use: '*/*', when: {flow: [untrusted, 'private:crm'], sink: true}}\n"
            "        - {use: '*/*', when: {carries: [customers]}}",
        )
    )
    asked = ("why", "key:cursor", "call_tool", "files/read_x", "--config", str(path))
    both = ("--label", "untrusted", "--label", "private:crm")
    assert invoke(*asked, *both).output.startswith("ALLOW")
    assert invoke(*asked, "--label", "untrusted", "--sink").output.startswith("ALLOW")
    assert invoke(*asked, *both, "--sink").output.startswith("DENY")
    assert invoke(*asked, "--carries", "customers").output.startswith("DENY")
    assert invoke(*asked, "--carries", "unknown").output.startswith("DENY")
    assert invoke(*asked, "--carries", "other").output.startswith("ALLOW")
