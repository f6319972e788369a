"""What tools promise of their answers."""

import jsonschema_rs
import pytest

from triplegate.wire import openapi_results
from triplegate.wire.openapi_results import read_output

ITEM = {
    "type": "object",
    "required": ["id", "secret"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "secret": {"type": "string", "writeOnly": True},
        "part": {"$ref": "#/components/schemas/Item"},
    },
}


def read(responses, *, method="get", version="3.0.3", **schemas):
    document = {"openapi": version, "components": {"schemas": {"Item": ITEM, **schemas}}}
    without = []
    return read_output(document, method, {"responses": responses}, without), without


def json(schema, media="application/json"):
    return {"content": {media: {"schema": schema}}}


def test_an_object_is_promised_as_it_is():
    output, without = read({"200": json({"$ref": "#/components/schemas/Item"}), "404": json({"type": "string"})})
    assert (output.form, output.schema["type"], without) == ("object", "object", [])
    held = jsonschema_rs.validator_for(dict(output.schema))
    assert held.is_valid({"id": 1, "part": {"id": 2}})  # nobody is told what is only ever written
    assert not held.is_valid({"part": {}})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"$ref": "#/components/schemas/Item"}},
        {"type": "string"},
        {"type": "object", "nullable": True},
        {"oneOf": [{"type": "object"}, {"type": "array"}]},
        {"enum": ["a"]},
    ],
)
def test_what_is_no_object_stands_in_one(schema):
    output, _ = read({"2XX": json(schema, "application/problem+json; charset=utf-8")})
    assert (output.form, list(output.schema["properties"])) == ("wrapped", ["result"])
    assert output.schema["type"] == "object"
    jsonschema_rs.validator_for(dict(output.schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "string"}}},
        {"allOf": [{"$ref": "#/components/schemas/Item"}, {"properties": {"b": {}}}]},
        {"oneOf": [{"$ref": "#/components/schemas/Item"}, {"type": "object"}]},
    ],
)
def test_objects_are_known_by_what_is_written_within(schema):
    assert read({"200": json(schema)})[0].form == "object"


def test_several_good_answers_are_promised_together():
    one, other = {"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "object", "required": ["b"]}
    output, _ = read({200: json(one), "201": json(other), "202": json(one)})
    assert output.schema == {"anyOf": [one, other], "type": "object"}
    mixed, _ = read({"200": json(one), "201": json({"type": "array"})})
    assert mixed.form == "wrapped"


@pytest.mark.parametrize(
    "responses",
    [
        {},
        None,
        {"default": json(ITEM)},
        {"404": json(ITEM)},
        {"200": json({})},
        {"200": {"content": {"application/json": {}}}},
        {"200": json(ITEM), "204": {"description": "nothing"}},
        {"200": json(ITEM, "application/xml")},
        {"200": {"content": {"application/json": {"schema": ITEM}, "text/event-stream": {}}}},
    ],
)
def test_nothing_is_promised_of_what_may_be_no_json(responses):
    assert read(responses) == (openapi_results.NOTHING, [])


def test_what_has_no_body_promises_none():
    assert read({"200": json(ITEM)}, method="head")[0] is openapi_results.NOTHING


def test_a_promise_has_its_bound_and_leads_nowhere_else(monkeypatch):
    output, [why] = read({"200": json({"$ref": "https://example.com/x.json"})})
    assert (output.form, "not in the document" in why) == ("unknown", True)
    monkeypatch.setattr(openapi_results, "LARGEST", 100)
    output, [why] = read({"200": json({"type": "object", "description": "x" * 200})})
    assert (output.schema, why) == (None, "without its outputSchema: it has more than 100 bytes")


def test_a_schema_without_end_is_told():
    nested = {}
    for _ in range(1000):
        nested = {"allOf": [nested]}
    assert "too deep" in read({"200": json({"type": "object", "allOf": [nested]})})[1][0]
