"""Runs one program and leaves nothing of it behind. A script of its own: it must start fast and imports no keepgate.

    python -I -S reaper.py LEASH PROGRAM [ARGUMENT...]

LEASH is the reading end of a pipe whose other end only keepgate holds. When it closes, because keepgate wants so or was
killed, everything below this process is killed: on Linux every descendant, those with a session of their own included,
for orphans become our children; elsewhere the process group. The same happens when the program ends. The exit status
is the program's, 128 + n if signal n ended it.
"""

from __future__ import annotations

import os
import select
import signal
import sys

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option: int, value: int) -> None:
    """As in prctl(2); nothing where there is none."""
    if LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def children() -> list[int]:
    """The processes whose parent we are. Raises OSError where there is no /proc."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - pathlib takes its time to import
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                stat = file.read()
        except OSError:
            continue
        # The program's name is in parentheses and may hold any byte; the parent is the second field after it.
        if int(stat.rpartition(b")")[2].split()[1]) == os.getpid():
            found.append(int(name))
    return found


def kill_all() -> None:
    """Kill what is below us, and what that leaves to us, until nothing is left."""
    try:
        while True:
            for pid in children():
                kill(pid)
            os.waitpid(-1, 0)
    except ChildProcessError:
        return
    except OSError:
        os.killpg(0, signal.SIGKILL)  # ourselves included


def kill(pid: int) -> None:
    """SIGKILL, unless it is gone or another user's."""
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return


def close_all_but(leash: int) -> None:
    """Close what was inherited by accident: a second copy of stdout would keep its reader from seeing the end."""
    for fd in map(int, os.listdir("/dev/fd")):  # noqa: PTH208
        if fd > 2 and fd != leash:
            try:
                os.close(fd)
            except OSError:
                continue  # the descriptor of the listing itself


def become(command: list[str], parent: int) -> None:
    """Turn the new child into the program. Does not return."""
    for inherited in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, a program does not expect that
        signal.signal(inherited, signal.SIG_DFL)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        if os.getppid() == parent:
            os.execv(command[0], command)  # noqa: S606 - without a shell is what is wanted
    except OSError as error:
        os.write(2, f"keepgate: cannot run {command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def main(leash: int, command: list[str]) -> int:
    """Run the program; its status."""
    close_all_but(leash)
    bell, ring = os.pipe()
    os.set_blocking(ring, False)  # as set_wakeup_fd demands
    os.set_inheritable(leash, False)  # noqa: FBT003
    signal.set_wakeup_fd(ring)
    # The program shares our process group: what is sent to the group is meant for it.
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    me = os.getpid()
    program = os.fork()
    if not program:
        become(command, me)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the program's, not ours: whoever reads them must see it end
        os.dup2(nothing, stream)
    poll = select.poll()
    poll.register(leash, select.POLLIN)
    poll.register(bell, select.POLLIN)
    while True:
        ready = [fd for fd, _ in poll.poll()]
        if leash in ready:
            kill_all()
            return 128 + signal.SIGKILL
        os.read(bell, 4096)
        pid, status = 1, 0
        while pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == program:
                kill_all()
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
