"""The seccomp filter, run by an interpreter of its few instructions: what it answers for each call on each machine."""

import errno
import itertools
import platform
import struct
from pathlib import Path

import pytest

from keepgate.transports.sandbox.filter import ALLOW, ERRNO, KILL, program
from keepgate.transports.sandbox.syscalls import CHECKED, MACHINES, NEWEST, REFUSED, SHARED, number

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def answer(code, machine, call, *arguments):
    """Run a program as the kernel would on struct seccomp_data."""
    data = struct.pack(
        "<IIQ6Q", call, machine, 0, *itertools.islice(itertools.chain(arguments, itertools.repeat(0)), 6)
    )
    accumulator, at = 0, 0
    instructions = list(struct.iter_unpack("<HBBI", code))
    while True:
        what, yes, no, value = instructions[at]
        at += 1
        if what == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif what == 0x54:
            accumulator &= value
        elif what == 0x06:
            return value
        else:
            holds = {0x15: accumulator == value, 0x25: accumulator > value, 0x45: bool(accumulator & value)}[
                what
            ]
            at += yes if holds else no


def refused(error):
    return ERRNO | error


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("namespaces", [True, False])
def test_what_is_refused_and_what_is_not(machine, namespaces):
    code, convention = program(machine, namespaces=namespaces), MACHINES[machine]

    def ask(name, *arguments):
        return answer(code, convention, number(name, machine), *arguments)

    for name in REFUSED:
        if number(name, machine) is not None:
            assert ask(name) == refused(errno.EPERM), name
    for name in SHARED:
        assert ask(name) == (ALLOW if namespaces else refused(errno.EPERM)), name
    assert ask("clone3") == refused(errno.ENOSYS)
    assert ask("clone", 0x11) == ALLOW
    assert ask("clone", 0x3D0F00) == ALLOW  # a thread
    for flag in (0x20000, *(1 << bit for bit in range(25, 31))):  # CLONE_NEWNS, NEWCGROUP .. NEWNET
        assert ask("clone", flag | 0x11) == refused(errno.EPERM)
    assert ask("ioctl", 0, 0x5401) == ALLOW
    assert ask("ioctl", 0, 0x5412) == refused(errno.EPERM)
    assert ask("ioctl", 0, 1 << 32 | 0x5412) == refused(
        errno.EPERM
    )  # the kernel looks at the lower half only
    for family in (1, 2, 10, 16):
        assert ask("socket", family) == (ALLOW if namespaces else refused(errno.EACCES))
    for family in (0, 17, 38, 40, 44):
        assert ask("socket", family) != ALLOW
    assert ask("socketpair", 1, 1) == ALLOW
    assert (ask("socketpair", 1, 2 | 0o2000000) == ALLOW) is namespaces  # SOCK_DGRAM | SOCK_CLOEXEC
    assert (ask("prlimit64", 4711) == ALLOW) is namespaces
    assert ask("prlimit64", 0) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_what_nobody_has_looked_at_does_not_exist(machine):
    code, convention = program(machine, namespaces=True), MACHINES[machine]
    assert answer(code, convention, NEWEST) == ALLOW
    for call in (NEWEST + 1, 1000, 0x40000000 + 39, 0xFFFFFFFF):
        assert answer(code, convention, call) == refused(errno.ENOSYS)
    for other in (0x40000003, 0x40000028, 0):  # i386, arm, none
        assert answer(code, other, 39) == KILL
    known = {each for each in range(NEWEST + 1) if answer(code, convention, each) != ALLOW}
    listed = {number(name, machine) for name in (*REFUSED, "clone3")} - {None}
    assert known - listed <= {
        number("socket", machine),
        number("socketpair", machine),
    }  # family 0 is none of the four


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_kernel(machine):
    header = HEADERS[machine]
    if not header.exists() or (machine == "x86_64" and platform.machine() != machine):
        pytest.skip(f"{header} is not installed")
    words = [line.split() for line in header.read_text().splitlines()]
    real = {
        line[1].removeprefix("__NR3264_").removeprefix("__NR_"): int(line[2])
        for line in words
        if len(line) == 3 and line[0] == "#define" and line[1].startswith("__NR") and line[2].isdigit()
    }
    ours = {name: number(name, machine) for name in REFUSED | SHARED | CHECKED}
    assert {name: real.get(name) for name in ours} == ours
