"""Passing events on: each configured receiver follows the log at its own pace, over outages of either side."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from keepgate import __version__
from keepgate.compose.secrets import resolver
from keepgate.config import Resolver, Settings
from keepgate.config.sections.audit import Export
from keepgate.model.errors import KeepgateError, UpstreamError
from keepgate.reports import cef, ocsf, otlp, syslog
from keepgate.stores.audit import load_kek
from keepgate.stores.audit.data_keys import DataKeys
from keepgate.stores.audit.files import KEYS, audit_directory
from keepgate.stores.audit.following import Follower
from keepgate.stores.audit.reading import Stored
from keepgate.transports.fetch import Fetcher
from keepgate.transports.http_rules import is_loopback
from keepgate.transports.syslog import SyslogTls
from keepgate.transports.webhook import key_of, signed

LOT: Final = 200
"""Records that are sent at a time."""
REST: Final = 1.0
"""Seconds between two looks at a log that has nothing new."""
PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds after each failure in a row; the last for all that follow."""

_NAMES: Final = 10_000
"""Principals that are remembered."""
_REFUSALS: Final = frozenset((400, 413, 422))
"""Statuses that may be about one record and not about the receiver."""

Record = dict[str, Any]
Send = Callable[[str, Sequence[tuple[Record, str]]], None]
"""The id of a lot, and its records with their texts. Returns when they have arrived; raises KeepgateError."""


class Names:
    """Principals by pseudonym, as far as their keys are there."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._names: dict[str, str] = {}

    def of(self, record: Record) -> Record:
        """The record with the principal by name, and its pseudonym beside. Raises KeepgateError, OSError."""
        pseudonym = record["principal"]
        if pseudonym not in self._names:
            if len(self._names) >= _NAMES:
                self._names.clear()
            self._names[pseudonym] = self._name(pseudonym, record["time"][:7])
        return record | {"principal": self._names[pseudonym], "pseudonym": pseudonym}

    def _name(self, pseudonym: str, month: str) -> str:
        if not pseudonym:
            return ""
        keys = DataKeys(
            audit_directory(self._state) / KEYS, load_kek(self._state, os.environ, create_file=False)
        )
        found = keys.of(pseudonym, month)
        return found.principal if found else pseudonym


def text_of(record: Record, form: str) -> str:
    """A record in one of the forms that receivers want."""
    match form:
        case "ocsf":
            return json.dumps(ocsf.event(record, __version__))
        case "cef":
            return cef.line(record, __version__)
        case _:
            return json.dumps(record)


class Exporter:
    """Passes the log on to one receiver. `say` hears what goes wrong, and that it goes on."""

    def __init__(self, name: str, form: str, state: Path, send: Send, say: Callable[[str], None]) -> None:
        self._name = name
        self._form = form
        self._follower = Follower(state, name)
        self._names = Names(state)
        self._send = send
        self._say = say
        self._failures = 0

    def run(self, stop: Event) -> None:
        """Until told to stop. Never raises: a receiver that is away is waited for."""
        pause = 0.0
        while not stop.wait(pause):
            try:
                pause = 0.0 if self.turn() else REST
            except Exception as error:  # noqa: BLE001 - a thread that ends leaves a receiver that hears nothing more
                pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
                if not self._failures:
                    why = (
                        error.public
                        if isinstance(error, KeepgateError)
                        else f"{type(error).__name__}: {error}"
                    )
                    self._say(f"export {self._name}: {why}; events wait and are sent when it takes them")
                self._failures += 1

    def turn(self) -> bool:
        """Send what is there, a lot of each writer; whether there was any. Raises KeepgateError, OSError."""
        any_sent = False
        for writer, found in self._follower.batches(LOT):
            lot = [each for stored in found if (each := self._read(stored)) is not None]
            if lot:
                self._deliver(f"{writer}-{found[0].segment}-{found[0].at}", lot)
            self._follower.passed(writer, found[-1])
            any_sent = True
            if self._failures:
                self._say(f"export {self._name}: it takes events again")
                self._failures = 0
        return any_sent

    def _deliver(self, name: str, lot: Sequence[tuple[Record, str]]) -> None:
        """Send a lot. A record that is refused for what it is, while others are taken, must not stop what follows it.

        Raises KeepgateError.
        """
        try:
            self._send(name, lot)
            return
        except UpstreamError as error:
            if error.http_status not in _REFUSALS or len(lot) == 1:
                raise
            failure = error
        refused = []
        for number, each in enumerate(lot):
            try:
                self._send(f"{name}-{number}", [each])
            except UpstreamError as error:
                if error.http_status not in _REFUSALS:
                    raise
                refused.append(each[0])
        if len(refused) == len(lot):
            raise failure
        for record in refused:
            self._say(
                f"export {self._name}: it refuses record {record['writer']}/{record['seq']}, which is left out"
            )

    def _read(self, stored: Stored) -> tuple[Record, str] | None:
        """A record with names, and its text; None for a line that is none, which stops nothing that follows it.

        What is wrong with it `verify` says.
        """
        try:
            record = self._names.of(orjson.loads(stored.data))
            return record, text_of(record, self._form)
        except (AttributeError, LookupError, TypeError, ValueError):
            self._say(
                f"export {self._name}: what stands at {stored.segment}/{stored.at} is no record; left out"
            )
            return None


def exporters(settings: Settings, say: Callable[[str], None]) -> list[Exporter]:
    """One for each receiver of the configuration. Raises KeepgateError."""
    resolve = resolver(settings)
    return [
        Exporter(name, each.format, settings.state, sender(each, resolve), say)
        for name, each in settings.audit.exports.items()
    ]


def sender(export: Export, resolve: Resolver) -> Send:
    """How a lot is sent to a receiver. Raises KeepgateError."""
    host = socket.gethostname()
    if export.kind == "syslog":
        parts = urlsplit(export.url)
        receiver = SyslogTls(
            parts.hostname or "", parts.port or 6514, ca=str(export.ca) if export.ca else None
        )
        return lambda _, lot: receiver.send(
            b"".join(syslog.frame(record, text, host) for record, text in lot)
        )
    local = is_loopback(urlsplit(export.url).hostname or "")
    fetch = Fetcher(private=export.private_network, local=local, ca=str(export.ca) if export.ca else None)

    def post(body: bytes, headers: dict[str, str]) -> bytes:
        given = {name: resolve(secret) for name, secret in export.headers.items()}
        answer = asyncio.run(
            fetch.ask(export.url, body, {"Content-Type": "application/json", **given, **headers})
        )
        if not 200 <= answer.status < 300:
            raise UpstreamError("status", f"it answered with status {answer.status}", status=answer.status)
        return answer.body

    if export.kind == "otlp":
        return lambda _, lot: _accepted(post(otlp.request(lot, __version__, host), {}))
    secret = export.secret
    assert secret is not None  # the configuration was checked

    def hook(name: str, lot: Sequence[tuple[Record, str]]) -> None:
        events = [text if export.format == "cef" else orjson.loads(text) for _, text in lot]
        body = orjson.dumps(
            {"type": "audit.events", "timestamp": int(time.time()), "data": {"events": events}}
        )
        post(body, signed(key_of(resolve(secret), "audit.exports"), f"msg_{name}", body, time.time()))

    return hook


def _accepted(answer: bytes) -> None:
    """Raises UpstreamError if an OTLP receiver says that it dropped something."""
    try:
        rejected = int(orjson.loads(answer or b"{}").get("partialSuccess", {}).get("rejectedLogRecords", 0))
    except (AttributeError, TypeError, ValueError):
        return  # it took them; what it says of that is no OTLP
    if rejected:
        raise UpstreamError("protocol", f"it rejected {rejected} events", status=422)
