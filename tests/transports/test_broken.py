"""A server that cannot be reached as configured fails with its reason."""

import asyncio

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports.broken import BrokenConnector


def test_opening_says_why() -> None:
    connector = BrokenConnector("the secret `env:TOKEN` cannot be had")
    with pytest.raises(UpstreamError, match="TOKEN"):
        asyncio.run(connector.channel(era="handshake").open(None))  # type: ignore[arg-type]
    assert connector.fallback(UpstreamError("status", "x")) is None
    connector.close()
