"""The seccomp filter of a contained process, as the classic BPF program that the kernel takes. Pure.

There is no well-kept library for this: pyseccomp is from 2021 and needs libseccomp on the machine. The program is a
straight list of tests, so an instruction is either a test or an answer, and every jump goes forward.
"""

from __future__ import annotations

import errno
import struct
from typing import Final

from keepgate.transports.sandbox.syscalls import MACHINES, NEWEST, REFUSED, SHARED, number

_LOAD, _JEQ, _JGT, _JSET, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
"""Of the whole process."""
ERRNO: Final = 0x00050000
NUMBER, MACHINE, ARGUMENTS = 0, 4, 16
"""Where the kernel puts them (struct seccomp_data); each argument has eight bytes, the lower half first."""

_NAMESPACES: Final = 0x7E020080
"""CLONE_NEWUSER, NEWPID, NEWNS, NEWNET, NEWIPC, NEWUTS, NEWCGROUP, NEWTIME."""
_TERMINAL: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX type into a terminal."""
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
_TYPE: Final = 0xF
_DATAGRAM: Final = 2

Instruction = tuple[int, int, int, int]
"""What to do, how far to jump if it holds and if not, and with what."""


def program(machine: str, *, namespaces: bool) -> bytes:
    """The filter for `uname -m`. Without namespaces around the process there are no sockets, and nothing is shared.

    Raises KeyError for a machine without a table.
    """
    answers = [(number(name, machine), errno.EPERM) for name in REFUSED]
    if not namespaces:
        answers += [(number(name, machine), errno.EPERM) for name in SHARED]
    # clone3 has its flags in memory, where a filter cannot look: libraries fall back to clone.
    answers.append((number("clone3", machine), errno.ENOSYS))
    code: list[Instruction] = [
        (_LOAD, 0, 0, MACHINE),
        (_JEQ, 1, 0, MACHINES[machine]),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, NUMBER),
        # Also what x86-64 calls x32: bit 30 of the number.
        (_JGT, 0, 1, NEWEST),
        (_RETURN, 0, 0, ERRNO | errno.ENOSYS),
    ]
    for which, error in answers:
        if which is not None:
            code += [(_JEQ, 0, 1, which), (_RETURN, 0, 0, ERRNO | error)]
    code += _checked("clone", machine, _refuse_bits(0, _NAMESPACES, errno.EPERM))
    code += _checked("ioctl", machine, _refuse_values(1, _TERMINAL, errno.EPERM))
    if namespaces:
        code += _checked("socket", machine, _only(0, (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK)))
        code += _checked("socketpair", machine, _only(0, (AF_UNIX,)))
    else:
        code += _checked("socket", machine, [(_RETURN, 0, 0, ERRNO | errno.EACCES)])
        # A pair of streams cannot be connected anywhere else, a pair of datagram sockets can.
        code += _checked("socketpair", machine, _refuse_values(1, (_DATAGRAM,), errno.EACCES, mask=_TYPE))
        code += _checked("prlimit64", machine, _only(0, (0,), errno.EPERM))
    code.append((_RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("<HBBI", *each) for each in code)


def _checked(name: str, machine: str, test: list[Instruction]) -> list[Instruction]:
    """The test for one call; what passes it goes on behind it, with the number loaded again."""
    which = number(name, machine)
    assert which is not None
    return [(_JEQ, 0, len(test) + 1, which), *test, (_LOAD, 0, 0, NUMBER)]


def _argument(index: int) -> Instruction:
    return _LOAD, 0, 0, ARGUMENTS + 8 * index


def _refuse_bits(index: int, bits: int, error: int) -> list[Instruction]:
    return [_argument(index), (_JSET, 0, 1, bits), (_RETURN, 0, 0, ERRNO | error)]


def _refuse_values(index: int, values: tuple[int, ...], error: int, mask: int = 0) -> list[Instruction]:
    code = [_argument(index), *([(_AND, 0, 0, mask)] if mask else [])]
    for value in values:
        code += [(_JEQ, 0, 1, value), (_RETURN, 0, 0, ERRNO | error)]
    return code


def _only(index: int, values: tuple[int, ...], error: int = errno.EAFNOSUPPORT) -> list[Instruction]:
    """Refuse every value but these."""
    code = [_argument(index)]
    code += [(_JEQ, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [*code, (_RETURN, 0, 0, ERRNO | error)]
