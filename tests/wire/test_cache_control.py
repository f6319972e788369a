"""Cache-Control of requests as RFC 9111 §5.2.1 says it; nonsense is no wish."""

import pytest

from triplegate.wire.cache_control import Wishes, read_wishes


@pytest.mark.parametrize(
    ("said", "wishes"),
    [
        ((), Wishes()),
        ((b"no-store",), Wishes(store=False, use=False)),
        ((b"No-Cache",), Wishes(use=False)),
        ((b"max-age=60",), Wishes(oldest=60.0)),
        ((b'max-age="60"',), Wishes(oldest=60.0)),
        ((b"max-age=60, max-age=5",), Wishes(oldest=5.0)),
        ((b"max-age=x, max-age=-1, max-age",), Wishes()),
        ((b"max-age=99999999999999999999",), Wishes(oldest=999_999_999_999.0)),
        ((b"only-if-cached", b"max-age=1"), Wishes(oldest=1.0, only=True)),
        ((b"stale-while-revalidate=3, ,\xff",), Wishes()),
    ],
)
def test_what_is_said_is_what_is_wished(said, wishes):
    headers = [(b"cache-control", one) for one in said]
    assert read_wishes([(b"accept", b"no-store"), *headers]) == wishes
