"""Messages to webhooks are signed so that their receivers' own libraries accept them."""

import base64
import hashlib
import hmac

from triplegate.wire.standard_webhooks import signed


def test_id_time_and_body_are_signed_together():
    fields = dict(signed("geheim", "msg_1", 1_700_000_000, b'{"a":1}'))
    mac = hmac.new(b"geheim", b'msg_1.1700000000.{"a":1}', hashlib.sha256).digest()
    assert fields == {
        b"webhook-id": b"msg_1",
        b"webhook-timestamp": b"1700000000",
        b"webhook-signature": b"v1," + base64.b64encode(mac),
    }


def test_without_a_key_nothing_is_signed():
    assert [name for name, _ in signed(None, "msg_1", 1, b"")] == [b"webhook-id", b"webhook-timestamp"]
