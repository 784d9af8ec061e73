"""Runs inside. Each attack is a function of the bait; what it returns is its loot, and nothing is a failure.

Each runs in a process of its own, so that one that is killed for it spoils no other. Prints one JSON object.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import struct
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
PATIENCE = 10.0


def call(x86, aarch64, *arguments):
    """A system call; OSError if it fails."""
    padded = [a if isinstance(a, ctypes.Array) else ctypes.c_long(a) for a in arguments] + [
        ctypes.c_long(0)
    ] * 6
    result = LIBC.syscall(ctypes.c_long(x86 if X86 else aarch64), *padded[:6])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def read_file(bait):
    return open(bait["secret"]).read()


def read_beyond_dots(bait):
    return open(bait["shared"] + "/../" + os.path.basename(bait["secret"])).read()


def read_through_link(bait):
    """The link was made outside, in a directory that is listed."""
    return open(bait["shared"] + "/link").read()


def read_through_own_link(bait):
    link = bait["shared"] + "/own-link"
    os.symlink(bait["secret"], link)
    return open(link).read()


def read_through_hard_link(bait):
    link = bait["shared"] + "/hard-link"
    os.link(bait["secret"], link)
    return open(link).read()


def read_through_process_one(bait):
    return open("/proc/1/root" + bait["secret"]).read()


def read_through_victim(bait):
    return open(f"/proc/{bait['pid']}/root" + bait["secret"]).read()


def read_by_handle(bait):
    fd = os.open(bait["shared"], os.O_RDONLY)
    handle = ctypes.create_string_buffer(struct.pack("<Ii", 8, 1) + struct.pack("<II", 2, 0), 128)
    return call(304, 265, fd, handle, os.O_RDONLY | os.O_DIRECTORY)


def list_keys(bait):
    return os.listdir(bait["ssh"])


def rename_out(bait):
    os.rename(bait["shared"] + "/mine", bait["outside"])
    return os.path.exists(bait["outside"]) and "moved"


def write_file(bait):
    """Whether it appears outside is seen there."""
    with open(bait["outside"], "w") as file:
        file.write("x")


def write_read_only(bait):
    with open(bait["readonly"] + "/note", "w") as file:
        file.write("x")
    return "written"


def remount_writable(bait):
    where = bait["readonly"].encode()
    if LIBC.mount(None, where, None, ctypes.c_ulong(0x1020), None):
        raise OSError(ctypes.get_errno(), "mount")
    return write_read_only(bait)


def write_own_program(bait):
    with open(sys.executable, "ab"):
        return "opened"


def descriptor_left_open(bait):
    return ", ".join(bait["open"])


def see_victim(bait):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if bait["mark"].encode() in file.read().split(b"\0"):
                    return pid
        except OSError:
            continue
    return ""


def read_environment(bait):
    return open(f"/proc/{bait['pid']}/environ").read()


def read_memory(bait):
    return open(f"/proc/{bait['pid']}/mem", "rb").fileno()


def same_process(bait):
    """Numbers are given twice where there is a namespace: the victim's may be one of ours."""
    return bait["pid"] > 64


def kill_victim(bait):
    os.kill(bait["pid"], signal.SIGUSR1)
    return same_process(bait) and "killed"


def kill_by_descriptor(bait):
    fd = os.pidfd_open(bait["pid"])
    signal.pidfd_send_signal(fd, signal.SIGUSR1)
    return same_process(bait) and "killed"


def bound_victim(bait):
    import resource

    resource.prlimit(bait["pid"], resource.RLIMIT_NOFILE, (64, 64))
    return same_process(bait) and "bound"


def trace_victim(bait):
    call(101, 117, 16, bait["pid"])
    return same_process(bait) and "traced"


def trace_child(bait):
    """Even one's own: a tracer can change the arguments of a system call after they were checked."""
    return call(101, 117, 0) == 0 and "traced"


def read_victim(bait):
    buffer = ctypes.create_string_buffer(16)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 16)
    remote = (ctypes.c_size_t * 2)(bait["address"], 16)
    return call(310, 270, bait["pid"], local, 1, remote, 1)


def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as one:
        one.settimeout(2)
        one.connect(address)
        return one.recv(16).decode()


def reach_tcp(bait):
    return connect(socket.AF_INET, ("127.0.0.1", bait["tcp"]))


def reach_tcp6(bait):
    return connect(socket.AF_INET6, ("::1", bait["tcp6"]))


def reach_machine(bait):
    """Another address of this machine, where it has one."""
    return connect(socket.AF_INET, (bait["address4"], bait["tcp"]))


def send_udp(bait):
    """Whether it arrives is seen outside."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"udp", ("127.0.0.1", bait["udp"]))


def send_udp6(bait):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
        one.sendto(b"udp6", ("::1", bait["udp6"]))


def reach_socket(bait):
    return connect(socket.AF_UNIX, bait["socket"])


def reach_abstract(bait):
    return connect(socket.AF_UNIX, "\0" + bait["mark"])


def send_datagram_from_pair(bait):
    """A pair needs no call to `socket`, yet a datagram socket of one can be addressed anywhere."""
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.sendto(b"pair", bait["datagrams"])


def of_family(number, kind=socket.SOCK_RAW):
    return lambda bait: str(socket.socket(number, kind).fileno())


def mount(bait):
    os.makedirs("/tmp/m", exist_ok=True)
    if LIBC.mount(b"none", b"/tmp/m", b"tmpfs", ctypes.c_ulong(0), None):
        raise OSError(ctypes.get_errno(), "mount")
    return "mounted"


def mount_the_new_way(bait):
    return call(430, 430, ctypes.create_string_buffer(b"tmpfs"), 0) and "opened"


def new_user_namespace(bait):
    if LIBC.unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "unshare")
    return "unshared"


def clone_user_namespace(bait):
    pid = call(56, 220, 0x10000000 | signal.SIGCHLD)
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return "cloned"


def clone3_user_namespace(bait):
    arguments = ctypes.create_string_buffer(
        struct.pack("<8Q", 0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0), 64
    )
    pid = call(435, 435, arguments, 64)
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return "cloned"


def enter_namespace(bait):
    fd = os.open("/proc/1/ns/net", os.O_RDONLY)
    if LIBC.setns(fd, 0):
        raise OSError(ctypes.get_errno(), "setns")
    return "entered"


def change_root(bait):
    os.chroot("/tmp")
    return "changed"


def use_io_uring(bait):
    return str(call(425, 425, 8, ctypes.create_string_buffer(120)))


def read_keyring(bait):
    return str(call(250, 219, 0, -3, 0))


def add_key(bait):
    user, name = ctypes.create_string_buffer(b"user"), ctypes.create_string_buffer(b"keepgate-test")
    return str(call(248, 217, user, name, ctypes.create_string_buffer(b"x"), 1, -3))


def load_bpf(bait):
    return str(call(321, 280, 0, ctypes.create_string_buffer(struct.pack("<IIII", 2, 4, 4, 1), 64), 64))


def watch_performance(bait):
    return str(call(298, 241, ctypes.create_string_buffer(struct.pack("<IIQ", 1, 112, 1), 112), 0, -1, -1, 0))


def handle_page_faults(bait):
    return str(call(323, 282, 1))


def newest_call(bait):
    """A number that nobody knows yet must not be offered by whatever kernel comes."""
    return call(463, 463, -1, 0, 0, 0, 0)


def another_convention(bait):
    """The 32-bit system calls of the same machine (x32), whose numbers are others."""
    return str(call(0x40000000 + 39, 172)) if X86 else ""


def make_device(bait):
    os.mknod(bait["shared"] + "/disk", 0o600 | 0o060000, os.makedev(*bait["disk"]))
    return os.read(os.open(bait["shared"] + "/disk", os.O_RDONLY), 1) and "read"


def open_memory(bait):
    return os.open("/dev/mem", os.O_RDONLY)


def write_setting(bait):
    """As root outside this would run a program of ours at the next crash."""
    return os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)


def press_keys(bait):
    """SysRq restarts the machine."""
    return os.open("/proc/sysrq-trigger", os.O_WRONLY)


def set_clock(bait):
    time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME))
    return "set"


def name_machine(bait):
    socket.sethostname("owned")
    return "named"


def become_root(bait):
    os.setuid(0)
    return os.getuid() == 0 and bait["uid"] != 0 and "root"


def outlive(bait):
    """A daemon; whether it is there when the server has gone is seen outside."""
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.execv(sys.executable, [sys.executable, "-c", "import signal; signal.pause()", bait["daemon"]])
        os._exit(0)
    os.wait()


def breed(bait):
    """More processes than are allowed; the loot is how many there were."""
    made = []
    try:
        for _ in range(bait["processes"] + 50):
            pid = os.fork()
            if not pid:
                signal.pause()
            made.append(pid)
    except OSError:
        return ""
    finally:
        for pid in made:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return str(len(made))


def take_memory(bait):
    try:
        return str(len(bytearray(bait["memory"] * 2)))
    except MemoryError:
        return ""


def fill_scratch(bait):
    block = b"\0" * (1 << 20)
    with open(os.environ.get("TMPDIR", "/tmp") + "/large", "wb") as file:
        file.writelines(block for _ in range(bait["scratch"] // len(block) + 2))
    return "filled"


def open_many(bait):
    return str(len([os.dup(0) for _ in range(bait["files"] + 1)]))


def open_descriptors():
    for fd in range(3, 256):
        with contextlib.suppress(OSError):
            yield f"{fd}: {os.fstat(fd)}"


def is_attack(found):
    code = getattr(found, "__code__", None)
    return code is not None and code.co_varnames[:1] == ("bait",) and found is not same_process


ATTACKS = {name: found for name, found in list(globals().items()) if is_attack(found)}
ATTACKS |= {
    "family_packet": of_family(17),
    "family_vsock": of_family(40, socket.SOCK_STREAM),
    "family_alg": of_family(38, socket.SOCK_SEQPACKET),
    "raw_ip": lambda bait: connect(socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_RAW),
}


def attempt(attack, bait):
    """Its loot as text; empty if it failed. In a child."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            loot = str(attack(bait) or "")
        except BaseException:  # whatever stops it
            loot = ""
        os.write(writing, loot.encode()[:200])
        os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], PATIENCE)
    loot = os.read(reading, 200).decode() if ready else ""
    os.close(reading)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return loot


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    given["open"] = list(open_descriptors())
    given.setdefault("only", list(ATTACKS))
    print(json.dumps({name: attempt(ATTACKS[name], given) for name in given["only"]}), flush=True)
