"""Refusals as JSON-RPC errors: status, id, challenge, wait."""

import msgspec
import pytest
from tests.builders import make_exchange

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.refusals import rpc_refusal


async def told(refusal, call=None):
    exchange = make_exchange()
    exchange.call = call
    reply = rpc_refusal(exchange, refusal)
    return reply.status, dict(reply.headers), msgspec.json.decode(await reply.frames.__anext__())


@pytest.mark.parametrize(
    ("code", "era", "status", "number"),
    [
        ("unauthenticated", "modern", 401, -32001),
        ("forbidden_origin", "modern", 403, -32001),
        ("route_not_found", "modern", 404, -32601),
        ("session_not_found", "legacy", 404, -32001),
        ("quota_exceeded", "modern", 429, -32002),
        ("overloaded", "modern", 503, -32004),
        ("internal", "modern", 500, -32603),
        ("rpc_parse_error", "legacy", 400, -32700),
        ("rpc_method_not_found", "modern", 404, -32601),
        ("rpc_method_not_found", "legacy", 200, -32601),
        ("rpc_invalid_params", "modern", 400, -32602),
        ("rpc_invalid_params", "legacy", 200, -32602),
        ("tool_not_found", "modern", 200, -32602),
        ("tool_not_found", "legacy", 200, -32602),
    ],
)
async def test_each_refusal_has_its_status_and_number(code, era, status, number):
    seen, headers, body = await told(Refusal(code, "words"), McpCall("request", era, "tools/call", b'"x"'))
    assert (seen, body["error"]["code"], body["id"]) == (status, number, "x")
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"cache-control"] == b"no-store"


async def test_what_was_never_read_has_no_id_and_401_has_a_challenge():
    _, headers, body = await told(Refusal("unauthenticated", "Credentials are required."))
    assert body["id"] is None
    assert headers[b"www-authenticate"].startswith(b"Bearer")
    _, headers, _ = await told(Refusal("unauthenticated", headers=[(b"www-authenticate", b"Bearer scope=a")]))
    assert headers[b"www-authenticate"] == b"Bearer scope=a"


async def test_a_wait_is_told_twice_and_a_payload_is_the_errors_data():
    _, headers, body = await told(Refusal("quota_exceeded", "words", retry_after=7.0, payload={"k": [1]}))
    assert int(headers[b"retry-after"]) >= 7
    assert body["error"]["data"] == {"k": [1], "refusal": "quota_exceeded", "retryAfter": 7.0}


async def test_reasons_are_for_the_log_only():
    _, _, body = await told(Refusal("upstream_failed", "The upstream failed.", reason="10.0.0.7 said no"))
    assert "10.0.0.7" not in str(body)
