"""`keepgate vet`: one package, address or path, before it is installed. Fetched without scripts, never run."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from keepgate.compose.scan import collect, run
from keepgate.compose.scan.collect import Collected
from keepgate.compose.scan.run import Options
from keepgate.model.errors import ConfigError, UpstreamError
from keepgate.model.scan import Component, Coverage, Location, ScanFinding, ScanReport
from keepgate.scanner.merge import merged
from keepgate.scanner.packages import check, manifest
from keepgate.scanner.packages.names import names
from keepgate.scanner.packages.osv import Advisories
from keepgate.scanner.packages.spec import Use, is_exact, normal, split_npm, split_pypi
from keepgate.transports.launchers.closure import Closure, fetch
from keepgate.transports.launchers.recognise import LauncherError, recognise
from keepgate.transports.sandbox.launch import fetching_environment


@dataclass(frozen=True, slots=True)
class Asked:
    """A package of a registry."""

    ecosystem: str
    name: str
    version: str

    @property
    def spec(self) -> str:
        """As the registry's client takes it."""
        mark = "@" if self.ecosystem == "npm" else "=="
        return f"{self.name}{mark}{self.version}" if self.version else self.name

    @property
    def use(self) -> Use:
        """For the checks of packages."""
        place = Location(f"pkg:{self.ecosystem}/{self.spec}")
        return Use(self.ecosystem, self.name, self.version, self.spec, place, f"package:{self.name}", "vet")


def vet(target: str, options: Options, *, offline: bool) -> ScanReport | None:
    """A report about one target; None if there is nothing to look at. Raises ConfigError."""
    path = Path(target)
    if path.exists():
        return run.scan([path], options)
    if target.startswith(("git+", "github:", "git@", "ssh://")) or "://" in target:
        raise ConfigError(
            f"`{target[:200]}` is neither a package nor a path: clone or download it, and vet the directory or archive"
        )
    asked = package(target, run.known(options.advisories))
    return _package(asked, options, offline=offline)


def package(text: str, advisories: Advisories) -> Asked:
    """`npm:x@1`, `pypi:x==1`, `pkg:npm/x@1`, `x@1` (npm), `x==1` (PyPI), or a name alone. Raises ConfigError."""
    bare = text.removeprefix("pkg:").replace("%40", "@")
    for ecosystem in ("npm", "pypi"):
        for mark in (":", "/"):
            if bare.startswith(ecosystem + mark):
                return _asked(ecosystem, bare[len(ecosystem) + 1 :])
    if bare.startswith("@") or "@" in bare[1:]:
        return _asked("npm", bare)
    if any(sign in bare for sign in "=<>~[!"):
        return _asked("pypi", bare)
    known = names("pypi").tier(normal(bare))[0] != "unknown" or advisories.of("pypi", bare)
    there = names("npm").tier(bare)[0] != "unknown" or advisories.of("npm", bare)
    return _asked("pypi" if known and not there else "npm", bare)


def _asked(ecosystem: str, text: str) -> Asked:
    if ecosystem == "npm":
        name, version = split_npm(text)
    else:
        name, version = split_pypi(text.replace("@", "==", 1) if "==" not in text else text)
    if not name or "\0" in name or text.startswith(("-", ".", "/")):
        raise ConfigError(
            f"`{text[:200]}` is no name of a package: write npm:NAME@VERSION or pypi:NAME==VERSION"
        )
    return Asked(ecosystem, name, version)


def _package(asked: Asked, options: Options, *, offline: bool) -> ScanReport:
    advisories = run.known(options.advisories)
    found = Collected()
    findings = list(check.check(asked.use, advisories))
    tier, why = check.tier_of(asked.use)
    components = [Component(asked.use.purl, asked.name, asked.version, asked.ecosystem)]
    inventory: list[dict[str, object]] = [
        {
            "kind": "package",
            "name": asked.name,
            "ecosystem": asked.ecosystem,
            "version": asked.version,
            "tier": tier,
            "evidence": [why],
        }
    ]
    refused = any(finding.rule == check.MALICIOUS.id for finding in findings)
    if offline or refused:
        reason = "it is known to be malicious" if refused else "--offline: nothing was fetched"
        found.coverage.append(
            Coverage("source, dependencies and install scripts of the package", checked=False, why=reason)
        )
        return _finished(run.examined(found, options), findings, inventory, components)
    with tempfile.TemporaryDirectory(prefix="keepgate-vet-") as folder:
        try:
            closure = _fetched(asked, Path(folder), options)
        except (UpstreamError, LauncherError) as error:
            found.coverage.append(
                Coverage(
                    "source, dependencies and install scripts of the package",
                    checked=False,
                    why=str(error)[:300],
                )
            )
            return _finished(run.examined(found, options), findings, inventory, components)
        for each in closure.packages:
            purl = each.purl.removeprefix("pkg:").replace("%40", "@")
            ecosystem, _, rest = purl.partition("/")
            name, _, version = rest.rpartition("@")
            components.append(Component(each.purl, name, version, ecosystem, each.integrity))
            if name != asked.name:
                use = Use(
                    ecosystem, name, version, f"{name}@{version}", Location(each.purl), f"package:{name}"
                )
                findings += check.check(use, advisories)
        for root in _own(asked, closure):
            collect.target(found, root, options.progress)
        if not found.texts:
            found.coverage.append(
                Coverage("source of the package", checked=False, why="none of a known language")
            )
        report = run.examined(found, options)
        findings += _scripts(closure)
        place = str(closure.folder)
    known = f"{len(closure.packages)} packages with the hashes of their registry"
    report = replace(report, coverage=(*report.coverage, Coverage("dependencies", checked=True, why=known)))
    return _finished(report, findings, inventory, components, place)


def _fetched(asked: Asked, folder: Path, options: Options) -> Closure:
    from keepgate.compose.running import run as loop

    launcher = (
        ["npx", "-y", asked.spec]
        if asked.ecosystem == "npm"
        else ["uvx", asked.spec.replace("==", "@") if is_exact(asked.version) else asked.spec]
    )
    wanted = recognise(launcher)
    assert wanted is not None
    options.progress(f"fetching {asked.spec} without its scripts")
    return loop(fetch(wanted, folder, fetching_environment({})))


def _own(asked: Asked, closure: Closure) -> list[Path]:
    """The directories of the package itself, and its modules beside them."""
    if asked.ecosystem == "npm":
        return [closure.folder / "node_modules" / asked.name]
    found: list[Path] = []
    for site in closure.folder.glob("venv/lib/python*/site-packages"):
        for info in site.glob("*.dist-info"):
            if normal(info.name.partition("-")[0]) != asked.name:
                continue
            record = (info / "RECORD").read_text(errors="replace").splitlines()
            tops = {line.partition("/")[0] for line in record if "/" in line.partition(",")[0]}
            found += [
                site / top
                for top in sorted(tops)
                if (site / top).is_dir() and top not in ("..", "__pycache__")
            ]
            alone = {line.partition(",")[0] for line in record} - tops
            found += [
                site / each
                for each in sorted(alone)
                if each.endswith(".py") and "/" not in each and (site / each).is_file()
            ]
    return found


def _scripts(closure: Closure) -> list[ScanFinding]:
    """Scripts that npm would have run at install."""
    out: list[ScanFinding] = []
    for path in sorted(closure.folder.glob("node_modules/**/package.json"))[:5000]:
        if path.parent.parent.name != "node_modules" and not path.parent.parent.name.startswith("@"):
            continue
        out += manifest.read(path.read_text(errors="replace"), str(path)).findings
    return out


def _finished(
    report: ScanReport,
    findings: list[ScanFinding],
    inventory: list[dict[str, object]],
    components: list[Component],
    folder: str = "",
) -> ScanReport:
    """With what is known of the package; files of the place it was fetched to are told relative to it."""
    every = (
        [_moved(each, folder) for each in (*findings, *report.findings)]
        if folder
        else [*findings, *report.findings]
    )
    parts = {each.purl: each for each in (*report.components, *components)}
    coverage = tuple(
        replace(each, what=each.what.replace(folder + "/", ""), why=each.why.replace(folder + "/", ""))
        if folder
        else each
        for each in report.coverage
    )
    return replace(
        report,
        findings=merged(every),
        inventory=(*inventory, *report.inventory),
        components=tuple(parts.values()),
        coverage=coverage,
    )


def _moved(finding: ScanFinding, folder: str) -> ScanFinding:
    def place(each: Location) -> Location:
        return replace(each, file=each.file.removeprefix(folder + "/"))

    also = tuple(place(each) for each in finding.also)
    target = finding.target.replace(folder + "/", "")
    return replace(finding, location=place(finding.location), also=also, target=target)
