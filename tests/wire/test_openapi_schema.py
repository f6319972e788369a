"""Schemas of OpenAPI as JSON Schema."""

import jsonschema_rs
import pytest
from tests.wire.openapi_documents import SHOP

from triplegate.wire import openapi_schema
from triplegate.wire.openapi_schema import Schemas, Unusable, resolved


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
