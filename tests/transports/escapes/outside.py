"""The outside of a sandbox with all that an attack could be after: a secret, a victim, listeners, the user's keys.

    python -m tests.transports.escapes.outside DIRECTORY BACKEND

Contains the attacks with BACKEND (`nothing`: not at all), lets them run, and prints what they took, as seen from both
sides. Runs as whatever user starts it.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from keepgate.transports.sandbox.launch import Containment, Launch, Start
from keepgate.transports.sandbox.profile import Bounds, Profile
from keepgate.transports.sandbox.selftest import REAPER
from tests.transports.escapes import attacks

BOUNDS = Bounds(memory=512 << 20, processes=60, files=200, scratch=8 << 20)
MARK = "keepgate-victim"
VICTIM = """
import ctypes, os, signal, sys
buffer = ctypes.create_string_buffer(b"sixteen bytes...")
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"hit"))
print(ctypes.addressof(buffer), flush=True)
while True: signal.pause()
"""


def serve(stack, family, address):
    """Listen, and tell everyone who connects that they are in."""
    listener = stack.enter_context(contextlib.closing(socket.socket(family)))
    listener.bind(address)
    listener.listen()

    def answer():
        with contextlib.suppress(OSError):
            while True:
                one, _ = listener.accept()
                with one, contextlib.suppress(OSError):
                    one.sendall(b"connected")

    threading.Thread(target=answer, daemon=True).start()
    return listener


def receive(stack, family, address):
    one = stack.enter_context(contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)))
    one.bind(address)
    one.setblocking(False)
    return one


def arrived(one):
    try:
        return one.recv(64).decode()
    except BlockingIOError:
        return ""


def own_address():
    """An address of this machine that is not loopback; loopback where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        with contextlib.suppress(OSError):
            one.connect(("192.0.2.1", 9))  # nothing is sent
            return one.getsockname()[0]
    return "127.0.0.1"


def lay_out(directory):
    """Files: what is listed, what is beside it, what is the user's."""
    home = directory / "home"
    for name in ("shared", "readonly", "home/.ssh"):
        (directory / name).mkdir(parents=True)
    (directory / "secret").write_text("a secret")
    (home / ".ssh" / "id").write_text("a key")
    (directory / "readonly" / "note").write_text("old")
    (directory / "shared" / "mine").write_text("mine")
    (directory / "shared" / "link").symlink_to(directory / "secret")
    return home


def launched(directory, backend, home, words):
    start = Start(sys.executable, words, {"PATH": os.defpath}, directory)
    if backend == "nothing":
        return Launch("-", [sys.executable, *words], {"PATH": os.defpath})
    profile = Profile(
        "attacks",
        mode="strict",
        read=(directory / "readonly", Path(attacks.__file__)),
        write=(directory / "shared",),
        bounds=BOUNDS,
        home=home,
    )
    return Containment(profile, backend).launch(start)


def contain(directory, backend, home, bait):
    """Run the attacks below the reaper, as a server is run."""
    launch = launched(directory, backend, home, [attacks.__file__, json.dumps(bait)])
    held, _leash = os.pipe()  # open until we end
    done = subprocess.run(
        [*REAPER, str(held), launch.plan, *launch.command],
        env=launch.env,
        pass_fds=(held, *launch.fds),
        capture_output=True,
        text=True,
        timeout=50,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(held)
    launch.close()
    launch.forget()
    if done.returncode or not done.stdout:
        sys.exit(f"the attacks did not run: {done.returncode} {done.stdout[-500:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def alive(mark):
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if mark.encode() in words:
                os.kill(int(entry.parent.name), signal.SIGKILL)
                return "alive"
    return ""


def main(directory, backend, only):
    home = lay_out(directory)
    mark = f"{MARK}-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        victim = stack.enter_context(
            subprocess.Popen([sys.executable, "-I", "-S", "-c", VICTIM, mark], stdout=subprocess.PIPE)
        )
        stack.callback(victim.kill)
        tcp = serve(stack, socket.AF_INET, ("0.0.0.0", 0))
        tcp6 = serve(stack, socket.AF_INET6, ("::1", 0))
        serve(stack, socket.AF_UNIX, "\0" + mark)
        serve(stack, socket.AF_UNIX, str(directory / "socket"))
        seen = {
            "send_udp": receive(stack, socket.AF_INET, ("127.0.0.1", 0)),
            "send_udp6": receive(stack, socket.AF_INET6, ("::1", 0)),
            "send_datagram_from_pair": receive(stack, socket.AF_UNIX, str(directory / "datagrams")),
        }
        disk = os.stat("/").st_dev
        bait = {
            "mark": mark, "pid": victim.pid, "address": int(victim.stdout.readline()), "uid": os.getuid(),
            "secret": str(directory / "secret"), "outside": str(directory / "written"),
            "shared": str(directory / "shared"), "readonly": str(directory / "readonly"), "ssh": str(home / ".ssh"),
            "tcp": tcp.getsockname()[1], "tcp6": tcp6.getsockname()[1], "address4": own_address(),
            "udp": seen["send_udp"].getsockname()[1], "udp6": seen["send_udp6"].getsockname()[1],
            "socket": str(directory / "socket"), "datagrams": str(directory / "datagrams"),
            "disk": [os.major(disk), os.minor(disk)], "daemon": mark + "-daemon",
            "processes": BOUNDS.processes, "memory": BOUNDS.memory, "files": BOUNDS.files, "scratch": BOUNDS.scratch,
        }  # fmt: skip
        if only:
            bait["only"] = only
        loot = contain(directory, backend, home, bait)
        loot |= {name: arrived(one) for name, one in seen.items() if name in loot}
        if "write_file" in loot:
            loot["write_file"] = "written" if (directory / "written").exists() else ""
        if "outlive" in loot:
            loot["outlive"] = alive(mark + "-daemon")
        os.set_blocking(victim.stdout.fileno(), False)
        loot["victim"] = (victim.stdout.read() or b"").decode()
        loot["note"] = (directory / "readonly" / "note").read_text().removeprefix("old")
    print(json.dumps(loot))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
