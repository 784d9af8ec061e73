"""What a program uses is seen, each thing once, and nothing of what it does is changed by that."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from keepgate.transports import reaper

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="not on this machine"
)
REAPER = [sys.executable, "-I", "-S", str(Path(reaper.__file__).absolute())]


def watched(
    place: Path, program: str, *words: str
) -> tuple[subprocess.CompletedProcess[str], set[tuple[str, str]]]:
    """A Python program below the reaper, in `place`, and what it was seen to use there or reach."""
    log = os.open(place.parent / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    held, leash = os.pipe()
    try:
        command = [sys.executable, "-I", "-S", "-c", program, *words]
        done = subprocess.run(
            [*REAPER, str(held), f"log={log}", *command],
            pass_fds=(held, log), cwd=place, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        for fd in (log, held, leash):
            os.close(fd)
    facts = {
        (each["use"], each["what"])
        for each in map(json.loads, (place.parent / "log").read_text().splitlines())
    }
    here = {(use, what) for use, what in facts if what.startswith(str(place)) or use in ("run", "reach")}
    return done, here


@pytest.fixture
def place(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "note").write_text("kept")
    (tmp_path / "in" / "folder").mkdir()
    return tmp_path / "in"


USES = {
    "open('note').read()": {("read", "note")},
    "open('./folder/../note').read()": {("read", "note")},
    "import os; os.chdir('folder'); open('../note').read()": {("read", "note")},
    "import os; d = os.open('.', os.O_RDONLY); os.open('note', os.O_RDONLY, dir_fd=d)": {
        ("list", ""),
        ("read", "note"),
    },
    "open('note', 'a').write('x')": {("write", "note")},
    "import os; os.truncate('note', 1)": {("write", "note")},
    "open('new', 'w').write('x')": {("make", "")},
    "open('new', 'w').write('x'); open('new').read()": {("make", "")},
    "import os; os.mkdir('d'); open('d/e', 'w'); os.remove('d/e')": {("make", "")},
    "import os; os.rename('note', 'folder/note')": {("make", ""), ("make", "folder")},
    "import os; os.remove('note')": {("make", "")},
    "import os; os.symlink('note', 'folder/link')": {("make", "folder")},
    "import os; os.listdir('folder')": {("list", "folder")},
    "import os; os.path.exists('note'), os.stat('folder')": set(),
    "try: open('missing')\nexcept OSError: pass": set(),
}


@pytest.mark.parametrize("program", USES, ids=range(len(USES)))
def test_what_it_uses_is_seen(place, program):
    done, seen = watched(place, program)
    assert done.returncode == 0, done.stderr
    wanted = {(use, str(place / what) if what else str(place)) for use, what in USES[program]}
    assert {each for each in seen if each[0] not in ("run", "reach")} == wanted


def test_programs_and_what_they_use_are_seen_too(place):
    run = "import subprocess; print(subprocess.run(['/bin/cat', 'note'], capture_output=True, text=True).stdout)"
    done, seen = watched(place, run)
    assert done.stdout == "kept\n"
    assert ("run", "/bin/cat") in seen
    assert ("read", str(place / "note")) in seen


def test_addresses_are_seen(place):
    program = "import socket\ntry: socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError: pass"
    _, seen = watched(place, program)
    assert ("reach", "127.0.0.1:9") in seen


def test_threads_and_many_calls_are_answered(place):
    program = """
import threading
def work(n):
    for i in range(50):
        open(f'{n}', 'w').write('x')
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print('done')
"""
    done, seen = watched(place, program)
    assert done.stdout == "done\n"
    assert ("make", str(place)) in seen


def test_a_name_that_is_no_text_is_kept(place):
    program = "import os; open(os.fsencode(os.getcwd()) + b'/\\xff\\n', 'w')"
    done, seen = watched(place, program)
    assert done.returncode == 0, done.stderr
    assert ("make", str(place)) in seen
