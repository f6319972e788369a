"""Which bodies a tool can send, and how members of forms are written."""

import pytest

from triplegate.wire.openapi_bodies import BYTES, FILES, FORM, JSON, Field, read_body
from triplegate.wire.openapi_schema import BINARY, Schemas, Unusable
from triplegate.wire.openapi_styles import Style

FILE = {"type": "string", "format": "binary"}
TEXT = {"type": "string"}


def read(content, *, required=False, version="3.1.0", schemas=None):
    document = {"openapi": version, "components": {"schemas": schemas or {}}}
    properties, without = {}, []
    body = read_body(document, {"content": content, "required": required}, Schemas(document), properties, without)
    return body, properties.get("body"), without


def form(properties, encoding=None, media=FILES, **more):
    schema = {"type": "object", "properties": properties}
    return read({media: {"schema": schema, **({"encoding": encoding} if encoding else {})}}, **more)


def test_of_several_kinds_the_one_that_says_most_is_taken():
    body, schema, without = read({"application/xml": {}, FORM: {}, FILES: {}, JSON: {"schema": {"type": "integer"}}})
    assert (body.media, body.required, schema, without) == (JSON, False, {"type": "integer"}, [])
    assert (
        read({FORM: {}, "application/merge-patch+json; charset=utf-8": {}})[0].media == "application/merge-patch+json"
    )
    assert read({FORM: {}, FILES: {}})[0].media == FILES
    assert read({FILES: {"itemSchema": {}}, FORM: {}})[0].media == FORM


def test_bytes_are_told_as_base64():
    assert read({BYTES: {"schema": FILE}})[:2][1] == BINARY
    assert read({BYTES: {}})[1] == BINARY
    assert read({JSON: {"schema": FILE}})[1] == FILE


def test_files_of_a_form_are_found_wherever_the_schema_has_them():
    parts = {
        "Picture": {"type": "string", "contentMediaType": "image/png"},
        "Base": {"type": "object", "properties": {"picture": {"$ref": "#/components/schemas/Picture"}}},
    }
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Base"},
            {
                "type": "object",
                "properties": {
                    "one": FILE,
                    "some": {"type": "array", "items": FILE},
                    "either": {"anyOf": [FILE, {"type": "array", "items": FILE}, {"type": "null"}]},
                    "name": TEXT,
                    "note": {"type": "string", "contentMediaType": "application/json"},
                    "hash": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"},
                },
            },
        ]
    }
    body, told, _ = read({FILES: {"schema": schema}}, schemas=parts)
    assert body.fields == dict.fromkeys(["picture", "one", "some", "either"], Field(file=True))
    mine = told["allOf"][1]["properties"]
    assert mine["one"] == mine["some"]["items"] == mine["either"]["anyOf"][0] == BINARY
    assert (mine["name"], "contentMediaType" in mine["note"]) == (TEXT, True)


def test_parts_have_the_types_that_are_written():
    body, _, _ = form(
        {"a": FILE, "b": FILE, "c": {"type": "object"}, "d": TEXT, "e": TEXT, "f": TEXT},
        {
            "a": {"contentType": "image/png"},
            "b": {"contentType": "image/png, image/jpeg"},
            "c": {"contentType": "application/json; charset=utf-8"},
            "d": {"contentType": "text/*"},
            "e": {"style": "form"},
            "f": {"contentType": "application/sdp"},
        },
    )
    assert body.fields == {
        "a": Field("image/png", file=True),
        "b": Field(file=True),
        "c": Field("application/json; charset=utf-8"),
        "f": Field("application/sdp"),
    }


def test_members_of_an_urlencoded_form_have_the_style_that_is_written():
    body, _, _ = form(
        {"a": {"type": "array"}, "b": {"type": "object"}, "c": {"type": "array"}},
        {"a": {"explode": False}, "b": {"style": "deepObject"}},
        FORM,
    )
    assert body.fields == {
        "a": Field(style=Style("form", explode=False)),
        "b": Field(style=Style("deepObject", explode=False)),
    }


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda **more: read({"application/xml": {}, "image/*": {}}, **more), r"it is application/xml, image/\*"),
        (lambda **more: read({}, **more), "of no media type"),
        (lambda **more: read({FILES: {"prefixEncoding": []}}, **more), "prefixEncoding"),
        (lambda **more: read({FILES: {"schema": {"type": "array"}}}, **more), "no object"),
        (lambda **more: form({"a": FILE}, media=FORM, **more), "field a: it is a file"),
        (lambda **more: form({"a": {"oneOf": [FILE, TEXT]}}, **more), "field a: it is a file or a text"),
        (lambda **more: form({"a": {"type": "object"}}, {"a": {"contentType": "a/xml"}}, **more), "a/xml"),
        (lambda **more: form({"a": {}}, {"a": {"contentType": "image/png"}}, **more), "image/png"),
        (lambda **more: form({"a": FILE}, {"a": {"contentType": "a/b\r\nx: y"}}, **more), "field a"),
        (lambda **more: form({"a": FILE}, {"a": {"headers": {"X-Part": {}}}}, **more), "the header X-Part"),
        (lambda **more: form({"a": TEXT}, {"a": {"style": "deepObject"}}, **more), "no style"),
        (lambda **more: form({"a": TEXT}, {"a": {"style": "matrix"}}, FORM, **more), "style matrix"),
        (lambda **more: read({JSON: {"schema": {"$ref": "other.json"}}}, **more), "not in the document"),
    ],
)
def test_what_cannot_be_sent_is_told_and_where_it_is_needed_there_is_no_tool(made, why):
    body, schema, [told] = made()
    assert (body, schema) == (None, None)
    assert told.startswith("without its body: ")
    with pytest.raises(Unusable, match=why):
        made(required=True)


def test_of_3_0_the_style_of_a_part_means_nothing():
    body, _, _ = form({"a": TEXT}, {"a": {"style": "deepObject"}}, version="3.0.3")
    assert body.fields == {}


def test_no_body_is_none():
    document = {"openapi": "3.1.0"}
    assert read_body(document, None, Schemas(document), {}, []) is None


def test_a_parameter_of_that_name_does_not_lose_its_own():
    document = {"openapi": "3.1.0"}
    properties = {"body": {}}
    assert read_body(document, {"content": {JSON: {}}}, Schemas(document), properties, []).key == "request_body"
