"""The lock of a configuration: where it is, whether its signature counts, what it says of how servers are started."""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from keepgate.compose.launchers import packages_of
from keepgate.compose.secrets import Master
from keepgate.config import Server, Settings
from keepgate.gateway.gateway import PinsFactory
from keepgate.gateway.inventory import Inventory
from keepgate.gateway.pins import Pins, Terms
from keepgate.gateway.shelf import KEY
from keepgate.lock.compare import Class, Offer
from keepgate.lock.document import Approval, Launch, Lock, LockedServer, LockError, Pin
from keepgate.lock.fingerprint import digest, fingerprint, parts
from keepgate.model.errors import ConfigError
from keepgate.protocol.eras import LISTS
from keepgate.stores import lockfile
from keepgate.stores.definitions import Definitions, FirstUse
from keepgate.stores.lockfile import Approver


def lock_path(settings: Settings) -> Path:
    """Where the lock is, or would be."""
    return settings.lock.file or settings.file.parent / lockfile.NAME


def approver(settings: Settings) -> Approver:
    """The key by which this state directory approves. Raises LocalError."""
    return Approver.of(settings.state, Master(settings.state).master_key())


def lock_of(settings: Settings) -> Lock | None:
    """The lock in force, None if there is no file and none is configured.

    Raises ConfigError for one that cannot be used or whose signature does not count.
    """
    path = lock_path(settings)
    try:
        lock = lockfile.read(path)
        lockfile.verify(lock, {approver(settings).public, *settings.lock.keys})
    except FileNotFoundError:
        if settings.lock.file is None:
            return None
        raise ConfigError(f"there is no lock `{path}`: `keepgate lock approve` writes it") from None
    except LockError as error:
        raise ConfigError(
            error.public if str(path) in error.public else f"`{path}`: {error.public}"
        ) from error
    return lock


def pins_of(settings: Settings, lock: Lock | None) -> PinsFactory | None:
    """What holds a gateway's servers to the lock."""
    if lock is None:
        return None
    terms = Terms(
        frozenset(Class(each) for each in settings.lock.accept),
        FirstUse(settings.state) if settings.lock.first_use == "trust" else None,
        {
            name: datetime.fromisoformat(server.approved.until).timestamp()
            for name, server in lock.servers.items()
            if server.approved is not None and server.approved.until
        },
    )
    return lambda gateway: Pins(lock, terms, Definitions(settings.state), time.time, gateway)


def launch_of(server: Server) -> Launch:
    """How a configured server is started or reached, without values of variables and headers."""
    if server.url:
        return Launch(url=server.url, headers=tuple(sorted(server.headers)))
    return Launch(server.argv, env=tuple(sorted({*server.env, *server.pass_env})))


def launch_fault(name: str, server: Server, settings: Settings, lock: Lock | None) -> str:
    """Why a server must not even be started; "" if it may."""
    if lock is None:
        return ""
    locked = lock.servers.get(name)
    if locked is None:
        if settings.lock.first_use == "trust":
            return ""
        return "it is not in keepgate.lock: `keepgate lock approve` puts it there"
    if locked.launch != launch_of(server):
        return "it is started otherwise than when it was approved: `keepgate lock diff` shows how"
    return ""


# What servers offer now


def offer_of(server: Server, found: Inventory) -> Offer:
    """What a server is now, to be held against the lock."""
    return Offer(
        launch_of(server),
        found.name,
        found.instructions,
        found.capabilities,
        {
            LISTS[method]: {item[KEY[method]]: item for item in reversed(items)}
            for method, items in found.definitions.items()
        },
    )


def approved(offer: Offer, approval: Approval, known: LockedServer | None) -> LockedServer:
    """The server as it is now, approved. What others found out about it before is kept."""
    pins = {
        kind: {name: _pin(item, known, kind, name) for name, item in items.items()}
        for kind, items in offer.items.items()
    }
    fresh = LockedServer(
        offer.launch,
        offer.name,
        digest(offer.instructions) if offer.instructions else "",
        offer.capabilities,
        pins,
        approved=approval,
    )
    if known is None:
        return fresh
    same = known.launch == offer.launch
    return replace(
        fresh,
        packages=known.packages if same else (),
        verdict=known.verdict if same else "unknown",
        tier=known.tier,
        evidence=known.evidence,
    )


def _pin(item: Mapping[str, Any], known: LockedServer | None, kind: str, name: str) -> Pin:
    before = known.pins.get(kind, {}).get(name) if known is not None else None
    now = fingerprint(item)
    same = before is not None and before.hash == now
    return Pin(now, parts(item), before.effects if before is not None and same else ())


def keep(settings: Settings, offer: Offer) -> None:
    """Keep the texts of what is approved, so that a later change can be shown."""
    kept = Definitions(settings.state)
    if offer.instructions:
        kept.keep(digest(offer.instructions), offer.instructions)
    for items in offer.items.values():
        for item in items.values():
            kept.keep(fingerprint(item), item)


def approve(settings: Settings, lock: Lock, offers: Mapping[str, Offer], approval: Approval) -> None:
    """Put servers into the lock as they are now, sign it and write it. Raises LocalError."""
    for name, offer in offers.items():
        keep(settings, offer)
        server = approved(offer, approval, lock.servers.get(name))
        if found := packages_of(name, settings):
            server = replace(
                server, packages=tuple({"purl": each.purl, "integrity": each.integrity} for each in found)
            )
        lock = lock.with_(name, server)
    lockfile.write(lock_path(settings), approver(settings).sign(lock))


def approval(by: str = "", reason: str = "", seconds: float | None = None) -> Approval:
    """An approval given now, by the user of this process unless said otherwise, for a time or without end."""
    now = datetime.now(UTC)
    end = _utc(now + timedelta(seconds=seconds)) if seconds is not None else ""
    return Approval(by or getpass.getuser(), _utc(now), end, reason)


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
