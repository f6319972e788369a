"""Schemas ready for use: none that is broken, and what does not fit is told by the rule, never by the value."""

import json

import pytest

from triplegate.wire.schemas import broken_rule, compiled, faults

ADDRESS = {
    "type": "object",
    "properties": {"zip": {"type": "string", "pattern": "^[0-9]{5}$"}, "tags": {"items": {"maxLength": 3}}},
    "required": ["zip"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ({"zip": "12345"}, ""),
        ({"zip": "hunter2"}, "it breaks the rule at /properties/zip/pattern"),
        ({}, "it breaks the rule at /required"),
        ({"zip": "12345", "hunter2": 1}, "it breaks the rule at /additionalProperties"),
        ({"zip": "12345", "tags": ["hunter2"]}, "it breaks the rule at /properties/tags/items/maxLength"),
        ([], "it breaks the rule at /type"),
    ],
)
def test_the_rule_is_told_and_nothing_of_the_value(value, rule):
    validator = compiled(json.dumps(ADDRESS).encode()).validator
    raw = json.dumps(value).encode()
    assert broken_rule(validator, raw) == rule
    assert bool(faults(validator, raw)) is bool(rule)


@pytest.mark.parametrize("raw", [b"", b"hunter2", b"{", b'{"a": NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_told_as_that(raw):
    assert broken_rule(compiled(json.dumps(ADDRESS).encode()).validator, raw) == "it is no JSON"
