"""Which parameters a tool has, and which it cannot have."""

import pytest

from triplegate.wire.openapi_parameters import read_parameters
from triplegate.wire.openapi_schema import Schemas, Unusable
from triplegate.wire.openapi_styles import Style

LIST = {"type": "array", "items": {"type": "string"}}
OBJECT = {"type": "object"}


def read(*written, version="3.1.0"):
    document = {"openapi": version, "components": {"schemas": {"Many": LIST}}}
    properties, without = {}, []
    found = list(read_parameters(document, list(written), Schemas(document), properties, without))
    return found, properties, without


def test_each_place_has_its_usual_style():
    found, properties, _ = read(
        {"name": "a", "in": "path", "schema": LIST},
        {"name": "b", "in": "query", "schema": LIST},
        {"name": "X-C", "in": "header", "schema": LIST},
        {"name": "d", "in": "cookie", "schema": {"type": "string"}},
    )
    assert [(one.place, one.required, one.style) for one in found] == [
        ("path", True, Style("simple", explode=False)),
        ("query", False, Style("form", explode=True)),
        ("header", False, Style("simple", explode=False)),
        ("cookie", False, Style("form", explode=True)),
    ]
    assert list(properties) == ["a", "b", "X-C", "d"]


def test_styles_are_as_written():
    found, properties, _ = read(
        {"name": "a", "in": "query", "style": "pipeDelimited", "schema": LIST},
        {"name": "b", "in": "query", "allowReserved": True, "schema": {}},
        {"name": "c", "in": "cookie", "style": "cookie", "schema": LIST},
        {"name": "d", "in": "cookie", "explode": False, "schema": LIST},
        {"name": "e", "in": "query", "content": {"application/json": {"schema": OBJECT}}, "description": "Sieve."},
    )
    assert [one.style for one in found] == [
        Style("pipeDelimited", explode=False),
        Style("form", explode=True, reserved=True),
        Style("cookie", explode=True),
        Style("form", explode=False),
        Style("", explode=False, json=True),
    ]
    assert properties["e"] == {"type": "object", "description": "Sieve."}


def test_an_operations_own_stands_in_the_place_of_its_paths():
    found, _, _ = read({"name": "a", "in": "query"}, {"name": "a", "in": "query", "required": True})
    assert [one.required for one in found] == [True]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"name": "a", "in": "query", "style": "matrix"}, "style matrix"),
        ({"name": "a", "in": "querystring", "content": {}}, "stands in querystring"),
        ({"name": "a", "in": "query", "content": {"application/xml": {}}}, "written as application/xml"),
        ({"name": "a", "in": "query", "style": "deepObject", "schema": LIST}, "deepObject is for objects"),
        ({"name": "a", "in": "query", "style": "spaceDelimited", "explode": True, "schema": OBJECT}, "cannot explode"),
        ({"name": "a", "in": "cookie", "schema": {"$ref": "#/components/schemas/Many"}}, "cookie cannot be exploded"),
        ({"name": "a b", "in": "cookie"}, "cannot be a name there"),
        ({"name": "Cookie", "in": "header"}, "not a caller's"),
        ({"name": "X-Triplegate-Team", "in": "header"}, "not a caller's"),
        ({"name": "X-Real-IP", "in": "header"}, "not a caller's"),
        ({"name": "Transfer-Encoding", "in": "header"}, "not a caller's"),
        ({"name": "a", "in": "query", "schema": {"$ref": "http://169.254.169.254/"}}, "not in the document"),
    ],
)
def test_what_cannot_be_sent_is_told_and_where_it_is_needed_there_is_no_tool(written, why):
    found, properties, [told] = read(written)
    assert (found, properties) == ([], {})
    assert told.startswith(f"without its parameter {written['name']}: ")
    assert why in told
    with pytest.raises(Unusable, match=f"its parameter {written['name']}: .*{why}"):
        read({**written, "required": True})


def test_a_parameter_without_name_or_place_is_nobodys():
    for wrong in ({"in": "query"}, {"name": "a"}, {"name": 1, "in": "query"}):
        with pytest.raises(Unusable, match="without name or place"):
            read(wrong)
