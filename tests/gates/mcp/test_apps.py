"""What a tool wants shown, read from its definition and put back into it."""

import pytest

from triplegate.gates.mcp.apps import ui_of, with_ui


@pytest.mark.parametrize(
    ("definition", "uri"),
    [
        (b'{"name":"t","_meta":{"ui":{"resourceUri":"ui://a/b","x":1}}}', "ui://a/b"),
        (b'{"name":"t","_meta":{"ui/resourceUri":"ui://a/b"}}', "ui://a/b"),
        (b'{"name":"t","_meta":{"ui":{"resourceUri":"https://a"}},"d":"ui://"}', ""),
        (b'{"name":"t","description":"shows ui://a/b"}', ""),
        (b'{"name":"t","_meta":["ui://a"]}', ""),
        (b'{"name":"t","_meta":{"ui":{"resourceUri":["ui://a"]}}}', ""),
        (b'{"name":"t"}', ""),
        (b'{"_meta":{"ui":{"resourceUri":"ui://a"},"ui":{}}}', ""),
    ],
)
def test_the_uri_is_found_where_it_belongs_and_nowhere_else(definition, uri):
    assert ui_of(definition) == uri


def test_every_other_byte_stays():
    definition = (
        b'{"name" : "t","_meta":{"k":1.50,"ui":{"x":[1e2],"resourceUri":"ui://a/b"},"ui/resourceUri":"ui://a/b"}}'
    )
    assert with_ui(definition, "ui://c/a/b") == definition.replace(b"ui://a/b", b"ui://c/a/b")
    assert ui_of(with_ui(definition, "ui://c/a/b")) == "ui://c/a/b"
