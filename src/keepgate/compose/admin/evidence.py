"""The audit log and the configuration, as the admin face shows them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final, Literal

from keepgate.admin.problem import ProblemError
from keepgate.admin.routes.audit import (
    AuditEvent,
    AuditQuery,
    Payload,
    Verification,
    WriterReport,
)
from keepgate.admin.routes.configuration import ConfigurationShape
from keepgate.audit.seal import DataKey
from keepgate.audit.verify import Report, Status
from keepgate.clients.formats.secrets import show_args, show_url
from keepgate.config import Secret, Settings
from keepgate.stores.audit import load_kek
from keepgate.stores.audit.data_keys import DataKeys
from keepgate.stores.audit.files import KEYS, audit_directory
from keepgate.stores.audit.index import Filter, Index
from keepgate.stores.audit.payloads import Payloads
from keepgate.stores.audit.reading import verify

HIDDEN: Final = "(not shown)"


class LogDesk:
    """routes.audit.Log. One search and one verification at a time: both read a lot."""

    def __init__(self, settings: Settings) -> None:
        self._state = settings.state
        self._index = Index(settings.database, settings.state)
        self._searching = asyncio.Lock()
        self._verifying = False

    async def query(self, query: AuditQuery) -> tuple[AuditEvent, ...]:
        """Raises LocalError."""
        async with self._searching:
            return await asyncio.to_thread(self._query, query)

    def _query(self, query: AuditQuery) -> tuple[AuditEvent, ...]:
        keys = self._keys()
        wanted = Filter(
            principals=_any(
                query.principal, [key.id for key in keys.values() if key.principal == query.principal]
            ),
            names=_any(query.name, [key.shown("", query.name) for key in keys.values()]),
            server=query.server,
            method=query.method,
            effect=query.verdict,
            trace=query.trace,
            since=query.since,
            until=query.until,
        )
        self._index.catch_up()
        found = self._index.query(wanted, limit=query.limit, after=query.after)
        return tuple(AuditEvent(number, _who(record, keys), record) for number, record in found)

    async def verify(self) -> Verification:
        """Raises ProblemError (429)."""
        if self._verifying:
            raise ProblemError(429, "busy", "the log is being verified already", retry_after=5)
        self._verifying = True
        try:
            reports = await asyncio.to_thread(verify, self._state)
        finally:
            self._verifying = False
        found = {report.status for report in reports}
        overall = next((each for each in (Status.FAIL, Status.PASS) if each in found), Status.UNKNOWN)
        return Verification(_status(overall), tuple(map(_report, reports)))

    async def payload(self, writer: str, seq: int) -> Payload | None:
        """Raises LocalError."""
        async with self._searching:
            return await asyncio.to_thread(self._payload, writer, seq)

    def _payload(self, writer: str, seq: int) -> Payload | None:
        kek = load_kek(self._state, os.environ, create_file=False)

        def wanted(record: Mapping[str, Any]) -> bool:
            return bool(record["writer"] == writer and record["seq"] == seq)

        found = next(Payloads(self._state, kek).opened(wanted=wanted), None)
        if found is None or (found.envelope is None and not found.why):
            return None
        if found.envelope is None:
            raise ProblemError(409, "sealed", found.why)
        said = found.envelope
        return Payload(
            writer, seq, found.principal, said.get("body"), said.get("name", ""), said.get("private", "")
        )

    def _keys(self) -> dict[str, DataKey]:
        kek = load_kek(self._state, os.environ, create_file=False)
        return DataKeys(audit_directory(self._state) / KEYS, kek).all()


def _any(given: str, more: list[str]) -> frozenset[str]:
    return frozenset({given, *more}) if given else frozenset()


def _who(record: Mapping[str, Any], keys: Mapping[str, DataKey]) -> str:
    key = keys.get(record["principal"])
    return key.principal if key is not None else str(record["principal"])


def _status(status: Status) -> Literal["pass", "fail", "unknown"]:
    return "pass" if status is Status.PASS else "fail" if status is Status.FAIL else "unknown"


def _report(report: Report) -> WriterReport:
    return WriterReport(
        report.writer,
        _status(report.status),
        report.records,
        report.signed,
        report.unsigned,
        report.checkpoints,
        tuple(report.failed),
        tuple(report.unknown),
    )


class ConfigurationDesk:
    """routes.configuration.Configuration."""

    def __init__(self, current: Callable[[], Settings]) -> None:
        self._current = current

    def current(self) -> ConfigurationShape:
        """Without secrets."""
        settings = self._current()
        shown = plain(settings)
        for key in ("file", "warnings"):
            shown.pop(key)
        return ConfigurationShape(str(settings.file), shown, settings.warnings)


def plain(value: Any, key: str = "") -> Any:
    """A configuration as JSON, without what could be a secret.

    Variables and headers lose their values; addresses and words of commands what looks like a credential.
    """
    if isinstance(value, Secret):
        return {"secret": str(value)}
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name), each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        hide = key in ("env", "headers")
        return {
            str(name): HIDDEN if hide and isinstance(each, str) else plain(each)
            for name, each in value.items()
        }
    if isinstance(value, tuple | list | frozenset):
        words = show_args(tuple(value)) if key in ("command", "args") else value
        return [plain(each, key) for each in words]
    if isinstance(value, Path):
        return str(value)
    return show_url(value) if isinstance(value, str) and "://" in value else value
