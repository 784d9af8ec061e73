"""The process beside a gateway: it indexes, exports and anchors; there is one; it ends with who started it."""

import os
import subprocess
import sys
import threading

import pytest

from keepgate import config
from keepgate.compose.following import is_needed, run_follow
from keepgate.stores.audit import load_kek, open_log
from keepgate.stores.audit.index import Filter, Index
from tests.audit.made import ENTRY
from tests.compose.test_exports import HttpReceiver, closing, hooked
from tests.support.witness import Witness

SECRET = "0123456789abcdef-webhook"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Makes a configuration with a log of `count` records."""
    monkeypatch.delenv("KEEPGATE_KEY", raising=False)
    monkeypatch.setenv("KEY", SECRET)

    def make(audit: str, count: int = 5):
        path = tmp_path / "keepgate.yaml"
        path.write_text(f"version: 1\nstate: state\naudit: {{{audit}}}\n")
        settings = config.load(path, env=os.environ)
        log = open_log(settings.state, load_kek(settings.state, os.environ))
        for _ in range(count):
            log.append(ENTRY)
        log.close()
        return settings, log

    return make


def test_nothing_runs_where_nothing_is_configured(written):
    assert not is_needed(written("")[0])


def test_it_exports_anchors_and_indexes_until_told_to_stop(written):
    with closing(HttpReceiver()) as receiver, closing(Witness()) as witness:
        settings, log = written(
            f"witnesses: [{{url: '{witness.url}', key: '{witness.vkey}'}}], exports: "
            f"{{siem: {{kind: webhook, url: '{receiver.url}', secret: {{secret: 'env:KEY'}}}}}}"
        )
        key = (log.directory / "public.key").read_text().strip()
        witness.logs[key.partition("+")[0]] = key
        assert is_needed(settings)
        stop, said = threading.Event(), []
        thread = threading.Thread(target=run_follow, args=(settings, stop, said.append))
        thread.start()
        while not witness.seen or len(hooked(receiver)) < 5:
            thread.join(0.01)
            assert thread.is_alive()
        stop.set()
        thread.join()
        assert said == []
        assert hooked(receiver) == [0, 1, 2, 3, 4]
        assert len(Index(settings.database, settings.state).query(Filter(), limit=10)) == 5


def test_as_a_child_it_ends_with_its_parent_and_only_one_follows(written):
    with closing(HttpReceiver()) as receiver:
        settings, _ = written(f"exports: {{siem: {{kind: otlp, url: '{receiver.url}'}}}}")
        command = [
            sys.executable,
            "-m",
            "keepgate",
            "audit",
            "follow",
            "--child",
            "--config",
            str(settings.file),
        ]
        processes = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(2)]
        while not receiver.bodies:
            assert all(process.poll() is None for process in processes)
            threading.Event().wait(0.02)
        for process in processes:
            process.stdin.close()
        assert [process.wait(20) for process in processes] == [0, 0]
        assert len(receiver.bodies) == 1
