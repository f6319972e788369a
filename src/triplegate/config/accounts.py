"""Users of this machine that a command may be run as; only root can make a process somebody else's."""

import grp
import os
import pwd

import msgspec


class Account(msgspec.Struct, frozen=True):
    """A user by numbers."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str = ""


def is_root() -> bool:
    """Whether this process may become anybody."""
    return os.geteuid() == 0


def account(text: str) -> Account:
    """`user`, `user:group`, by name or number. Raises ValueError for one that is not there, and for root."""
    name, _, group = text.partition(":")
    entry = _entry(name)
    if entry is None and not (name.isdigit() and group):
        raise ValueError(f"there is no user {name} here" + ("; of a number say the group, too" * name.isdigit()))
    uid = int(name) if entry is None else entry.pw_uid
    if group:
        gid = _gid(group)
        groups: tuple[int, ...] = (gid,)
    else:
        assert entry is not None
        gid = entry.pw_gid
        groups = tuple(os.getgrouplist(entry.pw_name, gid))
    if uid == 0 or 0 in (gid, *groups):
        raise ValueError("a command that stays root's, or of root's group, could do all that the gateway can")
    return Account(uid, gid, groups, "" if entry is None else entry.pw_dir)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        return None


def _gid(name: str) -> int:
    if name.isdigit():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ValueError(f"there is no group {name} here") from None
