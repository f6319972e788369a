"""Questions of our own to a server: one JSON-RPC request, one answer, whatever form it comes in."""

from itertools import count

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers, Reply
from triplegate.gates.mcp.server import Server
from triplegate.wire.jsonrpc import Env, read
from triplegate.wire.sse import SseCutter, data_of, spans

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer to one of our own questions."""

_ids = count(1).__next__


class Told(msgspec.Struct, frozen=True, eq=False):
    """What came back."""

    status: int
    headers: Headers
    env: Env | None
    """The response; None when the body was no JSON-RPC."""

    def header(self, name: bytes) -> bytes:
        """The first value of a field, or nothing."""
        return field(self.headers, name)

    @property
    def error(self) -> int | None:
        """The JSON-RPC error code, if the answer is an error."""
        if self.env is None or not len(self.env.error):
            return None
        return error_code(bytes(self.env.error))


def field(headers: Headers, name: bytes) -> bytes:
    """The first value of a field, or nothing."""
    for key, value in headers:
        if key == name:
            return value
    return b""


def media_type(headers: Headers) -> bytes:
    """Content-Type without parameters, in lower case."""
    said = field(headers, b"content-type")
    return said if said in _USUAL else said.partition(b";")[0].strip().lower()


def form_of(headers: Headers) -> tuple[bytes, bytes]:
    """As `media_type`, and Content-Encoding as sent, by one look."""
    media = coding = None
    for name, value in headers:
        if name == b"content-type" and media is None:
            media = value
        elif name == b"content-encoding" and coding is None:
            coding = value
    media = media or b""
    return media if media in _USUAL else media.partition(b";")[0].strip().lower(), coding or b""


_USUAL = frozenset({b"application/json", b"text/event-stream"})


def error_code(error: bytes) -> int:
    """The code of a raw JSON-RPC error object; -32603 when it has none."""
    try:
        return _code(error).code
    except msgspec.MsgspecError:
        return -32603


class _Error(msgspec.Struct):
    code: int


_code = msgspec.json.Decoder(_Error).decode


async def ask(server: Server, method: str, params: bytes, headers: Headers, longest: float, owner: str = "") -> Told:
    """Send a request and read its whole answer within `longest` seconds. Raises Refusal upstream_*."""
    identity = b"%d" % _ids()
    body = b'{"jsonrpc":"2.0","id":%b,"method":"%b","params":%b}' % (identity, method.encode("ascii"), params)
    reply = await server.send(headers, body, server.own_times(longest), server.deadline(longest), owner=owner)
    try:
        return Told(reply.status, reply.headers, await _answer(reply, identity))
    finally:
        reply.frames.close()


async def _answer(reply: Reply, identity: bytes) -> Env | None:
    if media_type(reply.headers) == b"text/event-stream":
        cutter = SseCutter(LARGEST)
        async for chunk in reply.frames:
            block = cutter.feed(chunk)
            for start, end in spans(block):
                env = _response(data_of(block[start:end]), identity)
                if env is not None:
                    return env
        return None
    parts: list[bytes] = []
    size = 0
    async for chunk in reply.frames:
        parts.append(chunk)
        size += len(chunk)
        if size > LARGEST:
            raise Refusal("upstream_malformed", "The upstream's answer is too large.", reason=f"over {LARGEST} bytes")
    return _response(b"".join(parts), identity)


def _response(text: bytes, identity: bytes) -> Env | None:
    try:
        env = read(text)
    except Refusal:
        return None
    # an error that was found before the id was read has none
    fits = bytes(env.id) == identity or (len(env.error) and bytes(env.id) == b"null")
    return env if env.kind == "response" and fits else None


DEPTH = 1000
"""How deep what a server says may nest."""


def env_of(text: bytes) -> Env:
    """The message that a server sent. Raises Refusal upstream_malformed."""
    try:
        return read(text, DEPTH)
    except Refusal as refusal:
        raise malformed(refusal) from refusal


def malformed(refusal: Refusal) -> Refusal:
    """The refusal for what cannot be read."""
    reason = f"{refusal.code}: {refusal.detail}"
    return Refusal("upstream_malformed", "The upstream's answer is malformed.", reason=reason)
