"""Expressions are RE2: linear, checked when they are read."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.wire.pattern import leading_elements, pattern


def test_all_of_the_text_must_fit() -> None:
    found = pattern("/orders/[0-9]+")
    assert found.fullmatch("/orders/12") is not None
    assert found.fullmatch("/orders/12/x") is None
    assert found.fullmatch("x/orders/12") is None
    assert pattern("v[0-9]").fullmatch(b"v1") is not None
    assert pattern("v.").fullmatch(b"v\xff") is None  # not UTF-8: it is not what was meant


@pytest.mark.parametrize("wrong", ["(", "a(?=b)", r"(a)\1", "[z-a]", "a{1,100000}", "x" * 1025])
def test_what_is_no_linear_expression_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"RE2|at most 1024"):
        pattern(wrong)


def test_an_expression_that_others_choke_on_is_quick() -> None:
    assert pattern("(a|aa)+b").fullmatch("a" * 8000) is None


def test_the_library_is_loaded_with_the_first_expression_only() -> None:
    code = (
        "import sys, triplegate.gateway; assert 're2' not in sys.modules;"
        "from triplegate.wire.pattern import pattern; pattern('a'); assert 're2' in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("/orders/[0-9]+", ["orders"]),
        ("/api/v1/orders/.*", ["api", "v1", "orders"]),
        (r"/v1\.2/x(a|b)", ["v1.2"]),
        ("/a/b", ["a"]),
        ("/a/?", []),
        ("/a/*", []),
        ("/a/b/?c", ["a"]),
        ("/a/b?/c", ["a"]),
        (r"/a/\.{2}", ["a"]),
        (r"/a\/b/c", ["a", "b"]),
        ("/a/b|/c", []),
        ("/a/(b|c)|d", []),
        ("/a/[|]b", ["a"]),
        (r"/a/\|b", ["a"]),
        ("/a/[]|]b", ["a"]),
        (r"/a/\Qb|c\E", []),
        ("(?i)/a/b", []),
        (".*", []),
        ("/", []),
        ("", []),
        ("//a", []),
        ("/{0,1}a/b", []),
    ],
)
def test_what_every_fitting_path_begins_with_is_known(text: str, elements: list[str]) -> None:
    assert leading_elements(text) == elements


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from([*"/ab.*?+|()[]^$1", "{2}", r"\.", r"\/", "(?i)", "[|]", ".*"]), max_size=9).map("".join),
    st.lists(st.sampled_from(["a", "b", "ab", "aa", "1", ".", "A"]), max_size=4).map(
        lambda parts: "/" + "/".join(parts)
    ),
)
def test_no_fitting_path_begins_with_anything_else(text: str, path: str) -> None:
    try:
        compiled = pattern("/" + text)
    except ValueError:
        return
    elements = leading_elements("/" + text)
    if compiled.fullmatch(path) is not None:
        assert path.strip("/").split("/")[: len(elements)] == elements
