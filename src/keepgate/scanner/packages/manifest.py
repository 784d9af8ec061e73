"""What a project or package declares: its dependencies, as asked for or as locked, and the scripts that run at install."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import Component, Location, ScanFinding
from keepgate.protocol.jsonc import Document, Lines, Node, scan
from keepgate.scanner.packages.spec import Use, split_pypi
from keepgate.scanner.rule import Rule

INSTALL_SCRIPT: Final = Rule(
    "package.install-script",
    "a script of the package runs when it is installed",
    Severity.LOW,
    Confidence.CONFIRMED,
    ("OWASP-MCP04", "SAFE-T1207", "CWE-829"),
    "read the script, or install with --ignore-scripts as the gateway does",
)
RULES: Final = (INSTALL_SCRIPT,)

MAX_PACKAGES: Final = 20_000
_LIFECYCLE: Final = ("preinstall", "install", "postinstall")
_FETCHES: Final = (
    "curl ",
    "wget ",
    "http://",
    "https://",
    "node -e",
    "eval",
    "base64",
    "python -c",
    "powershell",
    "| sh",
    "|sh",
    "| bash",
    "/dev/tcp",
    "bash -c",
    "sh -c",
    "nc ",
)
_HARMLESS: Final = (
    "node-gyp",
    "prebuild-install",
    "husky",
    "patch-package",
    "node-pre-gyp",
    "prebuildify",
    "node-gyp-build",
    "is-ci",
    "opencollective",
    "only-allow",
    "echo ",
    "node scripts/postinstall",
    "exit 0",
)


@dataclass(slots=True)
class Declared:
    """What one manifest says. `why` is set where it could not be read."""

    uses: list[Use] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    findings: list[ScanFinding] = field(default_factory=list)
    why: str = ""


def read(text: str, file: str) -> Declared:
    """A manifest or lock file, by its name."""
    base = file.replace("\\", "/").rpartition("/")[2].lower()
    try:
        if base == "package.json":
            return _package_json(text, file)
        if base in ("package-lock.json", "npm-shrinkwrap.json"):
            return _package_lock(text, file)
        if base == "pyproject.toml":
            return _pyproject(text, file)
        if base in ("uv.lock", "poetry.lock"):
            return _toml_lock(text, file)
        if base.startswith("requirements"):
            return _requirements(text, file)
    except (ValueError, RecursionError) as error:  # of JSON, of TOML, of a number of thousands of digits
        return Declared(why=f"it cannot be read: {str(error)[:100]}")
    except (AttributeError, TypeError, KeyError):
        return Declared(why="it cannot be read: something in it is not what it should be")
    return Declared(why="lock files of this kind are not read yet")


def _package_json(text: str, file: str) -> Declared:
    document, lines, out = scan(text), Lines(text), Declared()
    root = document.root
    name = _text(root.get("name")) or file
    for section in ("dependencies", "optionalDependencies", "devDependencies"):
        found = root.get(section)
        for member in found.members[:MAX_PACKAGES] if found is not None else ():
            place = Location(file, *lines.place(member.start))
            version = _text(member.node)
            spec = f"{member.key}@{version}" if version else member.key
            out.uses.append(Use("npm", member.key, version, spec, place, f"package:{name}"))
    scripts = root.get("scripts")
    for member in scripts.members if scripts is not None else ():
        if member.key in _LIFECYCLE:
            out.findings.append(
                _script(name, member.key, _text(member.node), Location(file, *lines.place(member.start)))
            )
    return out


def _script(name: str, stage: str, command: str, place: Location) -> ScanFinding:
    """How grave a script is: what builds native code is usual, what downloads or decodes is not."""
    lowered = command.lower()
    grave = any(mark in lowered for mark in _FETCHES)
    usual = any(mark in lowered for mark in _HARMLESS) and not grave
    severity = Severity.HIGH if grave else Severity.INFO if usual else Severity.LOW
    return INSTALL_SCRIPT.at(f"package:{name}", place, f"{stage}: {command}", severity=severity)


def _package_lock(text: str, file: str) -> Declared:
    document, out = scan(text), Declared()
    packages = document.root.get("packages")
    if packages is None:
        return _old_lock(document, text, file)
    lines = Lines(text)
    for member in packages.members[:MAX_PACKAGES]:
        name = member.key.rpartition("node_modules/")[2]
        version = _text(member.node.get("version"))
        if name and version and member.node.get("link") is None:
            _locked(
                out,
                "npm",
                name,
                version,
                _text(member.node.get("integrity")),
                Location(file, *lines.place(member.start)),
            )
    return out


def _old_lock(document: Document, text: str, file: str) -> Declared:
    lines, out = Lines(text), Declared()
    found = document.root.get("dependencies")
    for member in found.members[:MAX_PACKAGES] if found is not None else ():
        version = _text(member.node.get("version")) if member.node.kind == "object" else ""
        if version:
            _locked(
                out,
                "npm",
                member.key,
                version,
                _text(member.node.get("integrity")),
                Location(file, *lines.place(member.start)),
            )
    return out


def _locked(out: Declared, ecosystem: str, name: str, version: str, integrity: str, place: Location) -> None:
    use = Use(ecosystem, name, version, f"{name}@{version}", place, f"package:{name}")
    out.uses.append(use)
    out.components.append(Component(use.purl, name, version, ecosystem, integrity))


def _pyproject(text: str, file: str) -> Declared:
    project = tomllib.loads(text).get("project", {})
    wanted = project.get("dependencies", []) if isinstance(project, dict) else []
    lines, out = Lines(text), Declared()
    for requirement in wanted[:MAX_PACKAGES] if isinstance(wanted, list) else ():
        if isinstance(requirement, str):
            place = Location(file, *lines.place(max(text.find(requirement), 0)))
            out.uses += _requirement(requirement, place, str(project.get("name", file)))
    return out


def _requirements(text: str, file: str) -> Declared:
    out = Declared()
    for number, line in enumerate(text.splitlines()[:MAX_PACKAGES], 1):
        bare = line.partition(" #")[0].strip().rstrip("\\").strip()
        if bare and not bare.startswith(("#", "-")):
            out.uses += _requirement(bare.partition(" --")[0], Location(file, number, 1), file)
    return out


def _requirement(requirement: str, place: Location, owner: str) -> Iterator[Use]:
    name, version = split_pypi(requirement)
    if name:
        yield Use("pypi", name, version, requirement.strip(), place, f"package:{owner}")


def _toml_lock(text: str, file: str) -> Declared:
    value: Any = tomllib.loads(text).get("package", [])
    lines, out, at = Lines(text), Declared(), 0
    for each in value[:MAX_PACKAGES] if isinstance(value, list) else ():
        name, version = each.get("name"), each.get("version")
        if isinstance(name, str) and isinstance(version, str):
            at = max(text.find(f'name = "{name}"', at), 0)
            _locked(out, "pypi", name, version, "", Location(file, *lines.place(at)))
    return out


def _text(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""
