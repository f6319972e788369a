"""Runs a command with less: under limits that it cannot lift, as another user. A small process that becomes it.

This file is also that process's program; it imports nothing of ours. What is set between fork and exec is set here, in
a process with one thread, and not in a copy of the gateway's.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

KINDS = {
    "cpu": resource.RLIMIT_CPU,
    "files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
    "memory": resource.RLIMIT_DATA,  # last: Python, too, needs some until it has become the command
}
_NO_NEW_PRIVILEGES = 38  # prctl(2), PR_SET_NO_NEW_PRIVS


def launched(
    argv: Sequence[str], limits: Mapping[str, int], user: tuple[int, int, Sequence[int]] | None
) -> tuple[str, ...]:
    """The arguments that run `argv` so; `user`: uid, gid, groups. Without limits and user they are its own."""
    if not limits and user is None:
        return tuple(argv)
    wanted = json.dumps({"limits": dict(limits), "user": None if user is None else [user[0], user[1], list(user[2])]})
    return (sys.executable, "-I", "-S", __file__, wanted, *argv)


def become(wanted: Mapping[str, Any], argv: list[str]) -> None:
    """Turn into the command. Raises OSError, ValueError: nothing runs with more than it may have."""
    if "/" not in argv[0]:
        raise FileNotFoundError(f"there is no program {argv[0]}")
    limits = wanted["limits"]
    _stay_down()  # first: somebody else may not read what Python still has to load
    if wanted["user"] is not None:
        _turn(*wanted["user"])
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and what is ignored stays so
        signal.signal(number, signal.SIG_DFL)
    for name, kind in KINDS.items():
        if name in limits:
            _limit(kind, limits[name])
    os.execv(argv[0], argv)  # noqa: S606 - no shell is wanted


def _limit(kind: int, most: int) -> None:
    """For good: the hard limit is as low."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, most))


def _turn(uid: int, gid: int, groups: Sequence[int]) -> None:
    """Be somebody else, and nobody besides."""
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid, uid, uid) or os.getresgid() != (gid, gid, gid) or set(os.getgroups()) != set(groups):
        raise PermissionError("it did not become that user")


def _stay_down() -> None:
    """No program that it runs, such as sudo, has more rights than it."""
    if sys.platform == "linux":
        import ctypes

        if ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "no_new_privs cannot be set")


if __name__ == "__main__":
    try:
        become(json.loads(sys.argv[1]), sys.argv[2:])
    except (OSError, ValueError) as error:
        sys.stderr.write(f"it cannot be run so: {error}\n")
        sys.exit(126)
