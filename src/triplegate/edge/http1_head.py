"""The head of an HTTP/1.1 request, line by line and without a second reading of any byte; no I/O (RFC 9112)."""

import re

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers

END = b"\r\n\r\n"
"""What ends a head."""
_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")}
_VERSIONS = {b"HTTP/1.1": "1.1", b"HTTP/1.0": "1.0"}
_BEGIN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{0,32}(?: [!-~\x80-\xff]*(?: [HTP/.01]{0,8})?)?\r?")
"""What may become a request line."""


class Head(msgspec.Struct, gc=False):
    """A head as it was written: the guard judges what it says."""

    method: str
    target: bytes
    version: str
    headers: Headers
    keep: bool
    """The client leaves the connection open for another request."""
    upgrade: bool = False
    """It would rather speak WebSocket on this connection."""


def read_head(head: bytes) -> Head:
    """Take a whole head apart, without the empty line that ends it. Raises Refusal malformed_request.

    Lines end with CRLF and nothing else; names and values are the guard's to check, where a CR, LF or fold in them
    is refused like any other control character.
    """
    first, *lines = head.split(b"\r\n")
    words = first.split(b" ")
    version = _VERSIONS.get(words[-1])
    if len(words) != 3 or version is None:
        raise Refusal("malformed_request", "The request line is not that of HTTP/1.1.")
    headers: Headers = []
    options = upgrade = b""
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise Refusal("malformed_request", "A header line has no colon.")
        name = name.lower()
        value = value.strip(b" \t")
        headers.append((name, value))
        if name == b"connection":
            options = options + b"," + value if options else value
        elif name == b"upgrade":
            upgrade = value
    method = _METHODS.get(words[0]) or words[0].decode("latin-1")
    if not options:
        return Head(method, words[1], version, headers, version == "1.1")
    named = [option.strip(b" \t").lower() for option in options.split(b",")]
    keep = b"close" not in named if version == "1.1" else b"keep-alive" in named
    return Head(method, words[1], version, headers, keep, b"upgrade" in named and upgrade.lower() == b"websocket")


def check_begun(begun: bytes, most: int, target: int) -> None:
    """Refuse early what can never become a head: nobody waits for its end.

    `most` bytes of a head and `target` of its first line may come. Raises Refusal malformed_request, uri_too_long or
    headers_too_large.
    """
    first, ended, _ = begun.partition(b"\r\n")
    if ended:
        read_head(first)
    elif len(first) > target + 64:
        raise Refusal("uri_too_long", f"The request target is longer than {target} bytes.")
    elif not _BEGIN.fullmatch(first):
        raise Refusal("malformed_request", "This is not the beginning of an HTTP/1.1 request.")
    if len(begun) > most:
        raise Refusal("headers_too_large", "The header block is too large.")
    if begun.count(b"\n") != begun.count(b"\r\n"):
        raise Refusal("malformed_request", "A line ends without a carriage return.")
