"""DNS rebinding and foreign pages end before any handler."""

from typing import Any

import pytest
from litestar.exceptions import HTTPException

from triplegate.control.admin.hosts import KnownHosts

GOOD = ["127.0.0.1", "127.0.0.1:8081", "localhost:8081", "LOCALHOST", "[::1]:8081", "gateway.test:8081"]
BAD = [
    "evil.test",
    "127.0.0.1.evil.test",
    "127.0.0.2",
    "localhost.evil.test:8081",
    "evil.test#127.0.0.1",
    "evil.test@127.0.0.1",
    "127.0.0.1/x",
    "127.0.0.1?x",
    "127.0.0.1:port",
    "[::2]",
    "[::1",
    "",
    " ",
    "0.0.0.0",  # noqa: S104 - the name, not an address to bind
    "2130706433",
]


def verdict(method: str, *headers: tuple[str, str]) -> int:
    try:
        KnownHosts(["gateway.test"]).check(method, [(name.encode(), value.encode()) for name, value in headers])
    except HTTPException as error:
        return error.status_code
    return 200


@pytest.mark.parametrize("host", GOOD)
def test_known_hosts_pass(host: str) -> None:
    assert verdict("GET", ("host", host)) == 200


@pytest.mark.parametrize("host", BAD)
def test_every_other_host_is_misdirected(host: str) -> None:
    assert verdict("GET", ("host", host)) == 421


def test_no_host_and_two_hosts_are_misdirected() -> None:
    assert verdict("GET") == 421
    assert verdict("GET", ("host", "127.0.0.1"), ("host", "127.0.0.1")) == 421


@pytest.mark.parametrize(
    ("origin", "site", "expected"),
    [
        ("http://127.0.0.1:8081", "same-origin", 200),
        ("https://127.0.0.1:8081", "same-origin", 200),
        ("http://127.0.0.1:3000", "same-site", 403),  # another program of the same machine
        ("http://evil.test", "cross-site", 403),
        ("http://127.0.0.1:8081/x", "same-origin", 403),
        ("http://127.0.0.1:8081.evil.test", "cross-site", 403),
        ("file://", "cross-site", 403),
        ("null", "cross-site", 403),
        ("null", "none", 403),
        ("null", "same-origin", 200),
        ("http://[", "cross-site", 403),
    ],
)
def test_only_the_pages_own_origin_may_call(origin: str, site: str, expected: int) -> None:
    headers = (("host", "127.0.0.1:8081"), ("origin", origin), ("sec-fetch-site", site))
    assert verdict("POST", *headers) == expected


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_another_site_may_link_here_and_nothing_else(method: str) -> None:
    base = (("host", "127.0.0.1:8081"), ("sec-fetch-site", "cross-site"))
    assert verdict(method, *base, ("sec-fetch-mode", "cors")) == 403
    assert verdict(method, *base, ("sec-fetch-mode", "navigate")) == (200 if method == "GET" else 403)


async def test_the_check_stands_before_the_handlers(stage: Any) -> None:
    async with stage.client(await stage.token()) as client:
        answer = await client.get("/admin/v1/whoami", headers={"host": "evil.test"})
        assert answer.status_code == 421
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await client.get("/admin/v1/whoami", headers={"host": "gateway.test"})).status_code == 200
