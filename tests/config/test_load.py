"""A whole file in, settings or an error with place and cure out."""

import os
from pathlib import Path

import pytest

from keepgate.config import Secret, Settings, load, parse
from keepgate.model.errors import ConfigError
from keepgate.policy.roles import Grant, Role

HOME = {"HOME": "/home/alice"}
FILE = Path("/etc/keepgate/keepgate.yaml")
EXAMPLE = Path(__file__).parents[2] / "examples" / "keepgate.yaml"


def read(text: str, **env: str) -> Settings:
    return parse(f"version: 1\n{text}", file=FILE, env=HOME | env)


def errors(text: str) -> list[str]:
    """The error lines without the file name."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [line.removeprefix(f"{FILE}:") for line in str(caught.value).splitlines()]


def warnings(text: str) -> list[str]:
    return [line.removeprefix(f"{FILE}:") for line in read(text).warnings]


# --- what a file means ----------------------------------------------------------------------------


def test_the_smallest_file_has_safe_defaults():
    settings = read("")
    assert settings.address == ("127.0.0.1", 8700)
    assert settings.loopback
    assert settings.state == Path("/home/alice/.local/state/keepgate")
    assert settings.database == settings.state / "index.db"
    assert settings.durability == "batch"
    assert settings.tls is None
    assert not settings.identity.anonymous
    assert (settings.limits.body_bytes, settings.limits.depth) == (4 * 1024 * 1024, 64)
    assert (settings.limits.call_timeout, settings.limits.call_maximum) == (60, 600)
    assert settings.servers == {}
    assert settings.access.roles == {}
    assert settings.warnings == ()


def test_servers_access_and_secrets_are_plain_data():
    settings = read("""
servers:
  files:
    command: [npx, -y, server]
    args: [./data]
    env: {MODE: ro, TOKEN: {secret: "keyring:svc/name"}}
    pass_env: [HOME]
    cwd: work
  crm:
    url: https://crm.example.com/mcp
    headers: {Authorization: {secret: env:CRM}}
    prefix: ""
    protocol: 2025-06-18
    timeout: 120
    instructions: true
  slack: {command: slack-mcp, prefix: "x-{server}."}
access:
  roles:
    analyst: {allow: ["files/read_*", "crm/search"], ask: ["crm/update_*"], description: reads}
  grants:
    - {to: "key:cursor", role: analyst, reason: needs it, owner: alice}
""")
    files, crm, slack = (settings.servers[name] for name in ("files", "crm", "slack"))
    assert files.argv == ("npx", "-y", "server", "./data")
    assert files.env == {"MODE": "ro", "TOKEN": Secret("keyring", "svc/name")}
    assert files.pass_env == ("HOME",)
    assert files.cwd == FILE.parent / "work"
    assert (files.prefix, crm.prefix, slack.prefix) == ("files_", "", "x-slack.")
    assert slack.argv == ("slack-mcp",)
    assert (crm.url, crm.argv, crm.protocol) == ("https://crm.example.com/mcp", (), "2025-06-18")
    assert (crm.timeout, crm.instructions, files.instructions) == (120, True, None)
    assert crm.headers == {"Authorization": Secret("env", "CRM")}
    assert settings.access.roles == {
        "analyst": Role(allow=("files/read_*", "crm/search"), ask=("crm/update_*",), description="reads")
    }
    assert settings.access.grants == (Grant("key:cursor", "analyst", "needs it", "alice"),)
    assert settings.warnings == ()


def test_relative_paths_start_at_the_file():
    settings = read("state: var\nstorage: sqlite:///db/i.sqlite\ntls: {cert: c.pem, key: /k.pem}")
    assert settings.state == FILE.parent / "var"
    assert settings.database == settings.state / "db" / "i.sqlite"
    assert settings.tls is not None
    assert (settings.tls.cert, settings.tls.key) == (FILE.parent / "c.pem", Path("/k.pem"))
    tls = (
        read("servers: {a: {url: 'https://a', tls: {ca: a.pem, cert: c.pem, key: /k.pem}}}").servers["a"].tls
    )
    assert (tls.ca, tls.cert, tls.key) == (FILE.parent / "a.pem", FILE.parent / "c.pem", Path("/k.pem"))


def test_the_users_state_directory_is_honoured_if_absolute():
    assert read("", XDG_STATE_HOME="/var/s").state == Path("/var/s/keepgate")
    assert read("", XDG_STATE_HOME="relative").state == Path("/home/alice/.local/state/keepgate")
    with pytest.raises(ConfigError, match="neither `XDG_STATE_HOME` nor `HOME` is set"):
        parse("version: 1", file=FILE, env={})


def test_equal_files_give_equal_settings():
    assert read("listen: 127.0.0.1:1") == read("listen: '127.0.0.1:1'")
    assert read("listen: 127.0.0.1:1") != read("listen: 127.0.0.1:2")


def test_the_example_loads_without_a_warning():
    settings = load(EXAMPLE, env=HOME)
    assert settings.servers
    assert settings.warnings == ()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lisen: x", "2:1: unknown key `lisen`: did you mean `listen`?"),
        ("servers: {a: {comand: [x]}}", "2:15: unknown key `comand`: did you mean `command`?"),
        ("limits: {dept: 1}", "2:10: unknown key `dept`: did you mean `depth`?"),
        ("access: {roles: {r: {alow: []}}}", "2:22: unknown key `alow`: did you mean `allow`?"),
        (
            "access: {grants: [{to: 'key:a', role: r, rol: x}]}",
            "2:42: unknown key `rol`: did you mean `role`?",
        ),
        ("tls: {cert: c, key: k, zzz: 1}", "2:24: unknown key `zzz`: known are `cert`, `client_ca`, `key`"),
        ("servers: {a: {command: x, otel: {}}}", "2:27: this version does not honour `otel` yet"),
        (
            "servers: {a: {command: x, sandbox: {mode: strickt}}}",
            "2:43: `servers.a.sandbox.mode` must be 'off', 'observe', 'dev' or 'strict'",
        ),
        (
            "servers: {a: {command: x, sandbox: {network: ['api.example.com']}}}",
            "2:46: `servers.a.sandbox.network` `api.example.com` is not `host:port`: write",
        ),
        (
            "servers: {a: {url: 'https://h', sandbox: {mode: strict}}}",
            "2:42: `sandbox` is for a server with a",
        ),
        ("servers: {a: {url: 'https://a', auth: oauth}}", "2:39: `servers.a.auth` must be a mapping"),
        ("servers: {a: {command: x, auth: {type: oauth}}}", "2:33: `auth` is for a server with a `url`"),
        ("servers: {a: {url: 'http://a.example', auth: {type: oauth}}}", "2:20: must be https"),
        (
            "servers: {a: {url: 'https://a', auth: {type: oauth}, headers: {Authorization: x}}}",
            "2:63: `auth` writes the `Authorization` header",
        ),
        (
            "servers: {a: {url: 'https://a', auth: {type: oauth, client_id: c}}}",
            "2:64: credentials belong to an issuer",
        ),
        (
            "servers: {a: {url: 'https://a', auth: {type: client_credentials}}}",
            "2:46: `client_credentials` needs",
        ),
        ("servers: {a: {url: 'https://a', auth: {type: id_jag}}}", "2:39: `idp` is for `id_jag`"),
        (
            "servers: {a: {url: 'https://a', auth: {type: oauth, client_secret: s3cr3t}}}",
            "2:68: `servers.a.auth.client_secret` must be a reference",
        ),
        (
            "servers: {a: {url: 'https://a', auth: {type: oauth, client_secret: {secret: 'env:S'}}}}",
            "2:68: `client_secret` is that of a client",
        ),
        (
            "servers: {a: {url: 'https://a', auth: {type: oauth, subject: id_token}}}",
            "2:39: `subject` and `subject_token` are for an exchange",
        ),
        ("oauth: {}", "2:1: this version does not honour `oauth` yet"),
        ("access: {grants: [{to: anonymous}]}", "2:19: `access.grants.0.role` is missing"),
        ("servers: {Bad Id: {command: x}}", "2:11: `servers.Bad Id` has a character that is not allowed"),
        ("servers: {a: 3}", "2:14: `servers.a` must be a mapping"),
        ("servers: [a]", "2:10: `servers` must be a mapping"),
        ("servers: {a: {command: x, args: y}}", "2:33: `servers.a.args` must be a list"),
        ("servers: {a: {command: [x, 1]}}", "2:28: `servers.a.command.1` must be text: put it in quotes"),
        ("servers: {a: {command: x, env: {PORT: 80}}}", "2:39: `servers.a.env.PORT` must be text (in quotes"),
        (
            "servers: {a: {command: x, protocol: 2024}}",
            "2:37: `servers.a.protocol` must be 'auto', '2024-11-05'",
        ),
        ("servers: {a: {command: x, timeout: 601}}", "2:36: `servers.a.timeout` must be at most 600"),
        ("limits: {depth: 1}", "2:17: `limits.depth` must be at least 8"),
        ("limits: {depth: 64.5}", "2:17: `limits.depth` must be a whole number"),
        ("limits: {burst: 0}", "2:17: `limits.burst` must be more than 0"),
        ("limits: {call_timeout: '60'}", "2:24: `limits.call_timeout` must be a number"),
        ("limits: {call_maximum: 601}", "2:24: `limits.call_maximum` must be at most 600"),
        (
            "limits: {call_timeout: 60, call_maximum: 30}",
            "2:24: `limits.call_timeout` must not be more than `limits.call_maximum`",
        ),
        ("identity: {anonymous: yes}", "2:23: `identity.anonymous` must be `true` or `false`"),
        ("storage: postgresql://h/d", "2:10: `storage` `postgresql://` is built later"),
        ("durability: maybe", "2:13: `durability` must be 'batch' or 'sync'"),
        ("allowed_origins: ['*']", "2:19: `allowed_origins.0` `*` is not an origin"),
        ("servers: {a: {}}", "2:14: a server needs exactly one of `command` and `url`"),
        ("servers: {a: {command: x, url: 'http://localhost'}}", "2:14: a server needs exactly one of"),
        ("servers: {a: {command: ['']}}", "2:24: the program in `command` is empty"),
        ("vault: {key: plain}", "2:14: `vault.key` must be a reference, not the secret"),
        ("vault: {key: {secret: 'store:a'}}", "2:8: `store:` is the vault itself"),
        (
            "vault: {kms: {url: 'http://kms.example.com', key: k, token: {secret: 'env:T'}}}",
            "2:20: must be https",
        ),
        (
            "vault: {key: {secret: 'env:K'}, kms: {url: 'https://k', key: k, token: {secret: 'env:T'}}}",
            "2:14: with `vault.kms` there is no `vault.key`",
        ),
        ("servers: {a: {url: 'http://169.254.169.254/'}}", "2:20: a link-local address"),
        ("servers: {a: {url: 'http://[fe80::1]/'}}", "2:20: a link-local address"),
        ("servers: {a: {command: x, allow_private: true}}", "2:42: `allow_private` is for a server with a"),
        ("servers: {a: {command: x, tls: {ca: x}}}", "2:32: `tls` is for a server with a `url`"),
        ("servers: {a: {url: 'http://localhost', tls: {ca: x}}}", "2:45: `tls` is for `https://`"),
        ("servers: {a: {url: 'https://a', tls: {cert: x}}}", "2:38: `tls.cert` and `tls.key` need each"),
        (
            "servers: {a: {url: 'https://a', pass_env: [A]}}",
            "2:43: `pass_env` is for a server with a `command`",
        ),
        ("servers: {a: {command: x, headers: {a: b}}}", "2:36: `headers` is for a server with a `url`"),
        (
            "servers: {a: {url: 'https://a', headers: {Host: b}}}",
            "2:43: `servers.a.headers.Host` `Host` is written",
        ),
        ("access: {grants: [{to: 'key:a', role: r}]}", "2:39: unknown role `r`"),
        (
            "access: {roles: {reader: {}}, grants: [{to: 'key:a', role: raeder}]}",
            "2:60: unknown role `raeder`: did you mean `reader`?",
        ),
        (
            "access: {grants: [{to: alice, role: r}]}",
            "2:24: `alice` is not a principal: write one of anonymous",
        ),
        ("access: {roles: {r: {allow: [files]}}}", "2:30: `files` is not a pattern: write `server/name`"),
        (
            "servers: {files: {command: x}}\naccess: {roles: {r: {deny: ['fils/*']}}}",
            "3:29: unknown server `fils`: did you mean `files`?",
        ),
        (
            "servers: {files: {command: x}}\naccess: {roles: {r: {ask: ['tool:x*/*']}}}",
            "3:28: `tool:x*/*` matches no server: known are `files`",
        ),
        ("version: 1", "2:1: `version` stands here twice, first on line 1"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_its_cure(text, expected):
    assert errors(text)[0].startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: the file must be a mapping"),
        ("[]", "1:1: the file must be a mapping"),
        ("listen: 127.0.0.1:1", "1:1: `version` is missing"),
        ("version: 2", "1:10: `version` must be 1"),
        ("version: '1'", "1:10: `version` must be 1"),
    ],
)
def test_the_version_comes_first(text, expected):
    with pytest.raises(ConfigError) as caught:
        parse(text, file=FILE, env=HOME)
    assert str(caught.value).startswith(f"{FILE}:{expected}")


def test_every_mistake_is_reported_in_the_order_of_the_file():
    found = errors("lisen: x\ndurability: no\nservers: {A: {command: x}}")
    assert [line.split(" ")[0] for line in found] == ["2:1:", "3:13:", "4:11:"]


@pytest.mark.parametrize(
    "text",
    [
        "servers: {a: {command: x, env: {A: {secrt: hunter2}}}}",
        "servers: {a: {command: x, env: {A: [hunter2]}}}",
        'servers: {a: {url: "https://u:hunter2@h/"}}',
        'servers: {a: {url: "https://h", headers: {A: "hunter2\\n"}}}',
        "servers: {a: {command: x, env: hunter2}}",
        "servers: {a: {command: x, env: {A: {secret: hunter2}}}}",
    ],
)
def test_no_error_repeats_what_may_be_a_secret(text):
    assert "hunter2" not in "\n".join(errors(text))


# --- what is unsafe -------------------------------------------------------------------------------

OPEN = "listen: 192.168.1.5:8700\n"


def test_anonymous_access_is_refused_off_loopback():
    assert errors(f"{OPEN}tls: {{cert: c, key: k}}\nidentity: {{anonymous: true}}") == [
        "4:23: `identity.anonymous` is only for loopback: remove it or `listen` on 127.0.0.1"
    ]


def test_plain_http_off_loopback_is_refused_unless_it_is_asked_for_by_its_unsafe_name():
    assert "would carry keys in clear: set `tls`" in errors(OPEN)[0]
    assert not read(f"{OPEN}tls: {{cert: c, key: k}}").loopback
    assert read(f"{OPEN}unsafe_plaintext_behind_proxy: true").unsafe_plaintext_behind_proxy


@pytest.mark.parametrize("listen", ["0.0.0.0:1", "'[::]:1'"])
def test_listening_everywhere_needs_the_names_clients_use(listen):
    safe = f"listen: {listen}\ntls: {{cert: c, key: k}}\n"
    assert "in `allowed_hosts`" in errors(safe)[0]
    assert read(f"{safe}allowed_hosts: [Gate.example.com]").allowed_hosts == ("gate.example.com",)


# --- what is odd ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("identity: {anonymous: true}", "2:23: anyone who can connect to this machine's loopback"),
        (
            "servers: {a: {command: x, env: {GITHUB_TOKEN: ghp_1}}}",
            "2:47: `GITHUB_TOKEN` looks like a secret",
        ),
        (
            "servers: {a: {url: 'https://a', headers: {X-Api-Key: k}}}",
            "2:54: `X-Api-Key` looks like a secret in clear",
        ),
        ("servers: {a: {url: 'http://a.example.com'}}", "2:20: plain http"),
        ("access: {roles: {r: {deny: ['*/*']}}}", "2:21: role `r` is granted to nobody"),
        (
            "access: {roles: {r: {}}, grants: [{to: 'key:a', role: r}]}",
            "2:21: role `r` has no patterns and allows nothing",
        ),
        (
            "access: {roles: {r: {allow: ['*/*']}}, grants: [{to: anonymous, role: r}]}",
            "2:54: `anonymous` never matches: `identity.anonymous` is off",
        ),
        (
            "access: {roles: {r: {allow: ['*/*']}}, grants: [{to: 'group:g', role: r}]}",
            "2:54: `group:g` never matches: no issuer under `identity.issuers` has `claims.groups`",
        ),
    ],
)
def test_what_is_probably_not_meant_is_said(text, expected):
    (warning,) = warnings(text)
    assert warning.startswith(expected)
    assert "ghp_1" not in warning


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://localhost/", "http://[::1]:8/", "https://a"])
def test_plain_http_on_loopback_is_not_worth_a_word(url):
    assert warnings(f"servers: {{a: {{url: '{url}'}}}}") == []


# --- where it is found ----------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Writes a configuration that listens on `port` at a path below an empty directory, which is the current one."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def write(path: str, port: int) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"version: 1\nlisten: 127.0.0.1:{port}\n")
        file.chmod(0o600)
        return file

    return write


def test_the_first_of_option_variable_directory_and_user_directory_wins(place, tmp_path):
    env = {"HOME": str(tmp_path / "home")}
    place("home/.config/keepgate/keepgate.yaml", 4)
    assert load(None, env=env).address[1] == 4
    place("here/keepgate.yaml", 3)
    assert load(None, env=env).address[1] == 3
    variable = env | {"KEEPGATE_CONFIG": str(place("variable.yaml", 2))}
    assert load(None, env=variable).address[1] == 2
    assert load(place("option.yaml", 1), env=variable).address[1] == 1


def test_the_users_configuration_directory_can_be_moved(place, tmp_path):
    place("config/keepgate/keepgate.yaml", 5)
    env = {"HOME": "/nowhere", "XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert load(None, env=env).address[1] == 5


def test_nothing_found_says_where_it_looked_and_what_to_do(place):
    with pytest.raises(ConfigError, match=r"no configuration found at `keepgate.yaml` and .*keepgate up"):
        load(None, env=HOME)


def test_a_file_that_was_named_must_be_there(place):
    with pytest.raises(ConfigError, match=r"cannot read `gone\.yaml`: No such file"):
        load(Path("gone.yaml"), env=HOME)
    with pytest.raises(ConfigError, match=r"cannot read `gone\.yaml`"):
        load(None, env=HOME | {"KEEPGATE_CONFIG": "gone.yaml"})


def test_the_settings_know_their_file_by_its_full_path(place):
    file = place("here/keepgate.yaml", 1)
    assert load(Path("keepgate.yaml"), env=HOME).file == file


def test_a_file_that_is_not_text_is_refused(place):
    file = place("x.yaml", 1)
    file.write_bytes(b"version: 1\n# \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(file, env=HOME)
    file.write_bytes("\ufeffversion: 1\n".encode())
    assert load(file, env=HOME).version == 1


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX matter")
def test_a_file_that_others_may_change_is_said(place):
    file = place("x.yaml", 1)
    file.chmod(0o666)
    (warning,) = load(file, env=HOME).warnings
    assert warning == f"{file}: others may change this file, and it says which programs run: chmod go-w"


def test_a_policy_that_others_may_change_is_said(tmp_path):
    (tmp_path / "open.cedar").write_text("")
    (tmp_path / "open.cedar").chmod(0o666)
    (tmp_path / "keepgate.yaml").write_text("version: 1\nservers: {}\naccess: {policies: [open.cedar]}\n")
    found = load(tmp_path / "keepgate.yaml", env={"HOME": str(tmp_path)}).warnings
    assert (
        f"{tmp_path}/open.cedar: others may change this file, and it says what is allowed: chmod go-w"
        in found
    )


def test_what_somebody_else_left_in_this_directory_is_not_picked_up(tmp_path, monkeypatch):
    """It could say which programs run; named on purpose it is used."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "keepgate.yaml"
    file.write_text("version: 1\nservers: {}\n")
    env = {"HOME": str(tmp_path)}
    assert load(None, env=env).file == file
    uid = os.getuid()
    if uid == 0:
        os.chown(file, 4242, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(ConfigError, match="belongs to another user"):
        load(None, env=env)
    assert load(file, env=env).file == file
    assert load(None, env=env | {"KEEPGATE_CONFIG": str(file)}).file == file
