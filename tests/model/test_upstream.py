"""A launch entry tells where it stands and how it starts."""

from keepgate.model.upstream import LaunchEntry, Origin, Transport

ORIGIN = Origin("cursor", "user", "mcp.json", "/mcpServers/files", 3, 5)


def test_an_origin_is_written_as_an_editor_takes_it():
    assert str(ORIGIN) == "mcp.json:3:5"
    assert str(Origin("cursor", "user", "mcp.json")) == "mcp.json"


def test_argv_is_command_and_arguments_and_empty_for_a_remote_server():
    assert LaunchEntry("files", Transport.STDIO, ORIGIN, command="npx", args=("-y", "x")).argv == (
        "npx",
        "-y",
        "x",
    )
    assert LaunchEntry("crm", Transport.HTTP, ORIGIN, url="https://crm.example").argv == ()
