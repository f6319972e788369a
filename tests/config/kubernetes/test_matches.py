"""Matches of rules as ours have them."""

import pytest

from triplegate.config.documents_api import Match
from triplegate.config.kubernetes.matches import grpc_match, http_match, rule_matches
from triplegate.config.kubernetes.objects_routes import GrpcMatch, HttpMatch, HttpRule


def test_a_http_match_has_path_method_fields_and_parameters():
    match = {
        "path": {"type": "RegularExpression", "value": "/a.*"},
        "method": "GET",
        "headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}],
        "queryParams": [{"name": "Q", "value": "a+", "type": "RegularExpression"}],
    }
    found = http_match(HttpMatch.model_validate(match))
    assert found == {
        "type": "regex",
        "path": "/a.*",
        "methods": ["GET"],
        "headers": {"x-a": "1"},
        "query": {"Q": {"regex": "a+"}},
    }
    assert Match.model_validate(found).type == "regex"
    assert http_match(HttpMatch()) == {"type": "prefix", "path": "/"}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (None, ("prefix", "/")),
        ({}, ("prefix", "/")),
        ({"service": "shop.Orders"}, ("prefix", "/shop.Orders")),
        ({"service": "shop.Orders", "method": "Get"}, ("exact", "/shop.Orders/Get")),
        ({"method": "Get"}, ("regex", "/[^/]+/Get")),
        ({"type": "RegularExpression", "service": "shop.*"}, ("regex", "/(?:shop.*)/(?:[^/]+)")),
    ],
)
def test_a_grpc_match_is_a_path_by_post(method, expected):
    found = grpc_match(GrpcMatch.model_validate({} if method is None else {"method": method}))
    assert (found["type"], found["path"]) == expected
    assert found["methods"] == ["POST"]
    Match.model_validate(found)


def test_a_rule_stands_at_each_section_for_each_of_its_hosts():
    rule = HttpRule.model_validate({"matches": [{"path": {"value": "/a"}}, {"path": {"value": "/b"}}]})
    found = rule_matches(rule, [("s/one", ["a.test", "b.test"]), ("s/two", ["*"])])
    assert [(one["section"], one["host"], one["path"]) for one in found] == [
        ("s/one", "a.test", "/a"),
        ("s/one", "a.test", "/b"),
        ("s/one", "b.test", "/a"),
        ("s/one", "b.test", "/b"),
        ("s/two", "*", "/a"),
        ("s/two", "*", "/b"),
    ]
    assert [one["path"] for one in rule_matches(HttpRule(), [("s", ["*"])])] == ["/"]
