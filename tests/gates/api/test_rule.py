"""What one match takes of a request beside host and path."""

import pytest

from triplegate.gates.api.rule import Rule
from triplegate.wire.pattern import pattern
from triplegate.wire.query import Query


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ([(b"v", b"v12")], True),
        ([(b"v", b"v12"), (b"v", b"x")], True),
        ([(b"v", b"x"), (b"v", b"v12")], False),
        ([(b"v", b"av12")], False),
        ([], False),
    ],
)
def test_a_header_may_be_told_by_an_expression(given, fits):
    rule = Rule("r", "*", "/", False, headers=((b"v", pattern("v[0-9]+")), (b"a", b"1")))
    assert not rule.plain
    assert rule.fits("GET", [*given, (b"a", b"1")]) is fits
    assert not rule.fits("GET", given)


@pytest.mark.parametrize(
    ("raw", "fits"),
    [
        (b"tag=b%20c&page=3", True),
        (b"page=3&tag=b+c", True),
        (b"tag=b+c&page=x", False),
        (b"tag=x&tag=b+c&page=3", False),
        (b"page=3", False),
        (b"", False),
    ],
)
def test_query_parameters_are_compared_decoded(raw, fits):
    rule = Rule("r", "*", "/", False, query=(("tag", "b c"), ("page", pattern("[0-9]+"))))
    assert rule.fits("GET", [], Query(raw)) is fits


def test_a_rule_may_be_reachable_on_some_listeners_only():
    rule = Rule("r", "*", "/", False, listeners=frozenset({"inner"}))
    assert rule.fits("GET", [], None, "inner")
    assert not rule.fits("GET", [], None, "data")
    assert not rule.fits("GET", [])


def test_methods_and_exact_headers_are_all_that_a_plain_rule_looks_at():
    rule = Rule("r", "*", "/", False, frozenset({"GET"}), ((b"a", b"1"),))
    assert rule.plain
    assert rule.fits("GET", [(b"a", b"1")])
    assert not rule.fits("PUT", [(b"a", b"1")])
