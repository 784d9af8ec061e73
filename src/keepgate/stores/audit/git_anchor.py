"""Checkpoints kept in a Git repository: one file for each writer, one commit each time, never by force.

`git` itself does the work, in a bare repository below the state directory; credentials are those it finds.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from keepgate.audit.checkpoint import notes
from keepgate.model.errors import LocalError
from keepgate.stores.files import make_directory

_PATIENCE: Final = 60.0
"""Seconds for one command."""
_MOST: Final = 64 << 20
"""Bytes of a file that is read back."""
_IDENTITY: Final = {"NAME": "keepgate", "EMAIL": "keepgate@localhost"}


class GitAnchor:
    """One branch of a remote. Raises LocalError if `git` fails, with what it says."""

    def __init__(self, directory: Path, remote: str, branch: str) -> None:
        """`directory` is the repository that the commits are made in."""
        self._directory = directory
        self.remote = remote
        self._branch = f"refs/heads/{branch}"

    def keep(self, newest: Mapping[str, bytes]) -> bool:
        """Add the newest checkpoint of each writer, a signed note. False if all are there already."""
        tip = self._fetch()
        index = self._directory / "keepgate.index"
        index.unlink(missing_ok=True)
        env = {"GIT_INDEX_FILE": str(index)}
        if tip:
            self._git("read-tree", tip, env=env)
        changed = False
        for writer, note in sorted(newest.items()):
            kept = self._read(tip, writer) if tip else b""
            if note not in kept:
                changed = True
                blob = self._git("hash-object", "-w", "--stdin", given=kept + note + b"\n").decode().strip()
                self._git("update-index", "--add", "--cacheinfo", f"100644,{blob},{writer}", env=env)
        if changed:
            tree = self._git("write-tree", env=env).decode().strip()
            parent = ("-p", tip) if tip else ()
            made = (
                self._git("commit-tree", tree, *parent, "-m", "Checkpoints of the audit log").decode().strip()
            )
            self._git("push", "--quiet", self.remote, f"{made}:{self._branch}")
        return changed

    def kept(self) -> dict[str, list[bytes]]:
        """The signed notes that are there, by writer."""
        tip = self._fetch()
        if not tip:
            return {}
        names = self._git("ls-tree", "-z", "--name-only", tip).decode("utf-8", "replace").split("\0")
        return {name: notes(self._read(tip, name)) for name in names if len(name) == 16 and name.isalnum()}

    def _fetch(self) -> str:
        """The commit at the end of the branch; empty if there is no such branch."""
        if not (self._directory / "HEAD").exists():
            make_directory(self._directory)
            self._git("init", "--quiet", "--bare", ".")
        listed = self._git("ls-remote", self.remote, self._branch).decode()
        if not listed.strip():
            return ""
        self._git("fetch", "--quiet", "--no-tags", self.remote, f"+{self._branch}:refs/keepgate/anchor")
        return self._git("rev-parse", "refs/keepgate/anchor").decode().strip()

    def _read(self, tip: str, writer: str) -> bytes:
        if not self._git("ls-tree", "--name-only", tip, "--", writer).strip():
            return b""
        found = self._git("cat-file", "blob", f"{tip}:{writer}")
        if len(found) > _MOST:
            raise LocalError("audit-git", f"`{self.remote}` holds too much for `{writer}`")
        return found

    def _git(self, *arguments: str, given: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        surroundings = {
            # Hooks of a remote on this machine and helpers for credentials run with it: the master key is not for them.
            **{name: value for name, value in os.environ.items() if not name.startswith("KEEPGATE_")},
            "GIT_DIR": str(self._directory),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            **{
                f"GIT_{who}_{key}": value
                for who in ("AUTHOR", "COMMITTER")
                for key, value in _IDENTITY.items()
            },
            **(env or {}),
        }
        command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", *arguments]
        try:
            done = subprocess.run(
                command,
                input=given,
                capture_output=True,
                timeout=_PATIENCE,
                cwd=self._directory,
                env=surroundings,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LocalError("audit-git", f"`git {arguments[0]}` cannot be run: {error}") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().replace("\n", " ")[:300]
            raise LocalError("audit-git", f"`git {arguments[0]}` for `{self.remote}`: {said}")
        return done.stdout
