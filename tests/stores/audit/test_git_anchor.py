"""Checkpoints in a Git repository: what runs there learns nothing of ours."""

import subprocess

from keepgate.stores.audit.git_anchor import GitAnchor
from keepgate.stores.audit.kek import VARIABLE
from tests.audit.made import WRITER, made_log


def test_a_hook_of_the_repository_that_keeps_them_does_not_get_the_master_key(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "the-master-key")
    remote, told = tmp_path / "kept.git", tmp_path / "told"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nenv > {told}\n")
    hook.chmod(0o755)
    anchor = GitAnchor(tmp_path / "ours.git", str(remote), "main")
    note = made_log(2, signed=2).notes[-1]
    assert anchor.keep({WRITER: note})
    assert not anchor.keep({WRITER: note})
    assert anchor.kept() == {WRITER: [note]}
    assert "PATH=" in told.read_text()
    assert "the-master-key" not in told.read_text()
