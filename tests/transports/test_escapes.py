"""Every known way out of a sandbox, tried from inside, by root and by an ordinary user, under each backend."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from keepgate.transports.sandbox import landlock
from tests.support import peers
from tests.transports.escapes.attacks import ATTACKS

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
USERS = {"root": [], "ordinary user": AS_NOBODY} if os.getuid() == 0 else {"ordinary user": []}

NOT_HELD = {
    # Landlock knows no quota, and processes of an ordinary user are bounded only in a namespace of their own.
    ("landlock", "root"): {"fill_scratch"},
    ("landlock", "ordinary user"): {"fill_scratch", "breed"},
}
WORK_UNCONTAINED = set(
    """
    read_file read_beyond_dots read_through_link read_through_own_link read_through_victim list_keys rename_out
    write_file write_read_only see_victim read_environment kill_victim kill_by_descriptor bound_victim trace_child
    reach_tcp send_udp reach_socket reach_abstract send_datagram_from_pair take_memory fill_scratch open_many breed
    victim note
    """.split()
)
"""What an ordinary user's process can do on any Linux: the attacks are no blanks."""
HARMLESS = sorted(WORK_UNCONTAINED - {"victim", "note"})

linux = pytest.mark.skipif(sys.platform != "linux", reason="there is nothing to contain with")


@pytest.fixture
def place():
    """A directory that every user can use; pytest's own belong to the one that runs it."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o777)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def need(backend):
    if backend == "bubblewrap":
        peers.need_program("bwrap")
    if backend == "landlock" and landlock.abi() < landlock.ENOUGH:
        pytest.skip(f"this kernel has version {landlock.abi()} of Landlock")


def loot(place, backend, user, only=()):
    run_as = USERS[user]
    if run_as:
        seen = subprocess.run(
            [*run_as, sys.executable, "-c", f"open({str(__file__)!r})"], capture_output=True
        )
        if seen.returncode:
            pytest.skip("an ordinary user cannot read this checkout")
    words = [sys.executable, "-m", "tests.transports.escapes.outside", str(place), backend, *only]
    env = {"PATH": os.environ["PATH"], "HOME": str(place), "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([*run_as, *words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=55)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name for name, value in json.loads(done.stdout).items() if value}


@linux
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
def test_nothing_gets_out(place, backend, user):
    need(backend)
    got = loot(place, backend, user)
    allowed = NOT_HELD.get((backend, user), set())
    if user == "root" and not os.access("/sys/fs/cgroup", os.W_OK):
        allowed = allowed | {"breed"}  # root is bound by control groups only
    assert got <= allowed


@linux
def test_the_attacks_work_where_nothing_contains_them(place):
    user = "ordinary user"
    assert loot(place, "nothing", user, HARMLESS) >= WORK_UNCONTAINED


def test_every_kind_of_way_out_is_tried():
    """Files, processes, network, sockets, signals, /proc, tracing, io_uring, mounts, keyring."""
    kinds = "read_ write_ see_ kill_ trace_ reach_ send_ mount use_io_uring read_keyring family_ new_user clone".split()
    assert not [kind for kind in kinds if not any(name.startswith(kind) for name in ATTACKS)]
    assert len(ATTACKS) > 60
    assert platform.machine()
