"""gRPC-web at the api gate: one message in, frames out, the status last."""

import pytest
from msgspec.structs import replace
from tests.builders import make_inbound
from tests.gates.api.test_grpc import text
from tests.gates.built import built
from tests.servers.grpc import echoing

from triplegate.core.errors import Refusal
from triplegate.core.http import BytesBody
from triplegate.gates.api.grpc_web import WebEncoder, one_message, web_request
from triplegate.samples.grpc_echo import SERVICE
from triplegate.wire.grpcweb import COMPRESSED, TRAILERS, Decoder, as_text, frame

PROTO = (b"content-type", b"application/grpc-web+proto")


def frames(content, *, text=False):
    decoder = Decoder(text=text, limit=1 << 20)
    found = decoder.feed(content)
    decoder.end()
    return found


async def asked(made, method, body, *headers):
    return await made.serve("POST", f"/{SERVICE}/{method}", key=False, headers=headers or [PROTO], body=body)


async def test_messages_are_frames_and_the_status_is_the_last_one(tmp_path):
    async with echoing() as echo, built(tmp_path, text(echo.url)) as made:
        exchange, wire = await asked(made, "Count", frame(b"2"))
        status = (0x80, b"grpc-status: 0\r\n")
        assert (wire.status, frames(wire.content)) == (200, [(0, b"1"), (0, b"2"), status])
        assert (exchange.outcome, exchange.numbers.status) == ("ok", 200)
        assert (made.records[-1].bytes_out, wire.field(b"content-type")) == (len(wire.content), PROTO[1])
        sent = (b"content-type", b"application/grpc-web-text")
        _, wire = await asked(made, "Echo", as_text(frame(b"hello")), sent)
        assert frames(wire.content, text=True) == [(0, b"hello"), status]
        _, wire = await asked(made, "Echo", frame(b"hello"), PROTO, (b"accept", b"application/grpc-web-text"))
        assert frames(wire.content, text=True) == [(0, b"hello"), status]


async def test_a_status_that_is_no_success_is_http_200_and_counted_as_what_it_means(tmp_path):
    async with echoing() as echo, built(tmp_path, text(echo.url)) as made:
        for code, status, outcome in ((5, 404, "ok"), (14, 503, "failed")):
            exchange, wire = await asked(made, "Fail", frame(b""), PROTO, (b"x-status", b"%d" % code))
            last = b"grpc-status: %d\r\ngrpc-message: failed as asked\r\n" % code
            assert (wire.status, frames(wire.content)) == (200, [(0x80, last)])
            assert (exchange.numbers.status, exchange.outcome) == (status, outcome)


async def test_a_refusal_is_an_empty_http_200(tmp_path):
    async with echoing() as echo, built(tmp_path, text(echo.url)) as made:
        exchange, wire = await asked(made, "Echo", frame(b"1") + frame(b"2"))
        assert (wire.status, wire.content, wire.field(b"grpc-status")) == (200, b"", b"3")
        assert (exchange.numbers.status, exchange.outcome) == (400, "refused")


async def test_silence_after_the_head_is_told_in_the_last_frame(tmp_path):
    async with echoing() as echo, built(tmp_path, text(echo.url, more=", timeouts: {idle: 100ms}")) as made:
        exchange, wire = await asked(made, "Wait", frame(b""))
        first, (flag, last) = frames(wire.content)
        assert (first, flag) == ((0, b"waiting"), 0x80)
        assert last.startswith(b"grpc-status: 4\r\n")
        assert (exchange.numbers.status, exchange.outcome) == (504, "failed")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "invalid_body"),
        (b"\x00\x00\x00", "invalid_body"),
        (frame(b"x", TRAILERS), "invalid_body"),
        (frame(b"1") + frame(b"2"), "invalid_body"),
        (frame(b"x", COMPRESSED), "unsupported_media_type"),
        (frame(bytes(200)), "body_too_large"),
    ],
)
async def test_a_request_is_one_plain_message(content, code):
    inbound = make_inbound("POST", "/a.B/C", [PROTO], content)
    with pytest.raises(Refusal) as refused:
        await one_message(inbound, 100)
    assert refused.value.code == code


async def test_a_message_may_be_empty_and_come_in_pieces():
    inbound = make_inbound("POST", "/a.B/C", [PROTO])

    class Pieces(BytesBody):
        async def chunks(self):
            for byte in frame(b""):
                yield bytes([byte])

    assert await one_message(replace(inbound, body=Pieces()), 100) == b""


@pytest.mark.parametrize(
    ("method", "headers", "code"),
    [
        ("GET", [PROTO], "method_not_supported"),
        ("POST", [], "unsupported_media_type"),
        ("POST", [(b"content-type", b"application/json")], "unsupported_media_type"),
        ("POST", [(b"content-type", b"application/grpc")], "unsupported_media_type"),
    ],
)
def test_what_is_not_grpc_web_is_refused(method, headers, code):
    with pytest.raises(Refusal) as refused:
        web_request(make_inbound(method, "/a.B/C", headers))
    assert refused.value.code == code


def test_a_failure_after_the_head_is_a_status_too():
    encoder = WebEncoder(text=False)
    assert frames(encoder.fail(Refusal("draining", "Over."))) == [(0x80, b"grpc-status: 14\r\ngrpc-message: Over.\r\n")]
    assert encoder.fail(ValueError()) is None


async def test_pages_of_other_origins_may_call_and_read_the_status(tmp_path):
    policy = '{use: cors, allow_origins: ["https://a.test"], allow_methods: [POST], allow_headers: [x-grpc-web], \
expose_headers: [grpc-status, grpc-message]}'
    async with echoing() as echo:
        document = text(echo.url).replace("identity: none", f"identity: none, policies: [{policy}]")
        async with built(tmp_path, document) as made:
            origin = (b"origin", b"https://a.test")
            asked_for = (b"access-control-request-method", b"POST")
            path = f"/{SERVICE}/Echo"
            _, wire = await made.serve("OPTIONS", path, key=False, headers=[origin, asked_for])
            assert (wire.status, wire.field(b"access-control-allow-methods")) == (204, b"POST")
            for body, status in ((frame(b"1"), None), (b"", b"3")):
                _, wire = await asked(made, "Echo", body, PROTO, origin)
                assert wire.field(b"grpc-status") == status
                assert wire.field(b"access-control-allow-origin") == b"https://a.test"
                assert wire.field(b"access-control-expose-headers") == b"grpc-status, grpc-message"
