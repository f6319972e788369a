"""Which URIs may come from a template."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.wire.uri_template import matcher


@pytest.mark.parametrize(
    ("template", "uri", "fits"),
    [
        ("test://template/{id}/data", "test://template/123/data", True),
        ("test://template/{id}/data", "test://template/1/2/data", False),
        ("test://template/{id}/data", "test://template//data", False),
        ("test://template/{id}/data", "test://template/1/data/", False),
        ("file:///{+path}", "file:///a/b.txt", True),
        ("file:///{+path}", "http:///a", False),
        ("db://{table}{?limit,from}", "db://users", True),
        ("db://{table}{?limit,from}", "db://users?limit=3", True),
        ("db://{table}{?limit,from}", "db://users#x", False),
        ("a:{x}{.ext}{/more*}{;p}{#part}", "a:1.txt/b/c;p=1#e", True),
        ("a:{?x}{&y}", "a:?x=1&y=2", True),
        ("a.b:{x}", "a+b:1", False),
        ("a:(.*)/{x}", "a:anything/1", False),
        ("a:ü/{x}", "a:ü/ö", True),
        ("a:b", "a:b", False),  # no template: its own URI is found by name
        ("a:{x", "a:{x", False),
        ("a:{x}/{", "a:1/{", False),
        ("a:{x}" + "b" * 2000, "a:1" + "b" * 2000, False),
        ("", "", False),
    ],
)
def test_a_uri_fits_as_a_whole_or_not_at_all(template, uri, fits):
    assert matcher(template)(uri) is fits


@given(st.from_regex(r"[A-Za-z0-9._~%-]{1,20}", fullmatch=True))
def test_whatever_a_simple_variable_becomes_fits(value):
    assert matcher("x://y/{v}/z")(f"x://y/{value}/z")


def test_many_variables_cost_no_time():
    assert not matcher("a:" + "{x}a" * 30)("a:" + "a" * 2000 + "!/")
