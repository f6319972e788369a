"""Users by name or number; never root."""

import os
import pwd

import pytest

from triplegate.config.accounts import account, is_root

NOBODY = pwd.getpwnam("nobody")


def test_a_user_is_found_by_name_and_number_with_its_groups() -> None:
    found = account("nobody")
    assert (found.uid, found.gid, found.home) == (NOBODY.pw_uid, NOBODY.pw_gid, NOBODY.pw_dir)
    assert NOBODY.pw_gid in found.groups
    assert account(str(NOBODY.pw_uid)) == found


def test_a_group_that_is_named_is_the_only_one() -> None:
    found = account("nobody:12345")
    assert (found.uid, found.gid, found.groups) == (NOBODY.pw_uid, 12345, (12345,))
    unknown = account("54321:12345")
    assert (unknown.uid, unknown.gid, unknown.groups, unknown.home) == (54321, 12345, (12345,), "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no-such-user", "no user no-such-user"),
        ("54321", "of a number say the group"),
        ("nobody:no-such-group", "no group no-such-group"),
        ("root", "stays root's"),
        ("0:12345", "stays root's"),
        ("nobody:0", "stays root's"),
    ],
)
def test_who_is_not_there_or_is_root_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        account(text)


def test_root_is_known_by_its_number() -> None:
    assert is_root() == (os.geteuid() == 0)
