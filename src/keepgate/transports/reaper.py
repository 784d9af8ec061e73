"""Runs one program and leaves nothing of it behind. A script of its own: it must start fast and imports no keepgate.

    python -I -S reaper.py LEASH PLAN PROGRAM [ARGUMENT...]

LEASH is the reading end of a pipe whose other end only keepgate holds. When it closes, because keepgate wants so or was
killed, everything below this process is killed: on Linux every descendant, those with a session of their own included,
for orphans become our children; elsewhere the process group. The same happens when the program ends. The exit status
is the program's, 128 + n if signal n ended it.

PLAN is `-`, or how the program is contained: `below/contained.py` reads it and does what it says. One that begins with
`log=` is for `below/observed.py`, which only watches.
"""

from __future__ import annotations

import os
import select
import signal
import sys

TYPE_CHECKING = False  # `typing` takes its time to import
if TYPE_CHECKING:
    from keepgate.transports.below.contained import Plan

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option: int, value: int) -> None:
    """As in prctl(2); nothing where there is none."""
    if LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def children(of: int) -> list[int]:
    """The processes whose parent `of` is. Raises OSError where there is no /proc."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - pathlib takes its time to import
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                stat = file.read()
        except OSError:
            continue
        # The program's name is in parentheses and may hold any byte; the parent is the second field after it.
        if int(stat.rpartition(b")")[2].split()[1]) == of:
            found.append(int(name))
    return found


def kill_all() -> None:
    """Kill what is below us, and what that leaves to us, until nothing is left."""
    try:
        while True:
            for pid in children(os.getpid()):
                kill(pid)
            os.waitpid(-1, 0)
    except ChildProcessError:
        return
    except OSError:
        os.killpg(0, signal.SIGKILL)  # ourselves included


def kill(pid: int, number: int = int(signal.SIGKILL)) -> None:
    """Signal it, unless it is gone or another user's."""
    try:
        os.kill(pid, number)
    except OSError:
        return


def close_all_but(kept: list[int]) -> None:
    """Close what was inherited by accident: a second copy of stdout would keep its reader from seeing the end."""
    for fd in map(int, os.listdir("/dev/fd")):  # noqa: PTH208
        if fd > 2 and fd not in kept:
            try:
                os.close(fd)
            except OSError:
                continue  # the descriptor of the listing itself


def planned(text: str) -> Plan:
    """The plan of a contained program."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "below"))  # noqa: PTH100, PTH118, PTH120
    plan: Plan
    if text.startswith("log="):
        import observed  # type: ignore[import-not-found]

        plan = observed.Observation(text)
    else:
        import contained  # type: ignore[import-not-found]

        plan = contained.Plan(text)
    sys.path.pop(0)
    return plan


def become(command: list[str], parent: int, plan: Plan | None) -> None:
    """Turn the new child into the program. Does not return."""
    for inherited in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, a program does not expect that
        signal.signal(inherited, signal.SIG_DFL)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        if os.getppid() == parent:
            env = plan.confine() if plan else None
            os.execve(command[0], command, os.environ if env is None else env)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        os.write(2, f"keepgate: cannot run {command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def pass_on(numbers: bytes, init: int) -> None:
    """Signal what process 1 of a sandbox started: bubblewrap itself would die of what is meant for the server."""
    for number in numbers:
        if init and number != signal.SIGCHLD:
            for pid in children(init):
                kill(pid, number)


def main(leash: int, text: str, command: list[str]) -> int:
    """Run the program, and leave nothing of it; its status."""
    plan = planned(text) if text != "-" else None
    try:
        return run(leash, plan, command)
    finally:
        kill_all()
        if plan:
            plan.forget()


def run(leash: int, plan: Plan | None, command: list[str]) -> int:
    """Run the program until it or the leash ends; its status."""
    close_all_but([leash, *(plan.kept() if plan else ())])
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
        become(plan.command(command) if plan else command, me, plan)
    if plan:
        plan.attend()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the program's, not ours: whoever reads them must see it end
        os.dup2(nothing, stream)
    poll = select.poll()
    poll.register(leash, select.POLLIN)
    poll.register(bell, select.POLLIN)
    while True:
        ready = [fd for fd, _ in poll.poll()]
        if leash in ready:
            return 128 + signal.SIGKILL
        rung = os.read(bell, 4096)
        if plan:
            pass_on(rung, plan.init)
        pid, status = 1, 0
        while pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == program:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
