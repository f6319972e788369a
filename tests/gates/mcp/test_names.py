"""Names of tools: unique, short, allowed, and stable whatever else is configured."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.gates.mcp.names import expose, expose_bare, expose_uri, full_name, hashed, may_begin, read_uri

ALIASES = st.from_regex(r"[A-Za-z0-9](?:_?[A-Za-z0-9-]){0,31}", fullmatch=True)
SERVERS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
TOOLS = st.one_of(st.from_regex(r"[A-Za-z0-9_./-]{1,80}", fullmatch=True), st.text(min_size=1, max_size=80))


@pytest.mark.parametrize(
    ("alias", "tool", "name"),
    [
        ("files", "read", "files__read"),
        ("a-b", "x.y/z", "a-b__x.y/z"),
        ("a", "_b", "a___b"),
        ("a_b", "c__d", "a_b__c__d"),
    ],
)
def test_usual_names_are_alias_and_tool(alias, tool, name):
    assert expose(alias, tool) == name == full_name(alias, tool)


@pytest.mark.parametrize(
    ("alias", "tool"), [("files", "t" * 58), ("files", "grüße"), ("files", "a b"), ("a__b", "c"), ("a_", "c")]
)
def test_unusual_names_end_with_a_hash(alias, tool):
    assert re.fullmatch(r"[A-Za-z0-9_./-]{1,55}_[0-9a-f]{8}", expose(alias, tool))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.one_of(ALIASES, SERVERS), TOOLS), unique=True, max_size=30))
def test_names_are_unique_allowed_and_depend_on_nothing_else(pairs):
    names = [expose(alias, tool) for alias, tool in pairs]
    assert len(set(names)) == len(names)
    for (alias, _), name in zip(pairs, names, strict=True):
        assert re.fullmatch(r"[A-Za-z0-9_./-]{1,64}", name)
        assert may_begin(name, alias)


def test_two_tools_that_would_read_alike_get_two_names():
    assert expose("a__b", "c") != expose("a", "b__c")
    assert expose("a", "x" * 70) != expose("a", "x" * 71)


@pytest.mark.parametrize(
    ("own", "shown"), [("a://a/b", "mcp+files:a://a/b"), ("ui://a/b", "ui://files.mcp/a/b"), ("b", "mcp+files:b")]
)
def test_a_uri_of_two_servers_says_whose_it_is(own, shown):
    assert expose_uri("files", own) == shown
    assert read_uri(shown) == ("files", own)


@pytest.mark.parametrize(
    "uri", ["ui://a/b", "ui://a.mcp", "ui://a.mcp/", "ui://", "mcp+files:", "mcp+files", "files:a", ""]
)
def test_any_other_uri_says_nothing(uri):
    assert read_uri(uri) is None


def test_a_bare_name_is_the_tools_own_unless_clients_would_refuse_it():
    assert expose_bare("a", "read") == "read"
    assert expose_bare("a", "a b") == hashed("a b", "a", "a b") != expose_bare("b", "a b")


SEPARATORS = st.from_regex(r"[._/-]{1,3}", fullmatch=True)


@settings(max_examples=40)
@given(SEPARATORS, st.lists(st.tuples(st.one_of(ALIASES, SERVERS), TOOLS), unique=True, max_size=20))
def test_names_are_unique_whatever_stands_between(separator, pairs):
    names = [expose(alias, tool, separator) for alias, tool in pairs]
    assert len(set(names)) == len(names)
    assert all(may_begin(name, alias, separator) for (alias, _), name in zip(pairs, names, strict=True))
