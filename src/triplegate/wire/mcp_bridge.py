"""What the two eras of MCP say differently in requests and results, edited in place."""

import re
from collections.abc import Collection

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import Members, encode, read_members, set_members, spans, splice
from triplegate.wire.mcp_era import MODERN
from triplegate.wire.mcp_headers import CAPABILITIES_KEY, CLIENT_KEY, LOG_LEVEL_KEY, VERSION_KEY

SERVER_KEY = "io.modelcontextprotocol/serverInfo"
_REQUEST_KEYS = frozenset({VERSION_KEY, CAPABILITIES_KEY, CLIENT_KEY, LOG_LEVEL_KEY})
_RESULT_KEYS = frozenset({"resultType", "ttlMs", "cacheScope"})
_HEAD = re.compile(
    rb'\s*\{(?:\s*"jsonrpc"\s*:\s*"2\.0"\s*,)?\s*"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)\s*,\s*"result"\s*:\s*\{\s*'
)


def drop_members(text: bytes, members: Members, names: Collection[str]) -> bytes:
    """`text` without these members; the others keep their bytes and order."""
    if not any(name in members for name in names):
        return text
    places = spans(text, members)
    kept = [encode(name) + b":" + text[start:end] for name, (start, end) in places.items() if name not in names]
    return b"{" + b",".join(kept) + b"}"


def legacy_meta(meta: Members, token: int) -> bytes | None:
    """A modern request's `_meta` for a legacy upstream; None when nothing is left of it.

    `token`: progress is told by it, since a client's own token need not be the only one in a session of ours.
    """
    kept = {name: value for name, value in meta.items() if name not in _REQUEST_KEYS}
    if "progressToken" in kept:
        kept["progressToken"] = msgspec.Raw(b"%d" % token)
    return encode(kept) if kept else None


def modern_meta(meta: bytes, client: bytes, capabilities: bytes = b"{}", level: str = "") -> bytes:
    """A legacy request's `_meta` (may be empty) for a modern upstream.

    `client`, `capabilities`: the session's, raw; `level`: the least severe log messages it wants, if it said so.
    """
    text = meta if meta[:1] == b"{" else b"{}"
    changes = {VERSION_KEY: encode(MODERN), CAPABILITIES_KEY: capabilities if capabilities[:1] == b"{" else b"{}"}
    if client[:1] == b"{":
        changes[CLIENT_KEY] = client
    if level:
        changes[LOG_LEVEL_KEY] = encode(level)
    return set_members(text, read_members(text), changes)


def modern_result(result: bytes, server: bytes, *, keeps: bool = False) -> bytes:
    """A legacy result as a modern client expects it: `resultType`, and raw `server` as serverInfo in `_meta`.

    `keeps`: of a method whose results say how long they may be kept; a legacy one may not be.
    """
    members = read_members(result)
    changes: dict[str, bytes] = {}
    if keeps:
        changes |= {name: value for name, value in _NOT_KEPT.items() if name not in members}
    if "resultType" not in members:
        changes["resultType"] = b'"complete"'
    meta = bytes(members.get("_meta", b"{}"))
    if meta[:1] == b"{":
        told = read_members(meta)
        if SERVER_KEY not in told:
            changes["_meta"] = set_members(meta, told, {SERVER_KEY: server})
    return set_members(result, members, changes) if changes else result


_NOT_KEPT = {"ttlMs": b"0", "cacheScope": b'"private"'}


def error_not_found(error: bytes, uri: str, *, modern: bool) -> bytes:
    """The error of a read as the client's era says that a resource is not there; any other stays as it is."""
    members = read_members(error)
    code = bytes(members.get("code", b""))
    named = code == b"-32602" and b'"uri"' in bytes(members.get("data", b""))
    if code != b"-32002" and not named:
        return error
    return set_members(error, members, {"code": b"-32602" if modern else b"-32002", "data": encode({"uri": uri})})


def rename_contents(result: bytes, own: str, name: str) -> bytes:
    """The result of a read with the URI that the client asked for, where the server says its own."""
    members = read_members(result)
    try:
        contents = _list(members.get("contents", b"[]"))
    except msgspec.MsgspecError:
        return result
    for index, raw in enumerate(contents):
        text = bytes(raw)
        said = read_members(text) if text[:1] == b"{" else {}
        if said.get("uri") == msgspec.Raw(encode(own)):
            contents[index] = msgspec.Raw(set_members(text, said, {"uri": encode(name)}))
    return set_members(result, members, {"contents": encode(contents)})


_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def legacy_result(result: bytes) -> bytes:
    """A modern result as a legacy client expects it.

    Raises Refusal upstream_failed when the upstream asks for input, which cannot be passed on to such a client here.
    """
    members = read_members(result)
    if members.get("resultType", _COMPLETE) != _COMPLETE:
        raise Refusal(
            "upstream_failed",
            "The tool asks for more input, which cannot be given in this protocol version.",
            reason="resultType is not complete",
        )
    meta = bytes(members.get("_meta", b""))
    if meta[:1] == b"{" and SERVER_KEY in (told := read_members(meta)):
        left = drop_members(meta, told, {SERVER_KEY})
        if left == b"{}":
            return drop_members(result, members, _RESULT_KEYS | {"_meta"})
        result = set_members(result, members, {"_meta": left})
        members = read_members(result)
    return drop_members(result, members, _RESULT_KEYS)


_COMPLETE = msgspec.Raw(b'"complete"')


def readdress(head: bytes, identity: bytes, *, complete: bool, keeps: bool = False) -> bytes | None:
    """The beginning of a large response with another id, and `resultType` added when `complete`.

    `keeps` as in `modern_result`.

    None when id and result do not stand at its beginning in the usual order.
    """
    found = _HEAD.match(head)
    if found is None:
        return None
    edits = [(*found.span(1), identity)]
    if complete and b'"resultType"' not in head:
        comma = b"" if head[found.end() : found.end() + 1] == b"}" else b","
        more = b',"ttlMs":0,"cacheScope":"private"' if keeps else b""
        edits.append((found.end(), found.end(), b'"resultType":"complete"' + more + comma))
    return splice(head, edits)
