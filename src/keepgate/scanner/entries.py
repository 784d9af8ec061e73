"""Configured servers through every check, and what there is of them for the inventory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from keepgate.model.scan import ClientSetting, Component, ConfiguredServer, Oddity, ScanFinding
from keepgate.scanner.configuration import (
    approval,
    commands,
    container,
    environment,
    files,
    inline,
    names,
    network,
    reach,
    secrets,
)
from keepgate.scanner.detection import Detection
from keepgate.scanner.launch import launch_of
from keepgate.scanner.packages.check import check, tier_of
from keepgate.scanner.packages.osv import Advisories
from keepgate.scanner.packages.spec import Use, uses

_PLAIN_CHECKS: Final = (inline, environment, network, approval, container, reach, names)


@dataclass(frozen=True, slots=True)
class Entries:
    """What was read of clients' files."""

    servers: tuple[ConfiguredServer, ...] = ()
    settings: tuple[ClientSetting, ...] = ()
    oddities: tuple[Oddity, ...] = ()


Failed = Callable[[str, Exception], None]
"""Told what could not be checked, and why."""


def _raises(_: str, error: Exception) -> None:
    raise error


def findings(
    entries: Entries, detection: Detection, advisories: Advisories, failed: Failed = _raises
) -> Iterator[ScanFinding]:
    """Everything about the configurations; a check that raises ends no other."""
    for server in entries.servers:
        what = f"server `{server.entry.name}` of {server.entry.origin.file}"
        for each in _PLAIN_CHECKS:
            yield from _guarded(each.look(server), what, failed)
        yield from _guarded(secrets.look(server, detection.secrets), what, failed)
        yield from _guarded(commands.look(server, detection.arguments), what, failed)
        yield from _guarded(_packages(server, advisories), what, failed)
    yield from _guarded(names.look_at_all(entries.servers), "the names of the servers", failed)
    for setting in entries.settings:
        what = f"the setting `{setting.key}` of {setting.location.file}"
        yield from _guarded(approval.look_at_setting(setting), what, failed)
        yield from _guarded(environment.look_at_setting(setting), what, failed)
    yield from _guarded(files.look(entries.oddities), "the form of the files", failed)


def _guarded(found: Iterator[ScanFinding], what: str, failed: Failed) -> Iterator[ScanFinding]:
    try:
        yield from found
    except Exception as error:  # noqa: BLE001 - what an outsider wrote must not end the checks of the others
        failed(what, error)


def _packages(server: ConfiguredServer, advisories: Advisories) -> Iterator[ScanFinding]:
    for use in packages(server):
        yield from check(use, advisories)


def packages(server: ConfiguredServer) -> tuple[Use, ...]:
    """The packages and images that a server is started from."""
    launch = launch_of(server)
    return tuple(uses(launch)) if launch is not None else ()


def inventory(servers: Iterable[ConfiguredServer]) -> Iterator[dict[str, Any]]:
    """Who starts what, and with which rights."""
    for server in servers:
        entry = server.entry
        found = packages(server)
        tier, why = tier_of(found[0]) if found else ("unknown", "no package of a registry")
        yield {
            "kind": "server",
            "name": entry.name,
            "client": entry.origin.client,
            "scope": entry.origin.scope,
            "file": entry.origin.file,
            "line": entry.origin.line,
            "transport": entry.transport.value,
            "command": entry.command,
            "url": entry.url.partition("?")[0],
            "packages": [use.purl for use in found if use.ecosystem != "path"],
            "tier": tier,
            "evidence": [why],
            "variables": sorted(entry.env),
            "headers": sorted(entry.headers),
            "disabled": entry.disabled,
            "rights": sorted(rights(server)),
        }


def rights(server: ConfiguredServer) -> set[str]:
    """What the server can do by the way it is started."""
    launch = launch_of(server)
    if launch is None:
        return {"network"}
    if launch.program in ("docker", "podman", "nerdctl"):
        out = {"container"}
        if any(True for _ in launch.values("-v", "--volume", "--mount")):
            out.add("files of the host")
        if launch.flag("--privileged"):
            out.add("everything")
        return out
    return {"files of the user", "network", "programs of the user"}


def components(servers: Iterable[ConfiguredServer]) -> Iterator[Component]:
    """For the bill of materials."""
    for server in servers:
        for use in packages(server):
            if use.ecosystem != "path":
                yield Component(use.purl, use.name, use.version, use.ecosystem)
