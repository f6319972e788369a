"""A schema that would make endless work is found by looking at it, and usual ones are not."""

import pytest

from triplegate.wire.schema_bounds import MOST_SUBSCHEMAS, why_not


def nested(levels, word="anyOf"):
    schema = {"type": "string"}
    for _ in range(levels):
        schema = {word: [schema]} if word == "anyOf" else {"properties": {"a": schema}}
    return schema


def doubling(steps):
    """Each step asks for the one before twice: 2^steps."""
    defs = {"d0": {"type": "string"}}
    for step in range(1, steps):
        defs[f"d{step}"] = {"allOf": [{"$ref": f"#/$defs/d{step - 1}"}, {"$ref": f"#/$defs/d{step - 1}"}]}
    return {"$defs": defs, "$ref": f"#/$defs/d{steps - 1}"}


TWICE = {"$defs": {"n": {"allOf": [{"properties": {"c": {"$ref": "#/$defs/n"}}}] * 2}}, "$ref": "#/$defs/n"}
TWICE_APART = {
    "$defs": {
        "n": {
            "properties": {"c": {"$ref": "#/$defs/n"}},
            "additionalProperties": {"$ref": "#/$defs/n"},
            "patternProperties": {"c": {"$ref": "#/$defs/n"}},
        }
    },
    "$ref": "#/$defs/n",
}
JSON = {
    "$defs": {
        "v": {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"$ref": "#/$defs/v"}},
                {"type": "object", "additionalProperties": {"$ref": "#/$defs/v"}},
            ]
        }
    },
    "properties": {"value": {"$ref": "#/$defs/v"}},
}
TREE = {
    "$anchor": "t",
    "properties": {"left": {"$ref": "#t"}, "right": {"$ref": "#"}, "both": {"$ref": "#/properties/left"}},
}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (nested(1000), "deeper"),
        (nested(1000, "properties"), "deeper"),
        ({"anyOf": [{"minLength": number} for number in range(MOST_SUBSCHEMAS + 1)]}, "more than"),
        (doubling(30), "one place"),
        ({"$ref": "#"}, "one place"),
        ({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}, "one place"),
        (TWICE, "one place"),
        (TWICE_APART, "one place"),
    ],
)
def test_what_explodes_is_not_used(schema, reason):
    assert reason in why_not(schema)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        nested(60),
        doubling(6),
        JSON,
        TREE,
        {"items": [{"type": "string"}], "prefixItems": [{"type": "string"}, True]},
        {"$ref": "http://127.0.0.1/x"},
        {"$ref": "#/nowhere/0"},
        {"properties": ["strange"], "allOf": "strange", "$defs": {"a": 1}, "$ref": 7},
        {"allOf": [{"if": {"minLength": 1}, "then": {"maxLength": 3}, "else": {"$ref": "#/allOf/0/then"}}]},
    ],
)
def test_usual_schemas_and_strange_ones_that_do_no_harm_pass(schema):
    assert why_not(schema) == ""
