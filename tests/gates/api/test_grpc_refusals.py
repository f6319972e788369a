"""Refusals in gRPC's words: a status, its text, the wait; trailers only."""

import pytest
from msgspec.structs import replace
from tests.builders import make_exchange

from triplegate.core.errors import Refusal
from triplegate.gates.api.grpc_refusals import grpc_reply


def told(refusal, content_type=None, protocol="http"):
    exchange = make_exchange(headers=[(b"content-type", content_type)] if content_type else [])
    exchange.inbound = replace(exchange.inbound, protocol=protocol)
    reply = grpc_reply(exchange, refusal)
    return exchange, reply, dict(reply.headers)


def test_a_grpc_client_gets_status_message_and_wait():
    _, reply, fields = told(Refusal("quota_exceeded", "Later: 100%.", retry_after=7.2), protocol="grpc")
    assert reply.status == 429  # what records and metrics see
    assert fields == {b"grpc-status": b"8", b"grpc-message": b"Later: 100%25.", b"retry-after": b"8"}


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"application/grpc-web", b"application/grpc-web+proto"),
        (b"application/grpc-web-text", b"application/grpc-web-text+proto"),
        (b"application/grpc", b"application/grpc"),
    ],
)
async def test_a_web_client_gets_an_empty_http_200(sent, answered):
    exchange, reply, fields = told(Refusal("forbidden", "No."), sent)
    assert (reply.status, fields[b"grpc-status"], fields[b"content-type"]) == (200, b"7", answered)
    assert fields[b"content-length"] == b"0"
    assert not reply.frames.done
    assert await anext(reply.frames) == b""
    assert (reply.frames.done, exchange.numbers.status) == (True, 403)
