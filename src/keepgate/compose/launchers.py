"""The packages that a server's launcher stands for."""

from __future__ import annotations

from keepgate.compose.running import run
from keepgate.compose.sandbox import plain_env
from keepgate.config import Settings
from keepgate.lock.document import Lock
from keepgate.transports.launchers.closure import Closure, Package, fetch, known
from keepgate.transports.launchers.recognise import LauncherError, Wanted, recognise
from keepgate.transports.sandbox.launch import fetching_environment


def closure_of(name: str, settings: Settings) -> Closure | None:
    """What was fetched for a server; None if nothing was, or it has no launcher."""
    wanted = _wanted(name, settings)
    return known(wanted, settings.state) if wanted else None


def packages_of(name: str, settings: Settings) -> tuple[Package, ...]:
    """The packages of a server, as they were fetched."""
    found = closure_of(name, settings)
    return found.packages if found else ()


def update_packages(name: str, settings: Settings) -> tuple[Package, ...] | None:
    """Fetch them anew; None if the server has no launcher. Raises UpstreamError."""
    wanted = _wanted(name, settings)
    if wanted is None:
        return None
    env = fetching_environment(plain_env(settings.servers[name]))
    return run(fetch(wanted, settings.state, env)).packages


def packages_fault(name: str, lock: Lock | None, packages: tuple[Package, ...]) -> str:
    """Why a server with these packages must not be started; "" if it may."""
    locked = lock.servers.get(name) if lock is not None else None
    if locked is None or not locked.packages:
        return ""
    approved = {(each["purl"], each["integrity"]) for each in locked.packages}
    if approved == {(each.purl, each.integrity) for each in packages}:
        return ""
    return "its packages are not those in keepgate.lock: `keepgate lock diff` shows how they differ"


def _wanted(name: str, settings: Settings) -> Wanted | None:
    try:
        return recognise(settings.servers[name].argv)
    except LauncherError:
        return None
