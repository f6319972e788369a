"""Schemas of OpenAPI as JSON Schema."""

import jsonschema_rs
import pytest
from tests.wire.openapi_documents import SHOP

from triplegate.wire import openapi_schema
from triplegate.wire.openapi_schema import Schemas, Unusable, is_binary, kinds_of, resolved


def test_what_3_0_says_in_its_own_way_is_said_as_json_schema_does():
    schemas = Schemas(SHOP)
    read = schemas.read({"$ref": "#/components/schemas/Order"})
    assert read == {"$ref": "#/$defs/Order"}
    order = schemas.definitions()["Order"]
    assert order["properties"]["item"] == {"type": ["string", "null"]}
    assert order["properties"]["amount"] == {"type": "number", "exclusiveMinimum": 0}
    assert order["properties"]["part"] == {"$ref": "#/$defs/Order"}
    assert order["properties"]["example"] == {"type": "string"}  # a property of that name is no example
    whole = jsonschema_rs.validator_for({**read, "$defs": schemas.definitions()})
    assert whole.is_valid({"item": None, "amount": 1, "part": {"part": {}}})
    assert not whole.is_valid({"amount": 0})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"type": "string", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        (
            {"allOf": [{"type": "object"}], "nullable": True},
            {"anyOf": [{"allOf": [{"type": "object"}]}, {"type": "null"}]},
        ),
        ({"minimum": 1, "exclusiveMinimum": False}, {"minimum": 1}),
        ({"default": {"nullable": True}, "x-own": 1, "xml": {}}, {"default": {"nullable": True}}),
        (True, True),
        ("nonsense", {}),
    ],
)
def test_keywords_one_by_one(written, read):
    assert Schemas({"openapi": "3.0.0"}).read(written) == read


def test_what_3_1_says_is_left_as_it_is():
    schema = {"type": ["string", "null"], "exclusiveMinimum": 3, "if": {"const": 1}, "prefixItems": [{"type": "null"}]}
    assert Schemas({"openapi": "3.1.0"}).read(schema) == schema


def test_references_to_other_places_stand_where_they_were_and_all_of_them_are_bounded(monkeypatch):
    document = {
        "openapi": "3.1.0",
        "components": {"schemas": {str(n): {"type": "null"} for n in range(9)}},
        "a": {"b": {"type": "string"}},
    }
    assert Schemas(document).read({"$ref": "#/a/b"}) == {"type": "string"}
    monkeypatch.setattr(openapi_schema, "_MOST", 5)
    with pytest.raises(Unusable, match="more than 5"):
        Schemas(document).read({"anyOf": [{"$ref": f"#/components/schemas/{n}"} for n in range(9)]})


def test_names_in_references_are_unescaped():
    document = {"a/b": {"c~d": {"found": True}}}
    assert resolved({"$ref": "#/a~1b/c~0d"}, document) == {"found": True}
    with pytest.raises(Unusable, match="no object"):
        resolved([], document)


def test_what_is_only_told_is_not_asked_for_and_the_other_way_round():
    document = {"openapi": "3.1.0", "components": {"schemas": {"Key": {"type": "string", "writeOnly": True}}}}
    schema = {
        "type": "object",
        "required": ["id", "key"],
        "properties": {"id": {"type": "integer", "readOnly": True}, "key": {"$ref": "#/components/schemas/Key"}},
    }
    assert Schemas(document).read(schema)["required"] == ["key"]
    assert Schemas(document, answers=True).read(schema)["required"] == ["id"]
    only = {**schema, "required": ["id"]}
    assert "required" not in Schemas(document).read(only)
    assert Schemas(document).read({"required": ["id"]}) == {"required": ["id"]}


def test_bytes_are_told_as_base64_where_they_can_be_sent():
    schemas = Schemas({"openapi": "3.0.0"})
    schema = {"type": "string", "format": "binary", "description": "A picture."}
    assert schemas.read(schema) == schema
    schemas.files = True
    assert schemas.read(schema) == {"type": "string", "contentEncoding": "base64", "description": "A picture."}


@pytest.mark.parametrize(
    ("schema", "binary"),
    [
        ({"type": "string", "format": "binary"}, True),
        ({"contentMediaType": "application/octet-stream"}, True),
        ({"type": "string", "contentMediaType": "text/plain"}, False),
        ({"type": "string", "contentMediaType": "application/json; charset=utf-8"}, False),
        ({"type": "string", "contentMediaType": "image/png", "contentEncoding": "base64"}, False),
        ({"type": "object", "contentMediaType": "image/png"}, False),
        ({"type": "string"}, False),
    ],
)
def test_what_is_a_file(schema, binary):
    assert is_binary(schema) is binary


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [
        ({"type": ["string", "null"]}, {"string"}),
        ({"$ref": "#/components/schemas/Self"}, set()),
        ({"anyOf": [{"type": "string"}, {"type": "null"}, {"items": {}}]}, {"string", "array"}),
        ({"oneOf": [{"type": "string"}, {}]}, set()),
        ({"allOf": [{}, {"properties": {}}]}, {"object"}),
        (True, set()),
    ],
)
def test_which_types_a_schema_allows(schema, kinds):
    document = {"components": {"schemas": {"Self": {"anyOf": [{"$ref": "#/components/schemas/Self"}]}}}}
    assert kinds_of(schema, document) == kinds


def test_schemas_that_grow_by_their_references_are_bounded():
    """Each of these holds the next one twice."""
    parts = {str(n): {"allOf": [{"$ref": f"#/x/{n + 1}"}] * 2} for n in range(20)}
    with pytest.raises(Unusable, match="more than 20000 schemas"):
        Schemas({"openapi": "3.1.0", "x": {**parts, "20": {}}}).read({"$ref": "#/x/0"})
