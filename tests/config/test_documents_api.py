"""Services and routes."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_api import Match, RouteDocument, ServiceDocument


def test_one_service_or_several_with_weights_mean_the_same_kind_of_thing() -> None:
    one = RouteDocument.model_validate({"service": "a", "match": {"path": "/a"}})
    two = RouteDocument.model_validate({"services": [{"service": "a", "weight": 9}, {"service": "b"}], "match": [{}]})
    assert [(each.service, each.weight) for each in one.shares] == [("a", 1)]
    assert [(each.service, each.weight) for each in two.shares] == [("a", 9), ("b", 1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"match": {}},
        {"service": "a", "services": [{"service": "a"}], "match": {}},
        {"services": [{"service": "a", "weight": 0}], "match": {}},
        {"service": "a", "match": []},
        {"service": "a"},
        {"service": "a", "match": {}, "identity": "some"},
        {"service": "a", "match": {}, "price": -1},
    ],
)
def test_a_route_leads_somewhere_and_matches_something(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RouteDocument.model_validate(wrong)


@pytest.mark.parametrize(
    ("match", "same"),
    [
        ({"path": "/a"}, {"path": "/a/"}),
        ({"host": "API.example.com"}, {"host": "api.example.com"}),
        ({"methods": ["GET", "PUT"]}, {"methods": ["PUT", "GET"]}),
        ({"headers": {"X-V": "1"}}, {"headers": {"x-v": "1"}}),
    ],
)
def test_matches_that_take_the_same_calls_have_the_same_key(match: dict[str, object], same: dict[str, object]) -> None:
    assert Match.model_validate(match).key() == Match.model_validate(same).key()


def test_a_path_is_kept_as_calls_are_compared() -> None:
    assert Match(path="/caf%c3%a9/%41").path == "/caf%C3%A9/A"
    assert Match(path=r"/orders/\d+", type="regex").path == r"/orders/\d+"


def test_a_native_route_sends_its_calls_somewhere_and_a_kubernetes_one_may_not() -> None:
    nothing = {"services": [{"service": "a", "weight": 0}]}
    with pytest.raises(ValidationError):
        RouteDocument.model_validate({**nothing, "match": {}})
    assert RouteDocument.model_validate({**nothing, "match": {"section": "web"}}).shares[0].weight == 0


def test_an_exact_path_with_a_slash_is_another_path() -> None:
    assert Match(path="/a", type="exact").key() != Match(path="/a/", type="exact").key()


@pytest.mark.parametrize("host", ["*", "a.b", "*.a.b", "[::1]", "localhost", "xn--a.example"])
def test_hosts_and_wildcards_are_read(host: str) -> None:
    assert Match(host=host).host == host


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "a:80"},
        {"host": "a.*.b"},
        {"host": "*a.b"},
        {"host": ""},
        {"host": "-a.b"},
        {"path": "a"},
        {"path": ""},
        {"path": "/a/../b"},
        {"path": "/a//b"},
        {"path": "/%2e"},
        {"path": "/a?b"},
        {"path": "/a;b"},
        {"methods": ["get"]},
        {"methods": ["GET POST"]},
        {"headers": {"a b": "1"}},
        {"headers": {"a": "1\r\n"}},
        {"path": "/a%2fb"},
        {"path": "/a%zz"},
        {"type": "regex", "path": "/(a"},
        {"type": "regex", "path": "/a(?=b)"},
        {"headers": {"a": {"regex": "("}}},
        {"query": {"a": {"regex": "[z-a]"}}},
        {"query": {"a": {"pattern": "a"}}},
        {"query": {"": "a"}},
    ],
)
def test_matches_that_could_be_read_in_two_ways_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Match.model_validate(wrong)


def test_a_service_has_at_least_one_endpoint() -> None:
    with pytest.raises(ValidationError):
        ServiceDocument.model_validate({"endpoints": []})
    assert ServiceDocument.model_validate({"endpoints": ["http://h:1/"]}).endpoints == ("http://h:1",)


@pytest.mark.parametrize("host", ["keep", "upstream", "API.example.com", "a.test:8080", "[::1]:81"])
def test_a_service_is_told_a_host(host: str) -> None:
    written = {"endpoints": ["http://h:1"], "host": host}
    assert ServiceDocument.model_validate(written).host == host.lower()


@pytest.mark.parametrize(
    "more", [{"host": ""}, {"host": "a b"}, {"host": "a\r\nx: y"}, {"host": "ä"}, {"tls": {"server_name": "x"}}]
)
def test_a_service_is_told_nothing_that_could_not_be_sent(more: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ServiceDocument.model_validate({"endpoints": ["http://h:1"], **more})
    assert ServiceDocument.model_validate({"endpoints": ["http://h:1", "https://h:2"], "tls": {}}).tls is not None
