"""The one spelling of a request target: canonical path, checked query, host and port."""

import ipaddress
import re
from functools import lru_cache

from triplegate.core.errors import Refusal

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_PLAIN_PATH = _UNRESERVED + b"/!$&'()*+,=:@"
_ODD = b'"<>^`{|}'
"""Not allowed in a URI, yet sent by clients: percent-encoded, so that both spellings become one."""
_SLOW_PATH = _PLAIN_PATH + _ODD + b"%"
_QUERY = bytes(byte for byte in range(0x21, 0x7F) if byte not in b"#\\%")

_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})|%00")
_FORBIDDEN_CODE = re.compile(rb"%(?:2[fF]|5[cC]|3[bB]|25|3[fF]|23)")
_ENCODED_DOTS = re.compile(rb"/(?:%2[eE](?:\.|%2[eE])?|\.%2[eE])(?=/|$)")
_CODE = re.compile(rb"%[0-9A-Fa-f]{2}")
_HIGH = re.compile(rb"%[89A-F]")
_ODD_BYTE = re.compile(rb'["<>^`{|}]')
_SLASHES = re.compile(rb"//+")

_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}))(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def _normal_code(code: re.Match[bytes]) -> bytes:
    byte = bytes((int(code[0][1:], 16),))
    return byte if byte in _UNRESERVED else code[0].upper()


def canonical_path(path: bytes, *, merge_slashes: bool = True) -> bytes:
    """The canonical form of a raw path (RFC 3986 §6.2.2): idempotent, and what upstreams are sent.

    Unreserved codes are decoded, the others upper-cased, dot segments removed, slashes merged.
    Raises Refusal ambiguous_path or malformed_request where two readers could see two paths.
    """
    if not path.translate(None, _PLAIN_PATH) and path[:1] == b"/" and b"//" not in path and b"/." not in path:
        return path
    return _slow_path(path, merge_slashes)


def _slow_path(path: bytes, merge_slashes: bool) -> bytes:
    if path[:1] != b"/":
        raise Refusal("malformed_request", "The request target must start with a slash.")
    if path.translate(None, _SLOW_PATH):
        if b";" in path:
            raise Refusal("ambiguous_path", "Semicolons are not accepted in a path.")
        raise Refusal("malformed_request", "The path holds a character that is not allowed.")
    if b"%" in path:
        path = _codes(path)
    path = _ODD_BYTE.sub(lambda odd: b"%%%02X" % odd[0][0], path)
    if merge_slashes:
        path = _SLASHES.sub(b"/", path)
    return _without_dot_segments(path) if b"/." in path else path


def _codes(path: bytes) -> bytes:
    if _BAD_PERCENT.search(path):
        raise Refusal("malformed_request", "The path holds a malformed percent code.")
    if _FORBIDDEN_CODE.search(path):
        raise Refusal(
            "ambiguous_path", "Encoded slash, backslash, semicolon, percent, question mark or hash in a path."
        )
    if _ENCODED_DOTS.search(path):
        raise Refusal("ambiguous_path", "Encoded dot segments are not accepted.")
    path = _CODE.sub(_normal_code, path)
    if _HIGH.search(path):
        _require_utf8(path)
    return path


def _require_utf8(path: bytes) -> None:
    """Overlong forms (%C0%AE is a dot to some) and lone bytes have more than one reading."""
    try:
        _CODE.sub(lambda code: bytes((int(code[0][1:], 16),)), path).decode()
    except UnicodeDecodeError as error:
        raise Refusal("ambiguous_path", "The path's percent codes are not UTF-8.") from error


def _without_dot_segments(path: bytes) -> bytes:
    """RFC 3986 §5.2.4, but climbing above the root is refused."""
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            if not kept:
                raise Refusal("ambiguous_path", "The path climbs above the root.")
            kept.pop()
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)


def check_query(query: bytes) -> None:
    """Refuse a query with a fragment, control, space, backslash, non-ASCII byte, NUL or malformed percent code."""
    rest = query.translate(None, _QUERY)
    if rest and (rest.strip(b"%") or _BAD_PERCENT.search(query)):
        raise Refusal("malformed_request", "The query holds a character or a percent code that is not allowed.")


@lru_cache(maxsize=1024)
def parse_authority(authority: bytes) -> tuple[str, int | None]:
    """`uri-host[:port]` as (lower-case host, port); a trailing dot goes, IPv6 keeps its brackets.

    Raises Refusal invalid_host for anything that is not one plain host (RFC 9110 §7.2).
    """
    match = _HOST.fullmatch(authority)
    if match is None:
        raise Refusal("invalid_host", "The Host header is missing or not a plain host and port.")
    host = match[1].decode("ascii").lower()
    port = int(match[2]) if match[2] is not None else None
    if port is not None and not 0 < port < 65536:
        raise Refusal("invalid_host", "The port in Host is out of range.")
    return (_ipv6(host) if host[0] == "[" else _name(host)), port


def _ipv6(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
    except ValueError as error:
        raise Refusal("invalid_host", "The IPv6 address in Host is malformed.") from error


def _name(host: str) -> str:
    host = host.removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Refusal("invalid_host", "The host name in Host is malformed.")
    last = labels[-1]
    if last.isdigit() or last.startswith("0x"):
        # some resolvers read 127.1 or 0x7f.1 as addresses: only the dotted quad has one reading
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            raise Refusal("invalid_host", "The IPv4 address in Host is malformed.") from error
    return host
