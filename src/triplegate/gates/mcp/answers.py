"""An upstream's answer to a tool call as the client gets it: the result's bytes pass, its frame is the client's."""

import asyncio
import re
from collections.abc import Callable

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt
from triplegate.core.http import Frames, Reply
from triplegate.gates.mcp.asking import DEPTH, env_of, error_code, form_of, malformed, media_type
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.connecting import US
from triplegate.gates.mcp.frames import PrefixFrames, UnlinkedFrames
from triplegate.gates.mcp.hearing import Tell
from triplegate.gates.mcp.line import Line
from triplegate.gates.mcp.links import Links
from triplegate.gates.mcp.parking import Parking
from triplegate.gates.mcp.refusals import json_reply
from triplegate.gates.mcp.turning import Again, Turning
from triplegate.wire.json_members import depth_within, is_object, read_members, set_members
from triplegate.wire.jsonrpc import Env
from triplegate.wire.mcp_bridge import (
    error_not_found,
    legacy_result,
    modern_result,
    readdress,
    rename_contents,
)
from triplegate.wire.mcp_era import status_of
from triplegate.wire.mcp_links import asks_input, error_fits, may_link, result_fits
from triplegate.wire.mcp_resource_links import rename_links

_GATHERED = 1_048_576  # bytes of a JSON answer that are gathered; what is larger streams
_READDRESSED = 16 * 1024 * 1024  # bytes gathered of one whose id stands behind its result
_CHECKED = 65_536  # bytes up to which an answer that could pass unread is checked to be the answer
_FAILED = re.compile(rb'"isError"\s*:\s*true|"error"\s*:')
_LINKING = ("tools/call", "prompts/get")
_any = msgspec.json.Decoder().decode
_TRUE = msgspec.Raw(b"true")


class Answer:
    """One attempt's answer on its way to the client."""

    __slots__ = (
        "_again",
        "_attempt",
        "_line",
        "_links",
        "_ours",
        "_read_item",
        "_renamed",
        "_rewrites",
        "_same",
        "_tell",
        "asked",
        "call",
        "keeps",
        "parking",
        "screened",
        "wraps",
    )

    def __init__(
        self,
        call: McpCall,
        attempt: Attempt | None,
        line: Line | None,
        again: Again | None = None,
        tell: Tell | None = None,
    ) -> None:
        """`line`: to a legacy server; None: a modern one, which was sent the client's id.

        `again`: the rest of a stream that ended too early; `tell`: hears what a server with sessions tells everybody
        on the stream of one call.
        """
        self.call, self._attempt, self._line, self._again, self._tell = call, attempt, line, again, tell
        self._ours = None if line is None else line.number
        self._same = (line is None) == (call.era == "modern")
        item = call.item if call.method == "resources/read" else None
        self._read_item = item
        self._renamed = item is not None and item.name != item.own.name
        self._links = _links(call)
        self._rewrites = self._renamed or self._links is not None
        self.wraps: Callable[[bytes], bytes] | None = None
        """Puts answers to questions of our own into the state of a server's `input_required`."""
        self.screened = False
        """Its result is looked at behind this: nobody may fetch the rest of its stream past that."""
        self.keeps = False
        """A server's `input_required` is kept back, because the client of the session is asked in its stead."""
        self.parking: Parking | None = None
        """Lets the call wait at a server with sessions that asks; None: such a server is told that nobody can be."""
        self.asked: bytes | None = None
        """What was kept back."""

    async def reply(self, reply: Reply) -> Reply:
        """What the client gets. Raises Refusal upstream_* when it is no answer."""
        frames, (media, coding) = reply.frames, form_of(reply.headers)
        try:
            if coding and coding.lower() != b"identity":
                raise Refusal("upstream_malformed", "The upstream's answer is malformed.", reason="compressed")
            if media == b"text/event-stream" and reply.status == 200:
                return Turning(self, self._line, self._again, self._tell).reply(frames)
            if media == b"application/json" and reply.status not in (401, 403, 429):
                return await self._json(reply, frames)
            raise no_answer(reply)
        except BaseException:
            frames.close()
            raise

    # a JSON answer -----------------------------------------------------------------------------------------------
    async def _json(self, reply: Reply, frames: Frames) -> Reply:
        text, whole = frames.at_once(), True
        if text is None:
            text, whole = await _gather(frames, _GATHERED)
        if not whole and self._links is not None:  # which stand anywhere in it
            text, whole = await _gather(frames, _READDRESSED, text)
        if not whole and reply.status == 200:
            head = None if may_link(text) else self._head(text)
            if head is not None:
                headers = [(b"content-type", b"application/json"), (b"server", b"triplegate")]
                return Reply(200, headers, PrefixFrames(head, UnlinkedFrames(text, frames)))
            text, whole = await _gather(frames, _READDRESSED, text)
        if not whole:
            raise Refusal("upstream_malformed", "The upstream's answer is malformed.", reason="too large to be read")
        frames.close()
        if len(text) > _GATHERED:
            content, status = await asyncio.to_thread(self._whole, text, reply)
        else:
            content, status = self._whole(text, reply)
        answer = json_reply(content, status)
        answer.source = "upstream"
        return answer

    def _head(self, text: bytes) -> bytes | None:
        """The beginning of a large answer as the client gets it; None where the whole must be read for it."""
        if self.passes:
            return text
        completes, keeps = self.call.era == "modern" and not self._same, self._read_item is not None
        return readdress(text, self.call.id, complete=completes, keeps=keeps)

    @property
    def passes(self) -> bool:
        """Whether the bytes need no change at all: both sides are modern, and so is the id; URIs are the same."""
        return self._ours is None and self._same and self.wraps is None and not self._rewrites

    def _usual(self, text: bytes) -> bytes | None:
        """A result in the frame that nearly all servers write, with the client's id; None: it takes a closer look.

        Where one object stands between this beginning and the last brace, the frame has these members and each once.
        """
        identity = self.call.id if self._ours is None else b"%d" % self._ours
        start = b'{"jsonrpc":"2.0","id":%b,"result":' % identity
        if not self._same or not text.startswith(start) or b"\\u" in text or b"input_required" in text:
            return None
        if self._links is not None and b'"resource' in text:
            return None
        result = text[len(start) : -1]
        if text[-1:] != b"}" or not is_object(result) or not depth_within(text, DEPTH) or _seems_failed(text):
            return None
        return text if self._ours is None else b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (self.call.id, result)

    def _whole(self, text: bytes, reply: Reply) -> tuple[bytes, int]:
        if len(text) <= _CHECKED and reply.status == 200 and not (self._renamed or self.keeps or self.wraps):
            usual = self._usual(text)
            if usual is not None:
                return usual, 200
        if (
            len(text) > _CHECKED
            and self._same
            and self.wraps is None
            and not self._rewrites
            and self._final(text, reply)
        ):
            start = b'{"jsonrpc":"2.0","id":%d,' % (self._ours or 0)
            if self.passes and text[:1] == b"{":
                self.note(text)
                return text, 200
            if not self.passes and text.startswith(start):
                self.note(text)
                return b'{"jsonrpc":"2.0","id":%b,%b' % (self.call.id, text[len(start) :]), 200
        try:
            env = self.read(text)
        except Refusal:
            if reply.status >= 400:
                raise no_answer(reply) from None
            raise
        return self.bridged(env), self._status(env, reply.status)

    def _final(self, text: bytes, reply: Reply) -> bool:
        """Whether a large answer can only be a result, which asks nothing."""
        return reply.status == 200 and b'"error"' not in text and not may_link(text)

    def _status(self, env: Env, status: int) -> int:
        if self.call.era == "legacy":
            return 200
        if self._ours is None:
            return status
        if not len(env.error):
            return 200
        code = error_code(bytes(env.error))
        return 400 if code == -32002 and self._read_item is not None else status_of(code)

    # one message ---------------------------------------------------------------------------------------------------
    def read(self, text: bytes) -> Env:
        """The response to this call. Raises Refusal upstream_malformed."""
        env = env_of(text)
        expected = self.call.id if self._ours is None else b"%d" % self._ours
        given = bytes(env.id)
        fits = given == expected or (len(env.error) and given == b"null") or _any(given) == _any(expected)
        if env.kind != "response" or not fits:
            raise Refusal("upstream_malformed", "The upstream's answer is malformed.", reason="another call's response")
        return env

    def bridged(self, env: Env) -> bytes:
        """As `_bridge`; a result that is no object or says a member twice is the upstream's fault, not the client's."""
        try:
            return self._bridge(env)
        except Refusal as refusal:
            if refusal.code == "invalid_body":
                raise malformed(refusal) from refusal
            raise

    def _bridge(self, env: Env) -> bytes:
        """The response with the client's id and in its era; within one era every other byte stays."""
        self.check(env)
        changes: dict[str, bytes] = {}
        if bytes(env.id) != self.call.id:
            changes["id"] = self.call.id
        modern, item = self.call.era == "modern", self._read_item
        if len(env.error):
            self._classify("rpc_error", env)
            if item is not None and (self._renamed or not self._same):
                changes["error"] = error_not_found(bytes(env.error), item.name, modern=modern)
            return set_members(env.text, env.members, changes)
        result = bytes(env.result)
        self.note(result, env)
        if (self.keeps or self.wraps is not None) and asks_input(result):
            if self.wraps is None:
                self.asked = result
                return b""
            changes["result"] = self.wraps(result)
            return set_members(env.text, env.members, changes)
        if self._links is not None and (linked := rename_links(result, self._links)) is not result:
            result = changes["result"] = linked
        if self._renamed and item is not None:
            result = changes["result"] = rename_contents(result, item.own.name, item.name)
        if not self._same:
            keeps = item is not None
            changes["result"] = modern_result(result, US, keeps=keeps) if modern else legacy_result(result)
        return set_members(env.text, env.members, changes) if changes else env.text

    def check(self, env: Env) -> None:
        """Raises Refusal upstream_malformed when a user would be sent to something that is no web page."""
        if not (error_fits(bytes(env.error)) and result_fits(bytes(env.result))):
            raise Refusal("upstream_malformed", "The upstream's answer is malformed.", reason="a link to no web page")

    def note(self, text: bytes, env: Env | None = None) -> None:
        """A result that says isError is a failed tool, though the call itself went well."""
        if not _seems_failed(text):
            return
        env = env or env_of(text)
        if len(env.error):
            self._classify("rpc_error", env)
        elif _is_error(bytes(env.result)):
            self._classify("tool_error")

    def _classify(self, error_class: str, env: Env | None = None) -> None:
        if self._attempt is not None:
            self._attempt.error_class = error_class
            self._attempt.flow = None if env is None else error_code(bytes(env.error))


def _links(call: McpCall) -> Links | None:
    """What links in its result are called by its client; None: as by the server."""
    if call.item is None or call.view is None or call.method not in _LINKING:
        return None
    return call.view.links(call.item.server)


def _seems_failed(text: bytes) -> bool:
    return (b'"isError"' in text or b'"error"' in text) and _FAILED.search(text) is not None


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


def no_answer(reply: Reply) -> Refusal:
    """The refusal for a reply that is no JSON-RPC."""
    status = reply.status
    reason = f"status {status}, {media_type(reply.headers).decode('latin-1') or 'no content type'}"
    if status in (401, 403):
        return Refusal("upstream_credentials", "The upstream refused the gateway's credentials.", reason=reason)
    if status == 429:
        return Refusal("upstream_rate_limited", "The upstream's own limit is reached.", reason=reason)
    return Refusal("upstream_failed", "The upstream failed.", reason=reason)
