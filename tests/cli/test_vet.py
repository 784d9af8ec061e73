"""`keepgate vet` without a network: how packages are named, what is known, paths; and that a gap is said."""

import json

import pytest
from typer.testing import CliRunner

from keepgate import cli
from keepgate.compose.scan.vet import package
from keepgate.model.errors import ConfigError
from keepgate.scanner.packages.advisories import bundled

RUNNER = CliRunner()


def vet(*arguments):
    return RUNNER.invoke(cli.app, ["vet", *arguments])


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("npm:@s/x@1.0.0", ("npm", "@s/x", "1.0.0")),
        ("pkg:npm/%40s/x@1.0.0", ("npm", "@s/x", "1.0.0")),
        ("pypi:Some_Name==1.0", ("pypi", "some-name", "1.0")),
        ("pkg:pypi/name@2.0", ("pypi", "name", "2.0")),
        ("@s/x", ("npm", "@s/x", "")),
        ("x@1.0.0", ("npm", "x", "1.0.0")),
        ("x==1.0", ("pypi", "x", "1.0")),
        ("mcp-server-time", ("pypi", "mcp-server-time", "")),
        ("mcp-remote", ("npm", "mcp-remote", "")),
    ],
)
def test_how_packages_are_named(text, asked):
    found = package(text, bundled())
    assert (found.ecosystem, found.name, found.version) == asked


@pytest.mark.parametrize("text", ["npm:", "pypi:--index-url=x", "npm:./x", "npm:-g"])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ConfigError):
        package(text, bundled())


@pytest.mark.parametrize(
    ("target", "code", "rule"),
    [
        ("postmark-mcp@1.0.16", 14, "package.malicious"),
        ("npm:mcp-remote@0.1.10", 14, "package.vulnerable"),
        ("@modelcontextprotocol/inspector@0.14.0", 14, "package.vulnerable"),
        ("@modelcontextprotocol/server-filesystem@0.6.2", 13, "package.vulnerable"),
        ("pypi:mcp-server-gti==1.0", 13, "package.imitates"),
    ],
)
def test_what_is_known_is_known_without_a_network(target, code, rule):
    result = vet(target, "--offline", "--format", "json")
    assert result.exit_code == code
    report = json.loads(result.stdout)
    assert [each["rule"] for each in report["findings"]] == [rule]
    assert report["inventory"][0]["tier"] in ("reference", "official", "community", "unknown")
    assert any("source" in each["what"] and not each["checked"] for each in report["coverage"])


def test_a_good_package_is_clean_and_its_gap_is_said():
    assert vet("npm:@modelcontextprotocol/server-memory@2026.8.31", "--offline").exit_code == 0
    assert vet("npm:@modelcontextprotocol/server-memory@2026.8.31", "--offline", "--require").exit_code == 1


def test_a_path_is_vetted_and_an_address_is_refused(tmp_path):
    (tmp_path / "server.py").write_text(
        "import os\nfrom fastmcp import FastMCP\nm = FastMCP('x')\n@m.tool()\ndef f(c: str): os.system(c)\n"
    )
    assert vet(str(tmp_path)).exit_code == 13
    assert vet("https://example.com/x.git").exit_code == 1
    (tmp_path / "empty").mkdir()
    assert vet(str(tmp_path / "empty")).exit_code == 3
