"""Patterns of names, and what a URI may be read as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.gates.mcp.patterns import glob, readings


@pytest.mark.parametrize(
    ("patterns", "name", "fits"),
    [
        (["*"], "a.b", True),
        (["read_*"], "read_file", True),
        (["read_*"], "spread_file", False),
        (["read"], "read_file", False),
        (["a.b"], "axb", False),
        (["x", "y*z"], "y.z", True),
        (["*"], "line\nend", True),
        ([], "a", False),
    ],
)
def test_patterns_fit_whole_names(patterns, name, fits):
    assert glob(patterns)(name) is fits


@pytest.mark.parametrize("uri", ["file:///docs/a.txt", "test://static-text", "https://h.test/a/b?c=d", "urn:x:y"])
def test_a_plain_uri_has_one_reading(uri):
    assert readings(uri) == (uri,)


@pytest.mark.parametrize(
    ("uri", "meant"),
    [
        ("file:///a/../b", "file:///b"),
        ("file:///a/%2E%2e/b", "file:///b"),
        ("file:///a/%252e%252e/b", "file:///b"),
        ("FILE://HOST/a", "file://host/a"),
        ("file:///a//b", "file:///a/b"),
        ("file:\\\\\\a\\b", "file:///a/b"),
        ("file:///a/./b/", "file:///a/b/"),
        ("file:///../../etc", "file:///etc"),
        ("file:////etc", "file:///etc"),
    ],
)
def test_another_way_to_write_a_uri_is_one_of_its_readings(uri, meant):
    assert readings(uri)[0] == uri
    assert meant in readings(uri)


@given(st.text(max_size=60))
def test_whatever_is_written_can_be_read(uri):
    assert readings(uri)[0] == uri
    assert len(readings(uri)) <= 4
