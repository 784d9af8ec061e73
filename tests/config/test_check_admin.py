"""What the section `admin` may say."""

from pathlib import Path

import pytest

from keepgate.compose.identity import hosts_of
from keepgate.config import parse
from keepgate.model.errors import ConfigError


def settings(text: str):
    return parse(f"version: 1\n{text}", file=Path("/c/keepgate.yaml"), env={"HOME": "/h"})


def test_there_is_no_face_unless_it_is_configured():
    assert settings("").admin is None
    assert settings("admin: {}").admin.second_factor == "changes"


def test_the_names_that_administrators_use_are_served():
    outside = "listen: 192.0.2.1:8700\nunsafe_plaintext_behind_proxy: true\n"
    assert hosts_of(settings("admin: {url: 'https://gate.example.com'}")) == ("gate.example.com",)
    assert hosts_of(settings(outside)) == ()
    assert "127.0.0.1:8700" in hosts_of(settings(outside + "admin: {}"))


@pytest.mark.parametrize(
    "text",
    [
        "admin: {url: 'http://gate.example.com'}",
        "admin: {url: 'https://gate.example.com/admin'}",
        "admin: {second_factor: sometimes}",
        "admin: {password: x}",
    ],
)
def test_what_is_unsafe_or_unknown_is_refused(text):
    with pytest.raises(ConfigError):
        settings(text)


def test_doing_without_a_second_factor_is_said_loudly():
    assert any("stolen key" in warning for warning in settings("admin: {second_factor: never}").warnings)
    assert not settings("admin: {}").warnings


LOGIN = """identity: {{issuers: {{corp: {{url: "https://login.example.com"}}}}}}
admin: {{login: {{issuer: {issuer}, client_id: k, acr: [{acr}], grants: [{{to: "{to}", roles: [viewer]}}]}}}}
"""


def test_a_login_elsewhere_is_configured_whole():
    found = settings(LOGIN.format(issuer="corp", acr='"urn:mfa"', to="group:admins")).admin.login
    assert found.acr == ("urn:mfa",)


@pytest.mark.parametrize(
    ("issuer", "acr", "to"),
    [
        ("other", '"urn:mfa"', "group:admins"),
        ("corp", "", "group:admins"),
        ("corp", '"urn:mfa"', "key:cursor"),
        ("corp", '"urn:mfa"', "anonymous"),
    ],
)
def test_a_login_without_issuer_level_or_people_is_refused(issuer, acr, to):
    with pytest.raises(ConfigError):
        settings(LOGIN.format(issuer=issuer, acr=acr, to=to))
