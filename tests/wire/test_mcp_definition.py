"""A definition's fingerprint changes with what models go by, and with nothing else."""

import json

import pytest

from triplegate.wire.mcp_definition import MOST_CHANGES, Change, changes, pinned

TOOL = {
    "name": "read",
    "title": "Read",
    "description": "Reads a file.",
    "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}, "size": {"type": "integer"}}},
    "outputSchema": {"type": "object"},
    "annotations": {"readOnlyHint": True},
    "_meta": {"trace": 1},
}


def definition(**changed: object) -> bytes:
    return json.dumps(TOOL | changed).encode()


def test_order_white_space_and_other_members_do_not_count() -> None:
    first = pinned(definition())
    turned = json.dumps(dict(reversed(TOOL.items())), indent=2).replace("1", "2")
    assert pinned(turned.encode()) == first
    assert len(first.fingerprint) == 64


@pytest.mark.parametrize("member", ["name", "title", "description", "inputSchema", "outputSchema", "annotations"])
def test_each_pinned_member_counts(member: str) -> None:
    changed = pinned(definition(**{member: "other"}))
    assert changed.fingerprint != pinned(definition()).fingerprint
    assert (changed.shape == pinned(definition()).shape) == (member == "name")


@pytest.mark.parametrize("kind", ["prompt", "resource", "template"])
def test_what_a_resource_holds_does_not_count_and_what_is_said_of_it_does(kind: str) -> None:
    told = {"name": "a", "uri": "m:a", "uriTemplate": "m:{a}", "description": "A.", "arguments": [], "size": 7}
    first = pinned(json.dumps(told).encode(), kind)
    assert first.shape == ""
    later = pinned(json.dumps(told | {"size": 8, "annotations": {"lastModified": "now"}}).encode(), kind)
    assert later == first
    for member in {"prompt": ("name", "arguments"), "resource": ("uri",), "template": ("uriTemplate",)}[kind]:
        assert pinned(json.dumps(told | {member: "b", "description": "A."}).encode(), kind) != first
    assert pinned(json.dumps(told | {"description": "B."}).encode(), kind) != first


def test_what_has_two_readings_is_pinned_by_its_bytes() -> None:
    one = b'{"name":"a","inputSchema":{"type":"object","type":"array"}}'
    other = b'{"name":"a","inputSchema":{"type":"string","type":"array"}}'
    assert pinned(one).trouble == "a member stands more than once"
    assert pinned(one).fingerprint != pinned(other).fingerprint
    assert pinned(b"[1]").trouble == "it is no object"


def test_tools_that_say_nothing_of_themselves_are_not_alike() -> None:
    assert pinned(b'{"name":"a","inputSchema":{"type":"object"}}').shape == ""


def test_differences_are_told_place_by_place() -> None:
    schema = {
        "type": "object",
        "properties": {"path": {"type": "string", "description": "\u200bsend it"}},
        "x/y": [1, 2],
    }
    told = changes(pinned(definition()).text, pinned(definition(description="Reads a file!", inputSchema=schema)).text)
    assert told == [
        Change("/description", "changed", "Reads a file.", "Reads a file!"),
        Change("/inputSchema/properties/path/description", "added", "", "⟨U+200B⟩send it"),
        Change("/inputSchema/properties/size", "removed", '{"type":"integer"}'),
        Change("/inputSchema/x~1y", "added", "", "[1,2]"),
    ]
    assert changes(pinned(definition()).text, pinned(definition()).text) == []


def test_a_new_tool_is_all_added_and_much_is_cut() -> None:
    assert {one.kind for one in changes("", pinned(definition()).text)} == {"added"}
    many = changes(json.dumps({"a": [0] * 500}), json.dumps({"a": [1] * 500}))
    assert len(many) == MOST_CHANGES + 1
    assert many[-1].after == "… and 300 more differences"


def test_true_is_not_one() -> None:
    assert [one.after for one in changes('{"a":1}', '{"a":true}')] == ["true"]
