"""Errors: public text apart from private cause."""

import pytest

from keepgate.model.errors import ConfigError, KeepgateError, RemoteError, UpstreamError


def test_the_private_cause_stays_apart() -> None:
    error = KeepgateError("code", "public text", "private cause")
    assert (error.code, error.public, error.private) == ("code", "public text", "private cause")


def test_a_config_error_says_where() -> None:
    assert str(ConfigError("unknown key `x`", where="a.yaml:3:1")) == "a.yaml:3:1: unknown key `x`"


@pytest.mark.parametrize("error", [UpstreamError("timeout", "late"), RemoteError("x", "y")])
def test_peers_errors_are_remote(error: KeepgateError) -> None:
    assert isinstance(error, RemoteError)


def test_an_upstream_error_is_not_retryable_unless_said() -> None:
    assert not UpstreamError("closed", "gone").retryable
    assert UpstreamError("session-lost", "gone", retryable=True).code == "upstream-session-lost"
