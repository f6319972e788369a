"""gRPC-web on the wire: messages with a five-byte prefix, trailers as a last frame, either of it as base64 text."""

import re
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers

MESSAGE, COMPRESSED, TRAILERS = 0x00, 0x01, 0x80
"""Flags of a frame."""

_CONTENT_TYPE = re.compile(rb"application/grpc-web(-text)?(?:\+proto)?\s*(?:;.*)?", re.IGNORECASE)


def kind_of(content_type: bytes | None) -> bool | None:
    """None: not gRPC-web; else whether it is the text form."""
    match = None if content_type is None else _CONTENT_TYPE.fullmatch(content_type.strip())
    return None if match is None else match[1] is not None


def wants_text(accept: bytes | None, *, sent_text: bool) -> bool:
    """Whether the reply is to be text: as `Accept` says, else as the request was."""
    if accept is None or b"application/grpc-web" not in accept.lower():
        return sent_text
    return b"application/grpc-web-text" in accept.lower()


def frame(content: bytes, flag: int = MESSAGE) -> bytes:
    """One frame."""
    return flag.to_bytes(1, "big") + len(content).to_bytes(4, "big") + content


def trailer_frame(trailers: Headers) -> bytes:
    """The last frame of a reply: status, message and trailing metadata as header lines."""
    return frame(b"".join([b"%b: %b\r\n" % line for line in trailers]), TRAILERS)


def as_text(content: bytes) -> bytes:
    """A piece of the text form: padded by itself, so that it can be read as soon as it is there."""
    return b64encode(content)


class Decoder:
    """Frames out of the pieces of a body, however they were cut."""

    __slots__ = ("_limit", "_rest", "_text")

    def __init__(self, *, text: bool, limit: int) -> None:
        """`limit`: most bytes of one frame."""
        self._limit = limit
        self._rest = bytearray()
        self._text: bytearray | None = bytearray() if text else None

    def feed(self, content: bytes) -> list[tuple[int, bytes]]:
        """Flag and content of each frame that is whole by now. Raises Refusal invalid_body or body_too_large."""
        rest = self._rest
        rest += content if self._text is None else _decoded(self._text, content)
        found = []
        while len(rest) >= 5:
            size = int.from_bytes(rest[1:5], "big")
            if size > self._limit:
                raise Refusal("body_too_large", f"A message may have at most {self._limit} bytes.")
            if len(rest) < 5 + size:
                break
            found.append((rest[0], bytes(rest[5 : 5 + size])))
            del rest[: 5 + size]
        return found

    def end(self) -> None:
        """The body is over. Raises Refusal invalid_body when that cuts a frame."""
        if self._rest or self._text:
            raise Refusal("invalid_body", "The body ends within a message.")


def _decoded(pending: bytearray, content: bytes) -> bytes:
    """Bytes of the quadruples that are whole; padding may stand at the end of any of them."""
    pending += content
    whole = len(pending) // 4 * 4
    text = bytes(pending[:whole])
    del pending[:whole]
    parts, start = [], 0
    try:
        while (padding := text.find(b"=", start)) >= 0:
            end = (padding // 4 + 1) * 4
            parts.append(a2b_base64(text[start:end], strict_mode=True))
            start = end
        if start < whole:
            parts.append(a2b_base64(text[start:], strict_mode=True))
    except Base64Error:
        raise Refusal("invalid_body", "The body is not base64.") from None
    return b"".join(parts)
