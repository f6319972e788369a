"""Schemas: compiled once per content, bounded in size, work and time, and never fetched from anywhere."""

import json
import socket

import pytest
from tests.builders import make_kit

from triplegate.gates.mcp import schemas as module
from triplegate.gates.mcp.call import OwnItem
from triplegate.gates.mcp.schemas import Schemas
from triplegate.wire.schemas import LARGEST, compiled

PATH = {"type": "object", "properties": {"path": {"type": "string", "pattern": "^/"}}, "required": ["path"]}


def tool(name="t", **members):
    return OwnItem(name, json.dumps({"name": name} | members).encode())


async def verdict(schema, value, size=0):
    return await Schemas(make_kit()).why_not(
        compiled(json.dumps(schema).encode()), json.dumps(value).encode() + b" " * size
    )


@pytest.mark.parametrize("size", [0, 1_000_000])
async def test_what_fits_passes_and_what_does_not_is_told_with_its_place(size):
    assert await verdict(PATH, {"path": "/a"}, size) == ""
    assert await verdict(PATH, {"path": "a"}, size) == '/path: "a" does not match "^/"'
    assert await verdict(PATH, {}, size) == '/: "path" is a required property'
    assert len(await verdict({"maxLength": 3}, "x" * 10_000, size)) < 400
    assert "/a~1b/0" in await verdict({"properties": {"a/b": {"items": {"type": "string"}}}}, {"a/b": [1]}, size)


@pytest.mark.parametrize(
    "schema",
    [
        PATH | {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        PATH | {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"$defs": {"p": PATH | {"$anchor": "p"}}, "$ref": "#p"},
        {"if": {"required": ["x"]}, "then": False, "else": PATH},
        {"properties": {"path": {"type": "string", "pattern": "^(?=/)"}}, "required": ["path"]},
    ],
)
async def test_dialects_anchors_and_conditions_are_known(schema):
    assert await verdict(schema, {"path": "/a"}) == ""
    assert await verdict(schema, {}) != ""


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"$ref": "http://127.0.0.1:9/x"}, "http://127.0.0.1:9/x"),
        ({"$ref": "file:///etc/passwd"}, "file:///etc/passwd"),
        ({"$schema": "http://evil.test/x", "type": "string"}, "evil.test"),
        ({"type": "strin"}, "strin"),
        ({"pattern": "("}, "regex"),
        ({"pattern": "(a{1000}){1000}"}, "regex"),
        ({"enum": ["x" * LARGEST]}, "larger"),
        ({"$ref": "#"}, "one place"),
    ],
)
async def test_a_schema_that_cannot_be_used_lets_nothing_pass(schema, reason):
    said = await verdict(schema, {"path": "/a"})
    assert said.startswith("the schema cannot be used: ")
    assert reason in said


async def test_nothing_is_fetched_to_understand_a_schema():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        said = await verdict({"$ref": f"http://127.0.0.1:{listening.getsockname()[1]}/x"}, {})
        assert said.startswith("the schema cannot be used: ")
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_schema_of_a_thousand_levels_or_no_json_is_broken():
    assert compiled(b'{"anyOf":[' * 1000 + b"{}" + b"]}" * 1000).broken
    assert compiled(b'{"a":' * 50_000).broken == "it is no JSON"
    assert compiled(b"{").broken == "it is no JSON"


async def test_a_pattern_that_explodes_is_given_up(monkeypatch):
    schema = {"type": "string", "pattern": "^(?=a)(a+)+$"}
    assert await verdict(schema, "a" * 5000 + "b") != ""


async def test_what_takes_too_long_fits_nothing(monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 0.0)
    assert await verdict(PATH, {"path": "/a"}, 1_000_000) == "it takes too long to compare"


async def test_one_content_is_compiled_once_however_many_tools_and_snapshots_have_it(monkeypatch):
    made = []
    monkeypatch.setattr(module, "compiled", lambda text: made.append(text) or compiled(text))
    kit = make_kit()
    first, second = Schemas(kit), Schemas(kit)
    for schemas in (first, second):
        for number in range(5):
            pair = await schemas.of(tool(f"t{number}", inputSchema=PATH, outputSchema=PATH))
            assert pair.arguments is pair.result
    assert len(made) == 1


@pytest.mark.parametrize("members", [{}, {"inputSchema": {}}, {"inputSchema": {"type": "object"}}])
async def test_a_schema_that_asks_nothing_costs_nothing(members):
    item = OwnItem("t", json.dumps({"name": "t"} | members, separators=(",", ":")).encode())
    pair = await Schemas(make_kit()).of(item)
    assert (pair.arguments, pair.result) == (None, None)


async def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_KEPT", 3)
    schemas = Schemas(make_kit())
    for number in range(10):
        await schemas.of(tool(f"t{number}", inputSchema={"maxLength": number}))
    assert len(schemas._by_item) <= 3
    assert len(schemas._compiled.by_digest) <= 3


async def test_a_large_schema_is_compiled_beside_the_loop():
    large = {"enum": ["x" * 100_000]}
    pair = await Schemas(make_kit()).of(tool(inputSchema=large))
    assert pair.arguments.validator.is_valid("x" * 100_000)
