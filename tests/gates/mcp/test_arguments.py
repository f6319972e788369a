"""What a call says, whatever its method."""

import msgspec
import pytest

from triplegate.gates.mcp.arguments import arguments_of
from triplegate.gates.mcp.call import Item, McpCall, OwnItem


def call(method, kind, params, own="own"):
    raw = {name: msgspec.Raw(value) for name, value in params.items()}
    item = Item(kind, "clients", None, OwnItem(own, b"{}"), b"{}", b"", b"")
    return McpCall("request", method=method, params=raw, item=item)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (call("tools/call", "tool", {"arguments": b'{"a":[1,{"b":null}]}'}), {"a": [1, {"b": None}]}),
        (call("tools/call", "tool", {}), {}),
        (call("tools/call", "tool", {"arguments": b"{"}), None),
        (call("tools/call", "tool", {"arguments": b'{"a":1,"a":2}'}), None),
        (call("tools/call", "tool", {"arguments": b'{"a":[{"b":1,"\\u0062":2}]}'}), None),
        (call("prompts/get", "prompt", {"arguments": b'{"who":"x"}'}), {"who": "x"}),
        (call("resources/read", "resource", {"uri": b'"mcp+a:x:y"'}, "x:y"), {"uri": "x:y"}),
        (
            call(
                "completion/complete",
                "prompt",
                {
                    "ref": b"{}",
                    "argument": b'{"name":"path","value":"/da"}',
                    "context": b'{"arguments":{"host":"h","path":"/other"}}',
                },
            ),
            {"host": "h", "path": "/da"},
        ),
        (call("completion/complete", "template", {"argument": b'{"name":"id","value":"1"}'}), {"id": "1"}),
        (call("completion/complete", "prompt", {"argument": b'{"name":"path"}'}), None),
        (call("completion/complete", "prompt", {"argument": b'{"name":"path","value":"a","value":"b"}'}), None),
        (call("completion/complete", "prompt", {}), None),
    ],
)
def test_it_is_read_as_plain_values(one, said):
    assert arguments_of(one) == said
