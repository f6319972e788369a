"""An upstream's answer to a tool call as the client gets it: the result's bytes pass, its frame is the client's."""

import re
from collections.abc import Callable

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt
from triplegate.core.http import Frames, Headers, Reply
from triplegate.gates.mcp.asking import error_code, field, media_type
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.connecting import US
from triplegate.gates.mcp.frames import EventFrames, PrefixFrames
from triplegate.gates.mcp.refusals import json_reply
from triplegate.wire.json_members import read_members, set_members
from triplegate.wire.jsonrpc import Env, read
from triplegate.wire.mcp_bridge import error_not_found, legacy_result, modern_result, readdress, rename_contents
from triplegate.wire.mcp_era import status_of
from triplegate.wire.mcp_headers import LOG_LEVEL_KEY
from triplegate.wire.sse import data_of, spans, write_event

_GATHERED = 1_048_576  # bytes of a JSON answer that are gathered; what is larger streams
_READDRESSED = 16 * 1024 * 1024  # bytes gathered of one whose id stands behind its result
_CHECKED = 65_536  # bytes up to which an answer that could pass unread is checked to be the answer
_DEPTH = 1000
_FAILED = re.compile(rb'"isError"\s*:\s*true|"error"\s*:')
_any = msgspec.json.Decoder().decode
_TRUE = msgspec.Raw(b"true")
_EVENTS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"server", b"triplegate"),
]


class Answer:
    """One attempt's answer on its way to the client."""

    __slots__ = ("_attempt", "_call", "_cut", "_ours", "_read_item", "_renamed", "_same")

    def __init__(self, call: McpCall, attempt: Attempt, ours: int | None, cut: Callable[[], None]) -> None:
        """`ours`: the id sent to a legacy upstream; None: a modern one, which was sent the client's."""
        self._call, self._attempt, self._ours, self._cut = call, attempt, ours, cut
        self._same = (ours is None) == (call.era == "modern")
        item = call.item if call.method == "resources/read" else None
        self._read_item = item
        self._renamed = item is not None and item.name != item.own.name

    async def reply(self, reply: Reply) -> Reply:
        """What the client gets. Raises Refusal upstream_* when it is no answer."""
        frames, media = reply.frames, media_type(reply.headers)
        try:
            coding = field(reply.headers, b"content-encoding")
            if coding and coding.lower() != b"identity":
                raise Refusal("upstream_malformed", "The upstream's answer is malformed.", reason="compressed")
            if media == b"text/event-stream" and reply.status == 200:
                return Reply(200, list(_EVENTS), EventFrames(frames, self._turn, self._cut), form="events")
            if media == b"application/json" and reply.status not in (401, 403, 429):
                return await self._json(reply, frames)
            raise _no_answer(reply)
        except BaseException:
            frames.close()
            raise

    # a JSON answer -----------------------------------------------------------------------------------------------
    async def _json(self, reply: Reply, frames: Frames) -> Reply:
        text, whole = await _gather(frames, _GATHERED)
        if not whole and reply.status == 200:
            head: bytes | None = text
            if not self._passes:
                modern, keeps = self._call.era == "modern", self._read_item is not None
                head = readdress(text, self._call.id, complete=modern, keeps=keeps)
            if head is not None:
                headers = [(b"content-type", b"application/json"), (b"server", b"triplegate")]
                return Reply(200, headers, PrefixFrames(head, frames))
            text, whole = await _gather(frames, _READDRESSED, text)
        if not whole:
            raise Refusal("upstream_malformed", "The upstream's answer is malformed.", reason="too large to readdress")
        frames.close()
        content, status = self._whole(text, reply)
        answer = json_reply(content, status)
        answer.source = "upstream"
        return answer

    @property
    def _passes(self) -> bool:
        """Whether the bytes need no change at all: both sides are modern, and so is the id; the URI is the same."""
        return self._ours is None and self._same and not self._renamed

    def _whole(self, text: bytes, reply: Reply) -> tuple[bytes, int]:
        if len(text) > _CHECKED and self._same and not self._renamed and reply.status == 200:
            start = b'{"jsonrpc":"2.0","id":%d,' % (self._ours or 0)
            if self._passes and text[:1] == b"{":
                self._note(text)
                return text, 200
            if not self._passes and text.startswith(start):
                self._note(text)
                return b'{"jsonrpc":"2.0","id":%b,%b' % (self._call.id, text[len(start) :]), 200
        try:
            env = self._read(text)
        except Refusal:
            if reply.status >= 400:
                raise _no_answer(reply) from None
            raise
        return self._bridged(env), self._status(env, reply.status)

    def _status(self, env: Env, status: int) -> int:
        if self._call.era == "legacy":
            return 200
        if self._ours is None:
            return status
        if not len(env.error):
            return 200
        code = error_code(bytes(env.error))
        return 400 if code == -32002 and self._read_item is not None else status_of(code)

    # one message ---------------------------------------------------------------------------------------------------
    def _read(self, text: bytes) -> Env:
        """The response to this call. Raises Refusal upstream_malformed."""
        env = _env(text)
        expected = self._call.id if self._ours is None else b"%d" % self._ours
        given = bytes(env.id)
        fits = given == expected or (len(env.error) and given == b"null") or _any(given) == _any(expected)
        if env.kind != "response" or not fits:
            raise Refusal("upstream_malformed", "The upstream's answer is malformed.", reason="another call's response")
        return env

    def _bridged(self, env: Env) -> bytes:
        """As `_bridge`; a result that is no object or says a member twice is the upstream's fault, not the client's."""
        try:
            return self._bridge(env)
        except Refusal as refusal:
            if refusal.code == "invalid_body":
                raise _malformed(refusal) from refusal
            raise

    def _bridge(self, env: Env) -> bytes:
        """The response with the client's id and in its era; within one era every other byte stays."""
        changes: dict[str, bytes] = {}
        if bytes(env.id) != self._call.id:
            changes["id"] = self._call.id
        modern, item = self._call.era == "modern", self._read_item
        if len(env.error):
            self._attempt.error_class = "rpc_error"
            if item is not None and (self._renamed or not self._same):
                changes["error"] = error_not_found(bytes(env.error), item.name, modern=modern)
        else:
            result = bytes(env.result)
            self._note(result, env)
            if self._renamed and item is not None:
                result = changes["result"] = rename_contents(result, item.own.name, item.name)
            if not self._same:
                keeps = item is not None
                changes["result"] = modern_result(result, US, keeps=keeps) if modern else legacy_result(result)
        return set_members(env.text, env.members, changes) if changes else env.text

    def _note(self, text: bytes, env: Env | None = None) -> None:
        """A result that says isError is a failed tool, though the call itself went well."""
        if (b'"isError"' not in text and b'"error"' not in text) or not _FAILED.search(text):
            return
        env = env or _env(text)
        if len(env.error):
            self._attempt.error_class = "rpc_error"
        elif _is_error(bytes(env.result)):
            self._attempt.error_class = "tool_error"

    # an event stream -----------------------------------------------------------------------------------------------
    def _turn(self, block: bytes) -> tuple[bytes, bool]:
        """Whole events → the client's, and whether the response was among them."""
        if self._passes:
            return block, self._answers(block)
        turned: list[bytes] = []
        answered = False
        for start, end in spans(block):
            event = block[start:end]
            data = data_of(event)
            if not data:
                if event[:1] == b":":
                    turned.append(event)  # a comment keeps the connection open; ids and retry would promise a resume
                continue
            env = _env(data)
            if env.kind == "response":
                turned.append(write_event(self._bridged(self._read(data)), "message"))
                answered = True
            elif env.kind == "notification" and self._wanted(env):
                turned.append(write_event(data, "message"))
        return b"".join(turned), answered

    def _wanted(self, env: Env) -> bool:
        """A modern client is told logs only when it asked for them."""
        return self._call.era == "legacy" or env.method != "notifications/message" or LOG_LEVEL_KEY in self._call.meta

    def _answers(self, block: bytes) -> bool:
        if b'"result"' not in block and b'"error"' not in block:
            return False
        for start, end in spans(block):
            data = data_of(block[start:end])
            if data:
                env = _env(data)
                if env.kind == "response":
                    self._note(data, env)
                    return True
        return False


def _is_error(result: bytes) -> bool:
    try:
        return read_members(result).get("isError") == _TRUE
    except Refusal:
        return False  # strange, but not ours to judge where the bytes pass


async def _gather(frames: Frames, most: int, begun: bytes = b"") -> tuple[bytes, bool]:
    """What comes, up to about `most` bytes, and whether that was all."""
    parts, size = ([begun], len(begun)) if begun else ([], 0)
    while not frames.done and size <= most:
        try:
            frame: bytes = await frames.__anext__()
        except StopAsyncIteration:
            return b"".join(parts), True
        parts.append(frame)
        size += len(frame)
    return (parts[0] if len(parts) == 1 else b"".join(parts)), frames.done


def _env(text: bytes) -> Env:
    try:
        return read(text, _DEPTH)
    except Refusal as refusal:
        raise _malformed(refusal) from refusal


def _malformed(refusal: Refusal) -> Refusal:
    reason = f"{refusal.code}: {refusal.detail}"
    return Refusal("upstream_malformed", "The upstream's answer is malformed.", reason=reason)


def _no_answer(reply: Reply) -> Refusal:
    """The refusal for a reply that is no JSON-RPC."""
    status = reply.status
    reason = f"status {status}, {media_type(reply.headers).decode('latin-1') or 'no content type'}"
    if status in (401, 403):
        return Refusal("upstream_credentials", "The upstream refused the gateway's credentials.", reason=reason)
    if status == 429:
        return Refusal("upstream_rate_limited", "The upstream's own limit is reached.", reason=reason)
    return Refusal("upstream_failed", "The upstream failed.", reason=reason)
