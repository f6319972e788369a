"""Which hosts two patterns have in common."""

import pytest

from triplegate.config.kubernetes.hosts import intersect, narrower


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a.test", "a.test", "a.test"),
        ("a.test", "b.test", None),
        ("*.test", "a.test", "a.test"),
        ("*.test", "a.b.test", "a.b.test"),
        ("*.a.test", "a.test", None),
        ("*.test", "*.a.test", "*.a.test"),
        ("*.test", "*.test", "*.test"),
        ("*.a.test", "*.b.test", None),
        ("*.test", "xtest", None),
    ],
)
def test_the_narrower_pattern_is_what_both_mean(one, other, expected):
    assert narrower(one, other) == narrower(other, one) == expected


def test_a_side_that_says_nothing_means_every_host():
    assert intersect(None, []) == ["*"]
    assert intersect("a.test", []) == ["a.test"]
    assert intersect(None, ["a.test", "*.b.test", "a.test"]) == ["a.test", "*.b.test"]
    assert intersect("*.test", ["a.test", "b.example", "*.test"]) == ["a.test", "*.test"]
    assert intersect("a.test", ["b.test"]) == []
