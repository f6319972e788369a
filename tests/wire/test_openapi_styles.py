"""Values in paths, queries and cookies, as the tables of OpenAPI 3 write them."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.openapi_styles import Style, cookies, escaped, escaped_plus, pairs, path_part, simple

LIST = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}


def query(name, value, *, explode=False, quoted=escaped, **more):
    style = Style(name, explode, **more)
    return "&".join(f"{one}={text}" for one, text in pairs(style, "color", "color", value, quoted))


@pytest.mark.parametrize(
    ("style", "explode", "value", "written"),
    [
        ("simple", False, "blue", "blue"),
        ("simple", True, LIST, "blue,black,brown"),
        ("simple", False, OBJECT, "R,100,G,200,B,150"),
        ("simple", True, OBJECT, "R=100,G=200,B=150"),
        ("label", False, "blue", ".blue"),
        ("label", False, LIST, ".blue,black,brown"),
        ("label", True, LIST, ".blue.black.brown"),
        ("label", True, OBJECT, ".R=100.G=200.B=150"),
        ("matrix", False, "blue", ";color=blue"),
        ("matrix", False, LIST, ";color=blue,black,brown"),
        ("matrix", True, LIST, ";color=blue;color=black;color=brown"),
        ("matrix", False, OBJECT, ";color=R,100,G,200,B,150"),
        ("matrix", True, OBJECT, ";R=100;G=200;B=150"),
    ],
)
def test_paths(style, explode, value, written):
    assert path_part(Style(style, explode), "color", "color", value) == written


@pytest.mark.parametrize(
    ("style", "explode", "value", "written"),
    [
        ("form", True, "blue", "color=blue"),
        ("form", False, "", "color="),
        ("form", False, LIST, "color=blue,black,brown"),
        ("form", True, LIST, "color=blue&color=black&color=brown"),
        ("form", False, OBJECT, "color=R,100,G,200,B,150"),
        ("form", True, OBJECT, "R=100&G=200&B=150"),
        ("spaceDelimited", False, LIST, "color=blue%20black%20brown"),
        ("spaceDelimited", False, OBJECT, "color=R%20100%20G%20200%20B%20150"),
        ("spaceDelimited", True, LIST, "color=blue&color=black&color=brown"),
        ("pipeDelimited", False, LIST, "color=blue%7Cblack%7Cbrown"),
        ("pipeDelimited", False, OBJECT, "color=R%7C100%7CG%7C200%7CB%7C150"),
        ("deepObject", True, OBJECT, "color[R]=100&color[G]=200&color[B]=150"),
        ("form", True, [], ""),
        ("form", False, [], ""),
        ("deepObject", True, {}, ""),
        ("form", True, {"a": None, "b": True}, "b=true"),
    ],
)
def test_queries(style, explode, value, written):
    assert query(style, value, explode=explode) == written


def test_what_is_said_never_becomes_more_than_a_value():
    assert query("form", "a b&c=d#ü") == "color=a%20b%26c%3Dd%23%C3%BC"
    assert query("form", ["a,b", "c"]) == "color=a%2Cb,c"
    assert query("form", "a/b?c=d&e=f#g h+i", reserved=True) == "color=a/b?c=d%26e=f%23g%20h%2Bi"
    assert query("deepObject", {"a]=b&c": "d"}) == "color[a]%3Db%26c]=d"
    assert query("form", {"a": [1, {"b": 2}]}, json=True) == "color=%7B%22a%22%3A%5B1%2C%7B%22b%22%3A2%7D%5D%7D"
    assert query("form", "a b&c", quoted=escaped_plus) == "color=a+b%26c"
    assert path_part(Style("simple", explode=False), "n", "n", ["a,b", "c;d"]) == "a%2Cb,c%3Bd"


@pytest.mark.parametrize(
    ("style", "explode", "value"),
    [
        ("deepObject", True, "blue"),
        ("deepObject", True, LIST),
        ("deepObject", True, {"a": {"b": 1}}),
        ("form", True, [[1]]),
        ("form", False, [{"a": 1}]),
        ("spaceDelimited", True, OBJECT),
    ],
)
def test_what_a_style_has_no_way_to_write_is_refused_by_name(style, explode, value):
    with pytest.raises(Refusal, match="'color'"):
        query(style, value, explode=explode)


@pytest.mark.parametrize("style", ["simple", "label", "matrix"])
@pytest.mark.parametrize("value", ["..", ".", "", "a/b", "a\\b", "a\nb", ["a", ".."], {"..": "a"}, [], {}])
def test_nothing_in_a_path_leads_elsewhere(style, value):
    for explode in (True, False):
        with pytest.raises(Refusal, match="cannot stand in a path"):
            path_part(Style(style, explode), "n", "n", value)


def test_json_stands_in_a_path_where_it_may():
    style = Style("", explode=False, json=True)
    assert path_part(style, "n", "n", {"a": [1]}) == "%7B%22a%22%3A%5B1%5D%7D"
    with pytest.raises(Refusal, match="cannot stand in a path"):
        path_part(style, "n", "n", "a/b")


@pytest.mark.parametrize(
    ("style", "value", "written"),
    [
        (Style("form", explode=True), 'a b;"c', ["id=a%20b%3B%22c"]),
        (Style("form", explode=False), ["a,b", "c"], ["id=a%2Cb,c"]),
        (Style("form", explode=False), {"a": 1}, ["id=a,1"]),
        (Style("cookie", explode=True), ["a", "b"], ["id=a", "id=b"]),
        (Style("cookie", explode=True), {"a": "b"}, ["a=b"]),
        (Style("cookie", explode=False), ["a", "b"], ["id=a,b"]),
        (Style("", explode=False, json=True), {"a": 1}, ["id=%7B%22a%22%3A1%7D"]),
    ],
)
def test_cookies(style, value, written):
    assert list(cookies(style, "id", "id", value)) == written


@pytest.mark.parametrize(
    ("style", "value"),
    [
        (Style("form", explode=True), ["a"]),
        (Style("form", explode=True), {"a": "b"}),
        (Style("cookie", explode=True), "a; admin=1"),
        (Style("cookie", explode=True), {"a; b": "c"}),
        (Style("cookie", explode=True), {"a=b": "c"}),
        (Style("cookie", explode=True), {"": "c"}),
        (Style("cookie", explode=True), "ü"),
    ],
)
def test_a_cookie_is_never_two(style, value):
    with pytest.raises(Refusal, match="'id'"):
        list(cookies(style, "id", "id", value))


def test_headers_are_simple():
    assert simple(OBJECT, "x", explode=True) == "R=100,G=200,B=150"
    assert simple([1, None, False], "x", explode=False) == "1,,false"
