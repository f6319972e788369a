"""Addresses are shown without credentials."""

import pytest

from triplegate.stores.redis.address import open_connection, where


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:pw@db.example:6380/1", "db.example:6380"),
        ("rediss://:pw@db.example", "db.example:6379"),
        ("redis://[::1]:7000", "[::1]:7000"),
        ("unix:///run/redis.sock?db=1", "/run/redis.sock"),
        ("redis://", "localhost:6379"),
    ],
)
def test_host_and_port_are_shown_and_nothing_else(url: str, shown: str) -> None:
    assert where(url) == shown


def test_another_scheme_is_an_error() -> None:
    with pytest.raises(ValueError, match="scheme"):
        open_connection("http://127.0.0.1:6379")
