"""`keepgate secrets`: values enter by stdin or prompt and never leave."""

import pytest
from typer.testing import CliRunner

from keepgate import compose
from keepgate.cli.secrets import app
from keepgate.model.errors import LocalError
from keepgate.stores.vault import SecretStore
from tests.stores.vault.made import keys


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(compose, "secret_store", lambda settings: SecretStore(keys(settings.state)))
    (tmp_path / "keepgate.yaml").write_text("version: 1\nstate: state\n")
    return SecretStore(keys(tmp_path / "state"))


def run(store, *args, given=""):
    result = CliRunner().invoke(
        app, [*args, "--config", str(store.path.parents[1] / "keepgate.yaml")], input=given
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(
    ("given", "kept"), [("s3cr3t\n", "s3cr3t"), ("s3cr3t", "s3cr3t"), ("a\nb\r\n", "a\nb")]
)
def test_set_reads_stdin(store, given, kept):
    result = run(store, "set", "github.TOKEN", given=given)
    assert store.get("github.TOKEN") == kept
    assert kept not in result.output


def test_list_and_remove_show_names_only(store):
    run(store, "set", "b", given="s3cr3t")
    run(store, "set", "a", given="s3cr3t")
    assert run(store, "list").output == "a\nb\n"
    run(store, "remove", "a")
    assert run(store, "list").output == "b\n"


def test_nothing_is_not_a_secret(store):
    with pytest.raises(LocalError, match="the value is empty"):
        run(store, "set", "a", given="\n")


def test_a_value_on_the_command_line_is_refused(store):
    assert run(store, "set", "a", "s3cr3t").exit_code == 2
    assert store.names() == ()


def test_too_long_a_value_is_refused_and_not_cut(store):
    with pytest.raises(LocalError, match="must have 1 to"):
        run(store, "set", "a", given="x" * 70_000)
