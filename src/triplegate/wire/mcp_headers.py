"""MCP's mirrored headers: their value codec, and steps 1 to 5 of the validation ladder (revision 2026-07-28)."""

import binascii
import re
from collections.abc import Sequence

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.wire.json_members import Members, read_members
from triplegate.wire.jsonrpc import Env, read_params

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
CLIENT_KEY = "io.modelcontextprotocol/clientInfo"
LOG_LEVEL_KEY = "io.modelcontextprotocol/logLevel"

NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The member of the params that `Mcp-Name` mirrors, by method."""

_SAFE = re.compile(r"[\x20-\x7e]*")
_WRAPPED = re.compile(r"=\?base64\?(.*)\?=")
_any = msgspec.json.Decoder().decode


class Routing(msgspec.Struct, frozen=True, gc=False):
    """The routing headers, each said at most once; values as sent, without white space around."""

    version: str | None = None
    method: str | None = None
    name: str | None = None
    session: bytes | None = None
    """Mcp-Session-Id, as sent."""
    sessions: int = 0
    """How often that stands there."""


class Envelope(msgspec.Struct, frozen=True, eq=False):
    """A request of the modern era whose headers and body say the same."""

    version: object
    """As the body says it; `check_version` makes sure of it."""
    name: str | None
    """Tool or prompt name or resource URI from the body, or None."""
    params: Members
    meta: Members


def encode_value(value: str) -> str:
    """`value` as a header can carry it: printable ASCII as it is, anything else wrapped in base64."""
    if _SAFE.fullmatch(value) and value == value.strip(" ") and not _WRAPPED.fullmatch(value):
        return value
    return f"=?base64?{binascii.b2a_base64(value.encode(), newline=False).decode('ascii')}?="


def decode_value(value: str) -> str | None:
    """What a header carries; None for a malformed wrapper, which never matches anything."""
    wrapped = _WRAPPED.fullmatch(value)
    if wrapped is None:
        return value
    try:
        content = binascii.a2b_base64(wrapped[1].encode("ascii"), strict_mode=True)
        if binascii.b2a_base64(content, newline=False) != wrapped[1].encode("ascii"):
            return None  # bits that say nothing were set: another spelling of the same
        return content.decode()
    except (ValueError, UnicodeError):
        return None


def read_routing(headers: Headers) -> Routing:
    """Step 1: the routing headers, at most one line each. Raises Refusal rpc_header_mismatch."""
    found: dict[bytes, str] = {}
    session, sessions = None, 0
    for name, value in headers:
        if name not in _ROUTING:
            continue
        if name == _SESSION:
            session, sessions = session or value, sessions + 1
        elif name in found:
            raise _mismatch(name.decode("ascii"), "stands more than once")
        else:
            found[name] = value.strip(b" \t").decode("latin-1")
    get = found.get
    return Routing(get(b"mcp-protocol-version"), get(b"mcp-method"), get(b"mcp-name"), session, sessions)


_SESSION = b"mcp-session-id"
_ROUTING = frozenset({b"mcp-protocol-version", b"mcp-method", b"mcp-name", _SESSION})


def climb(routing: Routing, env: Env) -> Envelope:
    """Steps 2 to 4: the body has its envelope, and the headers agree with the body; first failure wins.

    Raises Refusal rpc_invalid_params or rpc_header_mismatch.
    """
    params = read_params(env)
    meta = _read_meta(params)
    version: object = _any(meta[VERSION_KEY])
    if routing.version is None or routing.version != version:
        raise _mismatch("MCP-Protocol-Version", "does not equal the protocol version of the body")
    if routing.method != env.method:
        raise _mismatch("Mcp-Method", "does not equal the method of the body")
    member = NAMED_BY.get(env.method)
    name = _read_name(routing, params, member) if member is not None else None
    return Envelope(version, name, params, meta)


def _read_meta(params: Members) -> Members:
    raw = bytes(params.get("_meta", b""))
    if raw[:1] != b"{":
        raise Refusal("rpc_invalid_params", "params._meta must be an object.")
    try:
        meta = read_members(raw)
    except Refusal as refusal:
        raise Refusal("rpc_invalid_params", refusal.detail) from refusal
    missing = [key for key in (VERSION_KEY, CAPABILITIES_KEY) if key not in meta]
    if missing:
        raise Refusal("rpc_invalid_params", f"params._meta lacks {', '.join(missing)}.")
    return meta


def _read_name(routing: Routing, params: Members, member: str) -> str | None:
    raw = params.get(member)
    value: object = _any(raw) if raw is not None else None
    if value is None:
        return None
    said = decode_value(routing.name) if routing.name is not None else None
    if not isinstance(value, str) or said != value:
        raise _mismatch("Mcp-Name", f"does not equal '{member}' of the body")
    return value


def check_version(version: object, supported: Sequence[str]) -> str:
    """Step 5: the version is a string (else rpc_invalid_params) and supported (else rpc_unsupported_version)."""
    if not isinstance(version, str):
        raise Refusal("rpc_invalid_params", "The protocol version must be a string.")
    if version not in supported:
        payload = {"supported": list(supported), "requested": version}
        raise Refusal("rpc_unsupported_version", "Unsupported protocol version", payload=payload)
    return version


def _mismatch(header: str, what: str) -> Refusal:
    return Refusal("rpc_header_mismatch", f"The header {header} {what}.")
