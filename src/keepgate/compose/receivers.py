"""Who is told of alerts, from the configuration."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from keepgate.compose.secrets import resolver
from keepgate.config import Settings
from keepgate.config.sections.alerts import Receiver
from keepgate.config.values import is_loopback
from keepgate.decide.appeal import plain
from keepgate.model.errors import KeepgateError
from keepgate.model.finding import Severity
from keepgate.transports import alert_forms
from keepgate.transports.fetch import Fetcher
from keepgate.transports.webhook import Webhook, key_of
from keepgate.watch.alert import Alert

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
PATIENCE = 20.0
"""Seconds for a mail."""

Failed = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Told:
    """One receiver: what it wants to be told, and how."""

    name: str
    receiver: Receiver
    send: Callable[[Alert, str], None]
    """Puts an alert on its way, with its time as RFC 3339. Called on the event loop; never raises."""

    def wants(self, alert: Alert) -> bool:
        """Whether an alert is for it."""
        given = self.receiver
        return alert.severity >= Severity[given.severity.upper()] and (
            not given.signs or alert.sign in given.signs
        )


def receivers_of(settings: Settings, note: Callable[[str, str], None]) -> list[Told]:
    """All that are configured. `note` records which could not be told, and why."""
    found = []
    for name, receiver in settings.alerts.receivers.items():
        failed = _failed(note, name)
        send = (
            _mailer(settings, receiver, failed)
            if receiver.type == "email"
            else _poster(settings, name, receiver, failed)
        )
        found.append(Told(name, receiver, send))
    return found


def _failed(note: Callable[[str, str], None], name: str) -> Failed:
    return lambda why: note("alert.untold", f"{name}: {why}")


def shape_of(alert: Alert, when: str) -> dict[str, Any]:
    """What is sent: outsiders' text in visible characters, cut."""
    shape = alert.as_json(when)
    for key in ("seen", "expected"):
        shape[key] = plain(shape[key], 600)
    return shape | {"subject": {key: plain(text, 200) for key, text in shape["subject"].items()}}


def _poster(
    settings: Settings, name: str, receiver: Receiver, failed: Failed
) -> Callable[[Alert, str], None]:
    fetch, secret = resolver(settings), receiver.secret

    def address() -> str:
        return receiver.url or (
            PAGERDUTY if receiver.type == "pagerduty" else fetch(secret) if secret else ""
        )

    local = is_loopback(urlsplit(receiver.url or "").hostname or "")
    key = (
        (lambda: key_of(fetch(secret), f"alerts.receivers.{name}"))
        if secret and receiver.type == "webhook"
        else None
    )
    hook = Webhook(
        address, key, Fetcher(private=receiver.private_network, local=local).ask, time.time, failed
    )

    def send(alert: Alert, when: str) -> None:
        shape = shape_of(alert, when)
        try:
            if receiver.type == "webhook":
                hook.send("alert.raised", shape)
            elif receiver.type == "pagerduty":
                hook.post(orjson.dumps(alert_forms.pagerduty(shape, fetch(secret) if secret else "")))
            else:
                hook.post(
                    orjson.dumps(
                        {"slack": alert_forms.slack, "teams": alert_forms.teams}[receiver.type](shape)
                    )
                )
        except KeepgateError as error:
            failed(error.public)

    return send


def _mailer(settings: Settings, receiver: Receiver, failed: Failed) -> Callable[[Alert, str], None]:
    fetch = resolver(settings)
    running: set[asyncio.Task[None]] = set()

    def deliver(alert: Alert, when: str) -> None:
        host, _, port = receiver.server.rpartition(":")
        message = alert_forms.mail(shape_of(alert, when), receiver.sender, receiver.to)
        password = fetch(receiver.secret) if receiver.secret else ""
        context = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(host, int(port), timeout=PATIENCE, context=context)
            if port == "465"
            else smtplib.SMTP(host, int(port), timeout=PATIENCE)
        ) as server:
            if port != "465":
                server.starttls(context=context)
            if password:
                server.login(receiver.sender, password)
            server.send_message(message)

    async def attempt(alert: Alert, when: str) -> None:
        try:
            await asyncio.to_thread(deliver, alert, when)
        except KeepgateError as error:
            failed(error.public)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody else would hear of it
            failed(plain(f"{type(error).__name__}: {error}", 200))

    def send(alert: Alert, when: str) -> None:
        if len(running) >= 16:
            failed("16 mails are on their way already: one was dropped")
            return
        task = asyncio.get_running_loop().create_task(attempt(alert, when))
        running.add(task)
        task.add_done_callback(running.discard)

    return send
