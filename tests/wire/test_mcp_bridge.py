"""Between the eras only the eras' own members change."""

import msgspec
import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import read_members
from triplegate.wire.mcp_bridge import (
    drop_members,
    error_not_found,
    legacy_meta,
    legacy_result,
    modern_meta,
    modern_result,
    readdress,
    rename_contents,
)

US = b'{"name":"t","version":"1"}'


def dropped(text, *names):
    return drop_members(text, read_members(text), set(names))


def test_dropping_keeps_the_others_bytes_and_order():
    assert dropped(b'{ "a" : 1.50 , "b":[1, 2],"c":"\\u00e9"}', "b") == b'{"a":1.50,"c":"\\u00e9"}'
    assert dropped(b'{ "a" : 1 }', "b") == b'{ "a" : 1 }'
    assert dropped(b'{"a":1}', "a") == b"{}"


def test_a_modern_requests_meta_loses_only_its_own_keys():
    meta = read_members(
        b'{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":"p","io.modelcontextprotocol/'
        b'clientCapabilities":{},"io.modelcontextprotocol/logLevel":"info","v/x":{"a":1.50}}'
    )
    assert legacy_meta(meta, 7) == b'{"progressToken":7,"v/x":{"a":1.50}}'
    assert legacy_meta(read_members(b'{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}'), 7) is None


@pytest.mark.parametrize(
    "meta", [b"", b"null", b"[]", b'{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"x"}']
)
def test_a_session_requests_meta_gets_the_envelope(meta):
    made = msgspec.json.decode(modern_meta(meta, US, b'{"roots":{}}', "info"))
    assert made["io.modelcontextprotocol/clientCapabilities"] == {"roots": {}}
    assert made["io.modelcontextprotocol/logLevel"] == "info"
    assert made["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
    assert made["io.modelcontextprotocol/clientInfo"] == {"name": "t", "version": "1"}
    assert ("progressToken" in made) is (b"progress" in meta)


def test_a_legacy_result_gets_its_type_and_server():
    assert modern_result(b'{"content":[]}', US) == (
        b'{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":%b},"content":[]}' % US
    )
    known = b'{"resultType":"task","_meta":{"io.modelcontextprotocol/serverInfo":{}}}'
    assert modern_result(known, US) == known
    assert b'"a":1' in modern_result(b'{"_meta":{"a":1}}', US)


@pytest.mark.parametrize(
    ("result", "left"),
    [
        (b'{"content":[ ],"resultType":"complete"}', b'{"content":[ ]}'),
        (b'{"a":1,"ttlMs":1,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{}}}', b'{"a":1}'),
        (b'{"_meta":{"io.modelcontextprotocol/serverInfo":{},"k":1},"a":2}', b'{"_meta":{"k":1},"a":2}'),
        (b'{ "a" : 1 }', b'{ "a" : 1 }'),
    ],
)
def test_a_modern_result_loses_only_what_sessions_do_not_know(result, left):
    assert legacy_result(result) == left


def test_a_question_cannot_be_a_result_of_a_session():
    with pytest.raises(Refusal, match="upstream_failed"):
        legacy_result(b'{"resultType":"input_required"}')


@pytest.mark.parametrize(
    ("head", "begins"),
    [
        (
            b'{"jsonrpc":"2.0","id":12,"result":{"content":[',
            b'{"jsonrpc":"2.0","id":"mine","result":{"resultType":"complete","content":[',
        ),
        (b'{ "id" : "x" , "result" : { }', b'{ "id" : "mine" , "result" : { "resultType":"complete"}'),
        (b'{"id":1,"result":{"resultType":"complete",', b'{"id":"mine","result":{"resultType":"complete",'),
        (b'{"result":{},"id":1', None),
        (b'{"jsonrpc":"2.0","id":1,"error":{', None),
    ],
)
def test_the_beginning_of_a_large_answer_is_readdressed(head, begins):
    assert readdress(head, b'"mine"', complete=True) == begins


def test_within_an_era_only_the_id_changes():
    assert readdress(b'{"jsonrpc":"2.0","id":12,"result":{"a":', b"7", complete=False) == (
        b'{"jsonrpc":"2.0","id":7,"result":{"a":'
    )


@pytest.mark.parametrize(
    ("error", "modern", "turned"),
    [
        (b'{"code":-32002,"message":"m","x":1}', True, b'{"data":{"uri":"a:1"},"code":-32602,"message":"m","x":1}'),
        (
            b'{"code":-32602,"message":"m","data":{"uri":"b"}}',
            True,
            b'{"code":-32602,"message":"m","data":{"uri":"a:1"}}',
        ),
        (b'{"code":-32602,"data":{"uri":"b"}}', False, b'{"code":-32002,"data":{"uri":"a:1"}}'),
        (b'{"code":-32602,"message":"other"}', False, b'{"code":-32602,"message":"other"}'),
        (b'{"code":-32603,"data":{"uri":"b"}}', True, b'{"code":-32603,"data":{"uri":"b"}}'),
    ],
)
def test_a_missing_resource_is_said_in_the_clients_era(error, modern, turned):
    assert error_not_found(error, "a:1", modern=modern) == turned


@pytest.mark.parametrize(
    ("result", "turned"),
    [
        (
            b'{"contents":[{"uri":"b:1","n":1.50},{"uri":"c:2"},7]}',
            b'{"contents":[{"uri":"a:1","n":1.50},{"uri":"c:2"},7]}',
        ),
        (b'{"contents":7}', b'{"contents":7}'),
        (b'{"x":1}', b'{"contents":[],"x":1}'),
    ],
)
def test_contents_bear_the_uri_that_was_asked_for(result, turned):
    assert rename_contents(result, "b:1", "a:1") == turned


def test_a_read_of_a_session_may_not_be_kept():
    result = modern_result(b'{"contents":[]}', b"{}", keeps=True)
    assert b'"ttlMs":0,"cacheScope":"private"' in result
    assert modern_result(b'{"ttlMs":5}', b"{}", keeps=True).count(b"ttlMs") == 1
    head = readdress(b'{"jsonrpc":"2.0","id":1,"result":{"contents":', b"9", complete=True, keeps=True)
    assert head.startswith(
        b'{"jsonrpc":"2.0","id":9,"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private",'
    )
