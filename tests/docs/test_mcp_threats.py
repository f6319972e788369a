"""Every threat of the page has tests, and they exist."""

import ast
import re
from pathlib import Path

import pytest
from tests.docs.reference import DOCS

ROOT = Path(__file__).parents[2]
ROWS = [
    line.split("|")[1:-1]
    for line in (DOCS / "mcp-threats.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| threat ")
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip() for row in ROWS])
def test_a_threat_is_tried_by_tests_that_exist(row):
    named = NAMED.findall(row[2])
    assert named
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}, (
            name
        )


def test_no_threat_was_left_out():
    assert len(ROWS) >= 18
