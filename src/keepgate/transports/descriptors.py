"""Room for descriptors: an idle event stream costs two of them, and the usual soft limit of 1024 is soon reached."""

from __future__ import annotations

import contextlib

WANTED = 65_536


def make_room() -> int:
    """Raise the soft limit of open descriptors as far as the hard one and need go; what it is then.

    The programs keepgate starts inherit it, as from any service manager. Nothing happens where there is no such limit.
    """
    try:
        import resource
    except ImportError:  # not a Unix
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return soft
    with contextlib.suppress(OSError, ValueError):  # macOS has a further limit of its own
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
