"""A webhook is signed, tried again, bounded, and never in the way."""

from __future__ import annotations

import asyncio
import base64
import hmac
from hashlib import sha256
from typing import Any

import orjson
import pytest

from keepgate.model.errors import ConfigError, UpstreamError
from keepgate.ports import Document
from keepgate.transports import webhook
from keepgate.transports.webhook import Webhook, key_of

KEY = b"k" * 32


class Receiver:
    """Answers with these, one after the other; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.got: list[tuple[bytes, dict[str, str]]] = []

    async def __call__(self, url: str, form: bytes | None = None, headers: Any = None) -> Document:
        self.got.append((form or b"", dict(headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, int):
            return Document(answer, False, b"", "")
        raise answer


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(webhook, "PAUSES", (0.0, 0.0))


def delivered(receiver: Receiver, secret: Any = lambda: KEY, count: int = 1) -> list[str]:
    """What was said of failures."""
    said: list[str] = []

    async def run() -> None:
        hook = Webhook(lambda: "https://hooks.example/x", secret, receiver, lambda: 1700000000.0, said.append)
        for number in range(count):
            hook.send("approval.waiting", {"id": str(number)})
        while hook._running:
            await asyncio.wait(set(hook._running))

    asyncio.run(run())
    return said


def test_it_is_signed_as_standard_webhooks_are():
    receiver = Receiver(204)
    assert not delivered(receiver)
    ((body, headers),) = receiver.got
    assert orjson.loads(body) == {"type": "approval.waiting", "timestamp": 1700000000, "data": {"id": "0"}}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mark = base64.b64encode(hmac.digest(KEY, signed, sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{mark}"
    assert headers["webhook-id"].startswith("msg_")


@pytest.mark.parametrize("first", [500, 404, 302, UpstreamError("timeout", "no answer"), ValueError("odd")])
def test_it_is_tried_again_under_the_same_id(first):
    receiver = Receiver(first, 200)
    assert not delivered(receiver)
    assert len(receiver.got) == 2
    assert len({headers["webhook-id"] for _, headers in receiver.got}) == 1


def test_what_cannot_be_delivered_is_said():
    receiver = Receiver(503)
    assert delivered(receiver) == ["it answered with status 503"]
    assert len(receiver.got) == 3


def test_without_a_key_nothing_is_sent():
    def none() -> bytes:
        raise ConfigError("the variable is not set")

    receiver = Receiver(200)
    assert delivered(receiver, none) == ["the variable is not set"]
    assert not receiver.got


def test_a_flood_is_dropped_and_said():
    receiver = Receiver(200)
    said = delivered(receiver, count=webhook.MOST + 3)
    assert len(said) == 3
    assert len(receiver.got) == webhook.MOST


def test_what_nobody_expected_is_said_as_well():
    assert delivered(Receiver(UnicodeError("odd"))) == ["UnicodeError"]


@pytest.mark.parametrize(
    "secret", ["", "short", "whsec_", "whsec_c2hvcnQ=", "whsec_no base64 at all, but long enough"]
)
def test_a_key_that_anybody_can_guess_is_refused(secret):
    with pytest.raises(ConfigError, match=r"the secret of `alerts\.receivers\.soc`"):
        key_of(secret, "alerts.receivers.soc")


def test_the_key_of_a_standard_webhook_is_base64():
    assert key_of(f"whsec_{base64.b64encode(KEY).decode()}", "x") == KEY
