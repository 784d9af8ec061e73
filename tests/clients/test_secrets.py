"""What is taken for a secret, and what is shown of a command, an address and a file."""

import pytest

from keepgate.clients.formats import is_secret, masked, printable, show_args, show_url
from keepgate.clients.formats.secrets import secret_name, secret_value
from tests.clients.homes import sample


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN",
        "exaApiKey",
        "x-api-key",
        "--password",
        "API_KEYS",
        "accessToken",
        "Authorization",
        "PGPASSWORD",
    ],
)
def test_names_of_secrets(name):
    assert secret_name(name)


@pytest.mark.parametrize(
    "name", ["MAX_TOKENS", "KEYBOARD", "AUTHOR", "TOKEN_FILE", "LOG_LEVEL", "monkey", "", "--port"]
)
def test_names_of_other_things(name):
    assert not secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "Bearer abcdefghijkl",
        "postgresql://ada:hunter2@localhost/shop",
        "https://mcp.example.com/mcp?api_key=s3cr3t",
        "9f8e7d6c5b4a39281706abcdef012345",
    ],
)
def test_values_that_look_like_secrets_whatever_their_name(value):
    assert secret_value(value)


@pytest.mark.parametrize(
    "value",
    [
        "@modelcontextprotocol/server-filesystem@2026.8.31",
        "mcp-server-fetch-2026.10.1",
        "ghcr.io/github/github-mcp-server",
        "https://mcp.example.com/mcp?region=eu",
        "/home/ada/projects/a-long-name-of-2026",
        "true",
    ],
)
def test_values_that_do_not(value):
    assert not secret_value(value)


def test_a_flag_or_a_word_is_no_secret_under_any_name():
    assert not is_secret("USE_TOKEN", "true")


def test_arguments_are_shown_without_secrets_and_otherwise_in_full():
    args = (
        "-e",
        "GITHUB_TOKEN",
        "--api-key",
        "abc",
        "--token=abc",
        "-e",
        "A_KEY=abc",
        "-H",
        "Authorization: Bearer abc",
    )
    assert show_args(args) == (
        "-e", "GITHUB_TOKEN", "--api-key", "***", "--token=***", "-e", "A_KEY=***", "-H", "Authorization:***",
    )  # fmt: skip
    plain = ("run", "-y", "server@1.2.3", "--port=8080", "C:\\Users\\Ada", "https://example.com/mcp")
    assert show_args(plain) == plain


def test_an_address_is_shown_without_what_opens_it():
    assert (
        show_url("https://u:p@h.com/s/9f8e7d6c5b4a39281706abcdef/mcp?k=v")
        == "https://***@h.com/s/***/mcp?k=***"
    )
    assert show_url("https://[broken") == "***"


@pytest.mark.parametrize(
    "name",
    ["claude_desktop_config.json", "claude.json", "cursor.json", "vscode.mcp.json", "vscode.settings.json"],
)
def test_no_secret_of_a_file_survives_masking(name):
    text = masked(sample(name))
    for secret in ("ghp_", "hunter2", "ctx7sk", "7d3f9a10", "LINEAR_TOKEN", "brave-search"):
        assert secret not in text
    assert "npx" in text or "uvx" in text


def test_masking_keeps_the_lines_and_gives_up_on_what_it_cannot_read():
    assert masked('{"env": {"A": "b"}} // s') == '{"env": {"A": "***"}} //'
    assert masked('{"password": "hunter2"') == "***"


def test_what_moves_the_cursor_or_hides_is_escaped():
    assert printable("a\x1b[2J\u202eb\u200b\n\ud800é 猫") == "a\\x1b[2J\\u202eb\\u200b\\n\\ud800é 猫"
    assert printable("abcdef", 4) == "abc…"
