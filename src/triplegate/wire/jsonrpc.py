"""JSON-RPC 2.0 envelopes read lazily, edited in place, and refusals in that dialect."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import Members, depth_within, encode, read_members, set_members

NOTHING = msgspec.Raw(b"")
"""The value of a member that is not there."""

DEPTH = 64
_ID_MOST = 1024

_string = msgspec.json.Decoder(str).decode
_batch = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Env(msgspec.Struct, frozen=True, eq=False):
    """One JSON-RPC message: its text, and its members as raw values."""

    text: bytes
    members: Members
    kind: Literal["request", "notification", "response"]
    method: str = ""
    id: msgspec.Raw = NOTHING
    """Raw string or integer; NOTHING in a notification, may be `null` in an error response."""
    params: msgspec.Raw = NOTHING
    result: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING


def is_batch(text: bytes) -> bool:
    """Whether `text` begins an array: a batch, which only 2025-03-26 knows."""
    return text[:64].lstrip(b" \t\n\r")[:1] == b"["


def read_batch(text: bytes, most: int = 64) -> list[bytes]:
    """The messages of a batch. Raises Refusal rpc_parse_error or rpc_invalid_request (empty, or more than `most`)."""
    try:
        messages = _batch(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("rpc_parse_error", f"The body is not JSON: {error}") from error
    except RecursionError as error:
        raise Refusal("rpc_invalid_request", "The body nests too deep.") from error
    if not 0 < len(messages) <= most:
        raise Refusal("rpc_invalid_request", f"A batch holds 1 to {most} messages.")
    return [bytes(message) for message in messages]


def read(text: bytes, depth: int = DEPTH) -> Env:
    """The message that `text` is; params, result and error stay raw.

    Raises Refusal rpc_parse_error (no JSON, NaN), rpc_invalid_request (batch, no envelope, a member said twice,
    deeper than `depth`).
    """
    if text[:1] != b"{" and is_batch(text):
        raise Refusal("rpc_invalid_request", "Batches are not supported by this protocol version.")
    members = _members(text, "rpc_invalid_request")
    if not depth_within(text, depth):
        raise Refusal("rpc_invalid_request", f"The message nests deeper than {depth}.")
    get = members.get
    if get("jsonrpc", NOTHING) != _VERSION:
        raise Refusal("rpc_invalid_request", "The member 'jsonrpc' must be \"2.0\".")
    method, identity = get("method"), get("id")
    if method is None:
        return _response(text, members)
    name = _USUAL.get(bytes(method)) or _method(method)
    params = get("params", NOTHING)
    if len(params) and bytes(params)[:1] != b"{":
        raise Refusal("rpc_invalid_request", "The params must be an object.")
    if "result" in members or "error" in members:
        raise Refusal("rpc_invalid_request", "The message is a request and a response.")
    if identity is None:
        return Env(text, members, "notification", name, NOTHING, params)
    _check_id(identity)
    return Env(text, members, "request", name, identity, params)


_VERSION = msgspec.Raw(b'"2.0"')


def _members(text: bytes, repeated: str) -> Members:
    try:
        return read_members(text)
    except Refusal as refusal:
        cause = refusal.__cause__
        broken = isinstance(cause, msgspec.DecodeError | UnicodeDecodeError) and not isinstance(
            cause, msgspec.ValidationError
        )
        code = "rpc_parse_error" if broken else repeated
        raise Refusal(code, refusal.detail, errors=refusal.errors) from refusal


_USUAL = {
    b'"%b"' % name.encode(): name
    for name in ("tools/call", "tools/list", "prompts/get", "resources/read", "notifications/progress", "ping")
}
"""Methods that most messages name, as they stand there."""


def _method(raw: msgspec.Raw) -> str:
    if bytes(raw)[:1] != b'"':
        raise Refusal("rpc_invalid_request", "The method must be a string.")
    try:
        return _string(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("rpc_parse_error", "A string of the message is not UTF-8.") from error


def _check_id(identity: msgspec.Raw) -> None:
    raw = bytes(identity)
    if len(raw) > _ID_MOST or not (raw[:1] == b'"' or raw.isdigit() or raw.removeprefix(b"-").isdigit()):
        raise Refusal("rpc_invalid_request", "The id must be a string or an integer.")


def _response(text: bytes, members: Members) -> Env:
    result, error = members.get("result", NOTHING), members.get("error", NOTHING)
    if "id" not in members or ("result" in members) == ("error" in members):
        raise Refusal("rpc_invalid_request", "The message is neither a request nor a response.")
    identity = members["id"]
    if bytes(identity) != b"null" or "result" in members:
        _check_id(identity)
    return Env(text, members, "response", "", identity, NOTHING, result, error)


def read_params(env: Env) -> Members:
    """The members of the params, or none. Raises Refusal rpc_invalid_params when one is said twice."""
    return _members(bytes(env.params), "rpc_invalid_params") if len(env.params) else {}


def edit(env: Env, *, new_id: bytes | None = None, params: Mapping[str, bytes] | None = None) -> bytes:
    """The message with its id and members of its params replaced by raw values; every other byte as it came."""
    changes: dict[str, bytes] = {}
    if new_id is not None:
        changes["id"] = new_id
    if params:
        text = bytes(env.params) if len(env.params) else b"{}"
        changes["params"] = set_members(text, read_params(env), params)
    return set_members(env.text, env.members, changes) if changes else env.text


def write_result(identity: bytes, result: bytes) -> bytes:
    """A response that carries a raw result."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (identity, result)


def write_error(refusal: Refusal, identity: bytes = b"null", code: int | None = None) -> bytes:
    """A response that tells of a refusal; `identity` is the raw id of the request, when it could be read.

    `code` instead of the refusal's own one.
    """
    row = refusal.rendering
    error: dict[str, object] = {"code": row.jsonrpc if code is None else code, "message": refusal.detail or row.title}
    data = dict(refusal.payload)
    if refusal.errors:
        data["errors"] = [{"pointer": fault.pointer, "detail": fault.message} for fault in refusal.errors]
    if -32020 < row.jsonrpc <= -32000:  # our own range: say which of our refusals it is
        data["refusal"] = refusal.code
        if refusal.retry_after is not None:
            data["retryAfter"] = refusal.retry_after
    if data:
        error["data"] = data
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (identity or b"null", encode(error))
