"""How a service's endpoints are written, and what contradicts itself."""

import pytest

from triplegate.config.documents_api import ServiceDocument
from triplegate.config.documents_service import HashDocument


def service(**written):
    return ServiceDocument.model_validate({"endpoints": ["http://h:1"], **written})


def test_an_endpoint_is_a_url_or_has_a_weight_and_stays_as_it_was_written():
    made = service(endpoints=["http://h:1/", {"url": "http://h:2", "weight": 3}, {"url": "http://h:3", "backup": True}])
    assert [(one.url, one.weight, one.backup) for one in made.members] == [
        ("http://h:1", 1, False),
        ("http://h:2", 3, False),
        ("http://h:3", 1, True),
    ]
    assert made.endpoints[0] == "http://h:1"
    assert made.addresses() == ("http://h:1", "http://h:2", "http://h:3")


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"endpoints": ["http://h:1", {"url": "http://h:1/"}]}, "named twice"),
        ({"endpoints": [{"url": "http://h:1", "weight": 0}, {"url": "http://h:2", "backup": True}]}, "no backup"),
        ({"balance": "hash"}, "needs hash"),
        ({"balance": "latency", "hash": {"by": "path"}}, "for balance: hash"),
        ({"hash": {}}, "exactly one"),
        ({"hash": {"header": "x", "by": "path"}}, "exactly one"),
        ({"hash": {"header": "x", "ttl": "1h"}}, "ttl is for a cookie"),
        ({"hash": {"cookie": "a b"}}, "cookie name"),
        ({"hash": {"by": "path", "load": 0.9}}, "greater than or equal to 1"),
        ({"health": {"tcp": True, "path": "/x"}}, "nothing is asked"),
        ({"health": {"status": ["300-200"]}}, "smaller end"),
        ({"health": {"status": [99]}}, "a status such as"),
        ({"health": {"interval": "1ms"}}, "greater than or equal"),
        ({"health": {"path": "healthz"}}, "begins with /"),
        ({"balance": "random"}, "round_robin"),
    ],
)
def test_contradictions_are_refused_with_the_reason(written, says):
    with pytest.raises(ValueError, match=says):
        service(**written)


def test_hash_says_how_to_balance_by_itself():
    assert service(hash={"cookie": "sid", "ttl": "1h"}).hash == HashDocument(cookie="sid", ttl=3600)


def test_statuses_are_numbers_and_ranges():
    assert service(health={"status": [204, "301-302"]}).health.ranges == ((204, 204), (301, 302))
