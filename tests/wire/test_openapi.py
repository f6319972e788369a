"""OpenAPI documents as tools: what is taken over, and what cannot be a tool."""

import json

import jsonschema_rs
import pytest
from tests.golden.recordings import _folder
from tests.wire.openapi_documents import SHOP

from triplegate.gates.mcp.route_tools import read_document
from triplegate.wire import openapi, openapi_results
from triplegate.wire.openapi import operations

FOLDER = _folder()
DOCUMENTS = None if FOLDER is None else FOLDER.parents[1] / "data" / "openapi"


def tools(document, left_out=None):
    found = list(operations(document, [] if left_out is None else left_out))
    return {each.name: (each, json.loads(each.definition)) for each in found}


def document(operation, path="/x", **item):
    return {"openapi": "3.1.0", "paths": {path: {"get": operation, **item}}}


def test_operations_have_names_schemas_and_hints():
    found = tools(SHOP)
    assert list(found) == ["listOrders", "create_order", "upload", "get_orders_id", "form", "drop", "note"]
    listed, created = found["listOrders"][1], found["create_order"][1]
    assert listed["description"] == "List orders"
    assert list(listed["inputSchema"]["properties"]) == ["state", "filter", "ids", "X-Trace"]
    assert listed["annotations"] == {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True}
    assert created["inputSchema"]["required"] == ["body"]
    assert list(created["inputSchema"]["$defs"]) == ["Order"]
    assert found["drop"][1]["annotations"] == {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True}
    assert list(found["drop"][1]["inputSchema"]["properties"]) == ["path_id", "query_id"]
    uploaded = found["upload"][1]
    assert uploaded["inputSchema"]["required"] == ["tenant", "body"]
    assert uploaded["inputSchema"]["properties"]["body"]["properties"]["picture"] == {
        "type": "string",
        "contentEncoding": "base64",
    }
    assert ("$ref" in created["outputSchema"], list(created["outputSchema"]["$defs"])) == (True, ["Made", "Order"])
    assert uploaded["outputSchema"]["properties"] == {"result": {"type": "array", "items": {"type": "integer"}}}
    for _, definition in found.values():
        jsonschema_rs.validator_for(definition["inputSchema"])


def test_what_is_left_out_of_a_tool_is_told():
    """Nothing is dropped in silence; `Accept` and the like are no parameters, as OpenAPI says."""
    said = {
        "parameters": [
            {"name": "X-Forwarded-For", "in": "header"},
            {"name": "Accept", "in": "header", "required": True},
            {"name": "X-Request-Id", "in": "header", "required": True},
        ],
        "requestBody": {"content": {"application/xml": {}}},
        "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/nowhere"}}}}},
    }
    faults = []
    [(operation, definition)] = tools(document(said), faults).values()
    assert (operation.parameters, operation.body, definition["inputSchema"]["properties"]) == ((), None, {})
    assert faults == [
        "GET /x is a tool without its parameter X-Forwarded-For: this field is not a caller's to say",
        "GET /x is a tool without its body: it is application/xml",
        "GET /x is a tool without its outputSchema: it refers to #/nowhere, which is not there",
    ]


def test_tools_say_what_they_answer_unless_they_are_not_to():
    said = {"responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}}}
    [(operation, definition)] = tools(document(said)).values()
    assert (operation.output, definition["outputSchema"]) == ("object", {"type": "object"})
    [operation] = operations(document(said), [], outputs=False)
    assert (operation.output, "outputSchema" in json.loads(operation.definition)) == ("unknown", False)


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (
            {"parameters": [{"name": "a", "in": "path", "schema": {"$ref": "http://169.254.169.254/x"}}]},
            "not in the document",
        ),
        ({"parameters": [{"$ref": "other.yaml#/a"}]}, "not in the document"),
        ({"parameters": [{"$ref": "#/components/parameters/gone"}]}, "not there"),
        ({"parameters": [{"name": "id", "in": "path"}]}, "names other parameters"),
        ({"parameters": [{"in": "query"}]}, "without name"),
        ({"parameters": [{"name": "a", "in": "query", "schema": {"description": "x" * 200_000}}]}, "more than"),
    ],
)
def test_an_operation_that_could_not_be_called_is_left_out_and_the_reason_is_told(operation, why):
    left_out = []
    assert tools(document(operation, post={"operationId": "other"}), left_out).keys() == {"other"}
    [told] = left_out
    assert told.startswith("no tool for GET /x: ")
    assert why in told


def test_a_schema_without_end_is_left_out():
    nested = {}
    for _ in range(1000):
        nested = {"anyOf": [nested]}
    left_out = []
    assert (
        tools(document({"parameters": [{"name": "a", "in": "query", "required": True, "schema": nested}]}), left_out)
        == {}
    )
    assert "too deep" in left_out[0]


def test_references_in_a_circle_are_found_out():
    circle = document({"parameters": [{"$ref": "#/components/parameters/a"}]})
    circle["components"] = {
        "parameters": {"a": {"$ref": "#/components/parameters/b"}, "b": {"$ref": "#/components/parameters/a"}}
    }
    left_out = []
    assert tools(circle, left_out) == {}
    assert "circle" in left_out[0]


@pytest.mark.parametrize("wrong", [None, [], {"swagger": "2.0"}, {"openapi": 3}, {"openapi": "4.0.0"}])
def test_what_is_no_openapi_3_is_refused(wrong):
    with pytest.raises(ValueError, match="OpenAPI 3"):
        list(operations(wrong, []))


@pytest.mark.parametrize("path", ["/x?beta=true", "x", "https://example.com/x"])
def test_a_path_is_nothing_else(path):
    faults = []
    assert tools(document({}, path), faults) == {}
    assert faults == [f"no tool for GET {path}: its path is none, or more than one"]
    [(operation, _)] = tools(document({}, "/x#copy")).values()
    assert (operation.name, operation.path) == ("get_x_copy", "/x")


def test_two_of_one_name_are_told_apart():
    twice = document({"operationId": "same"}, post={"operationId": "same"})
    assert list(tools(twice)) == ["same", "same_2"]


@pytest.mark.skipif(DOCUMENTS is None or not DOCUMENTS.is_dir(), reason="no documents here (TRIPLEGATE_SHARED)")
@pytest.mark.parametrize(
    ("name", "count", "objects", "wrapped"),
    [
        ("petstore.yaml", 3, 1, 1),
        ("uspto.yaml", 3, 1, 2),
        ("tictactoe-3.1.yaml", 3, 1, 1),
        *[
            pytest.param(*each, marks=[pytest.mark.long, pytest.mark.timeout(60)])
            for each in (
                ("discord-v10.json", 242, 135, 40),
                ("box-v2.json", 296, 238, 0),
                ("twilio-messaging-v1.yaml", 58, 47, 0),
            )
        ],
    ],
)
def test_real_documents_become_tools_with_valid_schemas(name, count, objects, wrapped):
    faults = []
    found = tools(read_document(DOCUMENTS / name), faults)
    forms = [operation.output for operation, _ in found.values()]
    assert (faults, len(found)) == ([], count)
    assert (forms.count("object"), forms.count("wrapped")) == (objects, wrapped)
    for operation, definition in found.values():
        assert len(operation.definition) <= openapi.LARGEST + openapi_results.LARGEST
        jsonschema_rs.validator_for(definition["inputSchema"])
        if "outputSchema" in definition:
            assert definition["outputSchema"]["type"] == "object"
            jsonschema_rs.validator_for(definition["outputSchema"])
