"""URIs in results under the names that clients use: those and no other byte."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.mcp_resource_links import rename_links

LINK = b'{"type":"resource_link","x":1.50,"uri":"a:1","name":"a"}'
WHOLE = b'{ "type" : "resource","resource":{"text":"a:1","uri" : "a:1"},"n":1e2}'
OTHER = b'{"type":"text","text":"\\"resource_link\\" a:1","uri":"a:1"}'


def rename(uri):
    return f"mcp+s:{uri}" if uri.startswith("a:") else uri


def test_links_and_what_is_embedded_are_renamed_and_every_other_byte_stays():
    result = b'{"content":[%b,%b,%b,7,{"type":"audio"}],"isError":false,"k":1.50}' % (LINK, WHOLE, OTHER)
    link = LINK.replace(b'"uri":"a:1"', b'"uri":"mcp+s:a:1"')
    whole = WHOLE.replace(b'"uri" : "a:1"', b'"uri" : "mcp+s:a:1"')
    expected = b'{"content":[%b,%b,%b,7,{"type":"audio"}],"isError":false,"k":1.50}' % (link, whole, OTHER)
    assert rename_links(result, rename) == expected


@pytest.mark.parametrize("content", [LINK, b"[%b]" % LINK])
def test_messages_of_prompts_have_links_too(content):
    result = b'{"messages":[{"role":"user","content":%b},7]}' % content
    assert rename_links(result, rename) == result.replace(b'"a:1"', b'"mcp+s:a:1"')


@pytest.mark.parametrize(
    "result",
    [
        b'{"content":[{"type":"text","text":"a:1"}]}',
        b'{"content":[{"type":"resource_link","uri":"b:1"}]}',
        b'{"content":[{"type":"resource_link","uri":7},{"type":"resource_link"},{"type":"resource","resource":7}]}',
        b'{"content":{"type":"resource_link","uri":"a:1"},"messages":"resource"}',
        b'{"structuredContent":{"content":[{"type":"resource_link","uri":"a:1"}]}}',
    ],
)
def test_everything_else_passes(result):
    assert rename_links(result, rename) is result


def test_a_link_with_two_uris_is_no_link():
    with pytest.raises(Refusal, match="invalid_body"):
        rename_links(b'{"content":[{"type":"resource_link","uri":"b:1","uri":"a:1"}]}', rename)
