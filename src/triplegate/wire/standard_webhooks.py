"""How messages to webhooks are named, dated and signed: Standard Webhooks."""

import base64
import hashlib
import hmac

from triplegate.core.http import Headers


def signed(key: str | None, message_id: str, stamp: int, body: bytes) -> Headers:
    """webhook-id and webhook-timestamp (Unix seconds), and where there is a key webhook-signature."""
    headers = [(b"webhook-id", message_id.encode("ascii")), (b"webhook-timestamp", b"%d" % stamp)]
    if key is not None:
        headers.append((b"webhook-signature", _signature(key, message_id, stamp, body)))
    return headers


def _signature(key: str, message_id: str, stamp: int, body: bytes) -> bytes:
    """`v1,` and base64 of HMAC-SHA256(key, id.timestamp.body)."""
    whole = f"{message_id}.{stamp}.".encode() + body
    return b"v1," + base64.b64encode(hmac.digest(key.encode(), whole, hashlib.sha256))
