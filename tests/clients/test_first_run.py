"""From launch entries to the first configuration: ids, references, secrets, roles, and what stays out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate import config
from keepgate.clients.first_run import Adoption, Offer, adopt, quoted, same_server, starter
from keepgate.model.upstream import LaunchEntry, Origin, Transport
from keepgate.policy.pattern import Pattern

HOME = Path("/home/ada")


def local(
    name="files", command="npx", *, client="cursor", scope="user", file="/home/ada/.cursor/mcp.json", **more
):
    return LaunchEntry(name, Transport.STDIO, Origin(client, scope, file), command=command, **more)


def remote(name="crm", url="https://crm.example/mcp", *, client="cursor", **more):
    return LaunchEntry(name, Transport.HTTP, Origin(client, "user", "/f"), url=url, **more)


def take(*entries, env=None) -> Adoption:
    return adopt(entries, home=HOME, env=env or {})


def parsed(adoption, offers=None):
    text = starter(adoption, offers or {})
    return config.parse(text, file=Path("/c/keepgate.yaml"), env={"HOME": "/home/ada"})


def test_the_same_launch_in_two_clients_is_one_server_for_both():
    (server,) = take(local(), local(client="vscode")).servers
    assert server.clients == ("cursor", "vscode")


@pytest.mark.parametrize(
    "other",
    [
        local(command="other"),
        local(args=("-y",)),
        local(env={"A": "b"}),
        local(cwd="/x"),
        local(scope="project /p"),
    ],
)
def test_another_launch_under_the_same_name_is_another_server(other):
    assert [server.id for server in take(local(), other).servers] == ["files", "files-cursor"]


def test_names_become_ids():
    names = ["Files", "My Server!", "a/b", "é", "-x-", "z" * 70, "my-server"]
    adoption = take(*(local(name, command=name) for name in names))
    assert [server.id for server in adoption.servers] == [
        "files", "my-server", "a-b", "server", "x", "z" * 40, "my-server-cursor",
    ]  # fmt: skip
    assert list(parsed(adoption).servers) == [server.id for server in adoption.servers]


def test_a_server_starts_where_its_client_started_it():
    def cwd(**more):
        return take(local(**more)).servers[0].config["cwd"]

    assert cwd() == "/home/ada"
    assert cwd(cwd="sub") == "/home/ada/sub"
    assert cwd(scope="project /src/app") == "/src/app"
    assert cwd(scope="project", file="/src/app/.cursor/mcp.json") == "/src/app"
    assert cwd(scope="project", file="/src/app/.mcp.json", client="claude-code") == "/src/app"
    assert cwd(cwd="${workspaceFolder}/x", scope="project", file="/src/app/.vscode/mcp.json") == "/src/app/x"


@pytest.mark.parametrize(
    ("client", "text", "expected"),
    [
        ("cursor", "${userHome}/x", "/home/ada/x"),
        ("cursor", "${workspaceFolderBasename}${/}x", "ada/x"),
        ("vscode", "${env:REGION}/x", "eu/x"),
        ("claude-code", "${REGION}/${OTHER:-none}", "eu/none"),
        ("claude-code", "$REGION ${", "$REGION ${"),
        ("claude-code", "a}b", "a}b"),
    ],
)
def test_what_is_known_of_a_reference_is_filled_in(client, text, expected):
    adoption = take(local(client=client, args=(text,)), env={"REGION": "eu"})
    assert adoption.servers[0].config["command"] == ["npx", expected]


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("vscode", "${input:path}"),
        ("cursor", "${REGION}"),
        ("claude-desktop", "${env}"),
        ("claude-code", "${userHome}"),
    ],
)
def test_what_only_the_client_knows_keeps_a_command_line_out(client, text):
    adoption = take(local(client=client, args=(text,)), env={"REGION": "eu"})
    assert [why for _, why in adoption.left] == [f"`{text}` in its command line is known to the client only"]


def test_a_secret_of_the_environment_is_never_written_into_a_command_line():
    adoption = take(local(client="vscode", args=("${env:T}",)), env={"T": "ghp_0123456789abcdefghij"})
    assert [why for _, why in adoption.left] == [
        "a variable in its command line holds a secret: hand it over in `env`"
    ]


def test_values_become_text_references_or_stored_secrets():
    adoption = take(
        local(
            client="vscode",
            env={
                "LEVEL": "info",
                "A_TOKEN": "abc",
                "B": "${env:B}",
                "C": "x-${env:B}",
                "EMPTY_KEY": "",
                "D": "${env:S}1",
            },
        ),
        env={"B": "b", "S": "ghp_0123456789abcdefghij"},
    )
    assert adoption.servers[0].config["env"] == {
        "LEVEL": "info",
        "A_TOKEN": {"secret": "store:files.A_TOKEN"},
        "B": {"secret": "env:B"},
        "C": "x-b",
        "EMPTY_KEY": "",
        "D": {"secret": "store:files.D"},
    }
    assert adoption.secrets == {"files.A_TOKEN": "abc", "files.D": "ghp_0123456789abcdefghij1"}


def test_a_value_that_only_the_client_knows_makes_the_server_wait():
    adoption = take(
        local(client="vscode", env={"K": "${input:k}"}),
        remote(headers={"Authorization": "Bearer ${env:NOPE}"}),
    )
    assert adoption.servers == []
    assert [server.missing for server in adoption.waiting] == [
        {"files.K": "the value of `K` with `${input:k}` filled in"},
        {"crm.Authorization": "the value of `Authorization` with `${env:NOPE}` filled in"},
    ]


def test_every_header_is_stored_and_credentials_in_an_address_become_one():
    adoption = take(remote(url="https://ada:p%40ss@crm.example/mcp", headers={"X-Team": "7"}))
    assert adoption.servers[0].config == {
        "url": "https://crm.example/mcp",
        "headers": {
            "X-Team": {"secret": "store:crm.X-Team"},
            "Authorization": {"secret": "store:crm.Authorization"},
        },
    }
    assert adoption.secrets["crm.Authorization"] == "Basic YWRhOnBAc3M="


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (local(disabled=True), "disabled in the client"),
        (local("keepgate"), "keepgate's own entry"),
        (remote("keepgate", "http://127.0.0.1:8700/mcp"), "keepgate's own entry"),
        (
            remote(url="https://crm.example/mcp?api_key=s3cr3t"),
            "its address carries a secret in the query: use a header if the server takes one",
        ),
        (remote(url="https://[crm"), "its address is not valid"),
    ],
)
def test_what_stays_out_says_why(entry, why):
    adoption = take(entry)
    assert [reason for _, reason in adoption.left] == [why]
    assert adoption.servers == []


def test_a_secret_among_the_arguments_and_a_file_of_variables_are_noted():
    (server,) = take(local(args=("--api-key", "abc"), env_file=".env")).servers
    assert server.notes == [
        "an argument looks like a secret: other users of this machine can see it",
        "its `envFile` is not read: set what it sets under `env`",
    ]


def test_what_is_configured_already_is_recognised():
    (one, two) = take(local(args=("-y",)), remote()).servers
    assert same_server(one.config, ("npx", "-y"), "")
    assert same_server(two.config, (), "https://crm.example/mcp")
    assert not same_server(one.config, ("npx",), "")


# --- the file -------------------------------------------------------------------------------------


def test_the_file_reads_as_it_should():
    adoption = take(
        local(args=("-y", "server-files"), env={"A_TOKEN": "abc", "LEVEL": "info"}),
        remote(client="vscode"),
        local("perplexity", client="vscode", command="uvx", env={"K": "${input:k}"}),
        local("off", disabled=True),
    )
    offers = {"files": Offer(("read_file", "write*"), ("sum up",), ("file:///{+path}", "memo://one"))}
    assert (
        starter(adoption, offers).partition("servers:\n")[2]
        == """  # cursor (files)
  files:
    command: ["npx", "-y", "server-files"]
    cwd: "/home/ada"
    env:
      A_TOKEN: {secret: "store:files.A_TOKEN"}
      LEVEL: "info"
  # vscode (crm)
  crm:
    url: "https://crm.example/mcp"
  # To do: `keepgate secrets set perplexity.K`, the value of `K` with `${input:k}` filled in.
  # Then uncomment this, and give `perplexity` a role and grants as the others have:
  # # vscode (perplexity)
  # perplexity:
  #   command: ["uvx"]
  #   cwd: "/home/ada"
  #   env:
  #     K: {secret: "store:perplexity.K"}
  # not taken over: off of cursor, disabled in the client

# Nothing is vetted yet: each role lists what its server offered at first sight, so what a server adds
# later is not allowed until you say so. Delete what you do not use.
access:
  roles:
    files:
      allow:
        - "tool:files/read_file"
        - "tool:files/write\\\\*"
        - "prompt:files/sum up"
        - "resource:files/file:///*"
        - "resource:files/memo://one"
    crm:
      # Not listed: it was not asked.
      # To grant all it offers, now and later, put this in the place of the next line:
      # allow: ["crm/*"]
      allow: []
  grants:
    - {to: "key:cursor", role: files}
    - {to: "key:vscode", role: crm}
"""
    )
    assert parsed(adoption, offers).access.roles["files"].allow[1] == "tool:files/write\\*"


def test_more_than_anybody_would_read_is_not_granted():
    text = starter(take(local()), {"files": Offer(tuple(f"tool{n}" for n in range(501)))})
    assert "# Not listed: it offers more than 500 things." in text
    assert "tool7" not in text


def test_a_server_that_offers_nothing_is_granted_nothing():
    assert parsed(take(local()), {"files": Offer()}).access.roles["files"].allow == ()


def test_hostile_words_cannot_leave_their_place():
    words = 'x"\n  evil: {command: [sh]}\n#\x1b\u2028\u202e\x85\ufeff\U000e0041'
    entry = local(words, args=(words,), env={"A": words}, client="cursor")
    adoption = take(entry, local("two", command="b", disabled=True))
    made = parsed(adoption, {adoption.servers[0].id: Offer((words, "\ud800"), (), (words,), unknown=words)})
    (server,) = made.servers.values()
    assert server.argv == ("npx", words)
    assert adoption.secrets == {f"{adoption.servers[0].id}.A": words}
    (role,) = made.access.roles.values()
    assert Pattern.parse(role.allow[0]).name.exact == words
    assert len(role.allow) == 2


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_from_the_file_as_it_was(text):
    allow = config.parse(
        f"version: 1\naccess: {{roles: {{r: {{description: {quoted(text)}}}}}}}\n",
        file=Path("/c/keepgate.yaml"),
        env={"HOME": "/h"},
    ).access.roles["r"]
    assert allow.description == text
    assert quoted(text).isprintable()
