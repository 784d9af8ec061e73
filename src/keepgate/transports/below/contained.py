"""What the reaper does around a contained program. Like the reaper a script's part: it imports no keepgate, and little.

A plan is text, `name=value` pairs with commas between, all values numbers:

    memory, files, cpu    bounds to set before the program starts (setrlimit)
    processes             bound on all of them: a limit once the program has a user namespace of its own (bubblewrap
                          only), and for root, whom limits do not bind, a control group where there are any
    egress                a socket to send a listener through that only the server can reach (bubblewrap only)
    rules, filter, env    descriptors to read Landlock rules, a seccomp filter and the environment from (Landlock only)
    keep                  any number of descriptors that the program inherits
"""

from __future__ import annotations

import ctypes
import os
import resource

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PATH_BENEATH = 1
CAPABILITY_VERSION = 0x20080522
NS_GET_USERNS = 0xB701
CLONE_NEWNET = 0x40000000
SCM_RIGHTS = 1
PORT = 3128
"""Of the proxy, inside."""
STARTED = b'"child-pid":'
APART = "/sys/fs/cgroup/pids"
"""Where processes are counted in a hierarchy of its own."""

LIBC = ctypes.CDLL(None, use_errno=True)


class Plan:
    """What was asked for."""

    def __init__(self, text: str) -> None:
        pairs = [each.partition("=") for each in text.split(",")]
        self.keep = [int(value) for name, _, value in pairs if name == "keep"]
        self.values = {name: int(value) for name, _, value in pairs if name != "keep"}
        self.group = group(os.getpid())
        self.joins = self.group.startswith(APART)
        """Whether the child goes into its control group by itself: a thread that moves itself waits for nobody, while
        moving another process waits for the whole machine. The unified hierarchy moves whole processes only."""
        self.init = 0
        """Process 1 of the sandbox, as it is called outside."""
        if self.namespaces:
            self.told, self.tell = os.pipe()
            self.held, self.free = os.pipe()

    @property
    def namespaces(self) -> bool:
        """Whether bubblewrap is what runs."""
        return "rules" not in self.values

    def kept(self) -> list[int]:
        """Descriptors that must outlive the cleaning up; only those to `keep` outlive the start of the program."""
        ours = [self.values[name] for name in ("egress", "rules", "filter", "env") if name in self.values]
        for fd in ours:
            os.set_inheritable(fd, False)  # noqa: FBT003
        pipes = [self.told, self.tell, self.held, self.free] if self.namespaces else []
        return [*self.keep, *ours, *pipes]

    def command(self, command: list[str]) -> list[str]:
        """The program with what it must be told."""
        if not self.namespaces:
            return command
        return [command[0], "--info-fd", str(self.tell), "--block-fd", str(self.held), *command[1:]]

    def confine(self) -> dict[str, str] | None:
        """In the child, before it turns into the program. Its environment, if it is not ours. Raises OSError."""
        bound(resource.RLIMIT_CORE, 0)
        bound(resource.RLIMIT_DATA, self.values.get("memory", 0) or resource.RLIM_INFINITY)
        bound(resource.RLIMIT_NOFILE, self.values.get("files", 0) or resource.RLIM_INFINITY)
        bound(resource.RLIMIT_CPU, self.values.get("cpu", 0) or resource.RLIM_INFINITY)
        if self.joins:
            count(0, self.values["processes"] + self.namespaces, self.group)  # bubblewrap itself is one more
        if self.namespaces:
            os.setpgid(
                0, 0
            )  # what is sent to our group is for the server, and we pass it on; bubblewrap would die of it
            for fd in (self.tell, self.held, *self.keep):
                os.set_inheritable(fd, True)  # noqa: FBT003
            return None
        if not self.joins:
            count(os.getpid(), self.values["processes"], self.group)
        env = read_all(self.values["env"]).decode("utf-8", "surrogateescape").split("\0")
        restrict(read_all(self.values["rules"]).split(b"\0"), read_all(self.values["filter"]))
        return dict(each.split("=", 1) for each in env if each)

    def forget(self) -> None:
        """In the reaper, when nothing runs any more."""
        if self.group:
            try:
                os.rmdir(self.group)  # noqa: PTH106
            except OSError:
                return

    def attend(self) -> None:
        """In the reaper: when bubblewrap has made the namespaces, bound them, open their way out, and let go."""
        read = [self.values[name] for name in ("rules", "filter", "env") if name in self.values]
        for fd in (*self.keep, *read):
            os.close(fd)
        if self.namespaces:
            self._open_up()

    def _open_up(self) -> None:
        os.close(self.tell)
        os.close(self.held)
        said = b""
        while b"}" not in said:
            data = os.read(self.told, 4096)
            if not data:
                return  # it could not start, and has said why on stderr
            said += data
        os.close(self.told)
        self.init = int(said.partition(STARTED)[2].partition(b",")[0].partition(b"\n")[0])
        try:
            most = self.values["processes"]
            resource.prlimit(self.init, resource.RLIMIT_NPROC, (most, most))
            if not self.joins:
                count(self.init, most, self.group)
            if "egress" in self.values:
                hand_out(self.init, self.values["egress"])
        except OSError as error:
            os.write(2, f"keepgate: the sandbox cannot be set up: {error.strerror}\n".encode())
            os.kill(self.init, 9)
        os.write(self.free, b".")
        os.close(self.free)


def group(pid: int) -> str:
    """The control group for what a reaper starts; empty for an ordinary user, whose processes a limit binds."""
    if os.getuid():
        return ""
    try:
        with open("/proc/self/cgroup") as file:  # noqa: PTH123
            lines = [line.strip().split(":", 2) for line in file]
    except OSError:
        return ""
    for _, controllers, path in lines:
        if "pids" in controllers.split(","):
            return f"{APART}{path.rstrip('/')}/keepgate-{pid}"
    # In the unified hierarchy a group with processes has no groups with bounds below it: it goes beside ours.
    beside = next((path.rpartition("/")[0] for _, controllers, path in lines if not controllers), "")
    return f"/sys/fs/cgroup{beside}/keepgate-{pid}"


def count(pid: int, most: int, folder: str) -> None:
    """Bound how many processes come from one, where we may: a container shows its control groups read-only.

    0 is this process itself, which has one thread.
    """
    if not folder:
        return
    try:
        os.mkdir(folder)  # noqa: PTH102
        for name, value in (("pids.max", most), ("cgroup.procs" if pid else "tasks", pid)):
            with open(f"{folder}/{name}", "w") as file:  # noqa: PTH123
                file.write(str(value))
    except OSError:
        return


def bound(what: int, most: int) -> None:
    """Set a limit, as low as the one there is at most."""
    hard = resource.getrlimit(what)[1]
    if most == resource.RLIM_INFINITY or (hard != resource.RLIM_INFINITY and most > hard):
        most = hard
    resource.setrlimit(what, (most, most))


def read_all(fd: int) -> bytes:
    """What a descriptor holds, from its beginning."""
    os.lseek(fd, 0, os.SEEK_SET)
    parts = []
    while data := os.read(fd, 1 << 16):
        parts.append(data)
    os.close(fd)
    return b"".join(parts)


def call(*arguments: object) -> int:
    """A system call that has no function in the library. Raises OSError."""
    result = LIBC.syscall(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)


def restrict(rules: list[bytes], program: bytes) -> None:
    """Landlock and seccomp, for this process and all that come from it. Raises OSError.

    `rules` are numbers for the whole rule set (what is handled of files, ports, and the outside), then an access and a
    path each. A path that does not exist gives access to nothing.
    """
    size = ctypes.c_size_t
    handled = (ctypes.c_uint64 * 3)(*map(int, rules[:3]))
    ruleset = call(CREATE_RULESET, ctypes.byref(handled), size(24), 0)
    for access, path in zip(rules[3::2], rules[4::2], strict=False):
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rule = ctypes.create_string_buffer(int(access).to_bytes(8, "little") + fd.to_bytes(4, "little"), 12)
        call(ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
        os.close(fd)
    zero = ctypes.c_ulong(0)
    if LIBC.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    nothing = (ctypes.c_uint32 * 6)()
    if LIBC.capset((ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), nothing):
        raise OSError(ctypes.get_errno(), "capset")
    call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    code = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    filter_ = Program(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    if LIBC.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(filter_), zero, zero):
        raise OSError(ctypes.get_errno(), "seccomp")


def hand_out(init: int, through: int) -> None:
    """Listen on the loopback of the sandbox's network, and give the socket to keepgate. Raises OSError.

    So the server reaches keepgate's proxy, and nothing of ours runs inside.
    """
    import _socket

    child = os.fork()
    if child:
        os.close(through)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            raise OSError(0, "no socket for the proxy")
        return
    status = 1
    try:
        import fcntl

        net = os.open(f"/proc/{init}/ns/net", os.O_RDONLY)
        owner = fcntl.ioctl(net, NS_GET_USERNS)
        if LIBC.setns(owner, 0) or LIBC.setns(net, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", PORT))
        listener.listen(64)
        with_it = _socket.socket(fileno=through)
        right = listener.fileno().to_bytes(4, "little")
        with_it.sendmsg([b"."], [(_socket.SOL_SOCKET, SCM_RIGHTS, right)])
        status = 0
    finally:
        os._exit(status)
