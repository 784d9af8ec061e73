"""`keepgate honeytokens`: shown once, kept as a digest, known to a running keepgate, on record."""

import asyncio
import os
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from keepgate.cli import app
from keepgate.compose import honeytokens
from keepgate.config import load
from keepgate.detect.honeytokens import KINDS, HoneytokenDetector
from keepgate.model.errors import KeepgateError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "keepgate.yaml"
    path.write_text("version: 1\nstate: state\n")
    return path


def run(file, *args):
    result = CliRunner().invoke(app, ["honeytokens", *args, "--config", str(file)])
    if isinstance(result.exception, KeepgateError):
        return 1, result.exception.public, ""
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_issued_listed_revoked(file):
    assert run(file, "list")[1] == "no honeytoken was issued\n"
    code, text, said = run(file, "issue", "github", "--note", "old \x1b[2Jwiki")
    assert code == 0
    assert text.startswith("ghp_")
    name = said.split()[1].rstrip(":")
    listed = run(file, "list")[1]
    assert f"{name}  github" in listed
    assert "wiki" in listed
    assert "\x1b" not in listed
    assert text.strip() not in listed
    assert run(file, "revoke", name)[0] == 0
    assert "revoked" in run(file, "list")[1]
    assert run(file, "revoke", name)[0] == 1
    records = CliRunner().invoke(app, ["audit", "query", "--config", str(file)]).stdout
    assert "honeytoken.issued" in records
    assert "honeytoken.revoked" in records
    assert text.strip() not in records


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind(file, kind):
    code, text, _ = run(file, "issue", kind)
    assert code == 0
    assert text.startswith(KINDS[kind].prefix)


def test_an_unknown_kind(file):
    code, said, _ = run(file, "issue", "bitcoin")
    assert code == 1
    assert "aws, github" in said


def test_a_running_keepgate_learns_of_it(file, monkeypatch):
    monkeypatch.setattr(honeytokens, "PAUSE", 0.01)
    settings = load(file, env=os.environ)
    detector = HoneytokenDetector()

    async def until(wanted):
        async with asyncio.timeout(5):
            while wanted() is False:
                await asyncio.sleep(0.01)

    async def play():
        following = asyncio.create_task(honeytokens.follow(detector, settings))
        token, text = honeytokens.issue(settings, "aws", "", by="local:me")
        await until(lambda: bool(detector.look({"q": text})))
        (settings.state / "honeytokens.json").write_text("{")
        await asyncio.sleep(0.05)
        assert detector.look({"q": text}), "what cannot be read leaves things as they are"
        following.cancel()
        return token

    assert asyncio.run(play()).kind == "aws"
    assert asyncio.run(honeytokens.follow(None, replace(settings))) is None
