"""`requestState` of our own: encrypted and authenticated, bound to whom and what it was made for, and mortal."""

import base64
import binascii
import hmac
import secrets
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "tgs1."
"""What every state of ours begins with; servers' own are passed on as they are."""
_NONCE = 12
_EXPIRES = 8


class States:
    """Seals and opens; the same secret on every node."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"mcp states", "sha256")

    @cached_property
    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key)

    def seal(self, content: bytes, bound: bytes, expires: float) -> str:
        """`content` as text that opens only with the same `bound`, and not after `expires` (Unix seconds)."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, int(expires).to_bytes(_EXPIRES, "big") + content, bound)
        return PREFIX + base64.urlsafe_b64encode(nonce + sealed).decode("ascii")

    def open(self, text: str, bound: bytes, now: float) -> bytes | None:
        """What was sealed; None for whatever was changed, is bound to something else, or is too old."""
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(text.removeprefix(PREFIX).encode("ascii"), b"-_", validate=True)
            content = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], bound)
        except (binascii.Error, UnicodeEncodeError, InvalidTag, ValueError):
            return None
        return content[_EXPIRES:] if int.from_bytes(content[:_EXPIRES], "big") >= now else None
