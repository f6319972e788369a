"""Move a reply to the client: head, frames as they come, and an end that is never a lie."""

import asyncio
import contextlib

from triplegate.core.booking import overhead_us
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Encoder, Headers, OneFrame, Reply, Wire
from triplegate.core.record import Outcome
from triplegate.wire.headers import is_event_stream
from triplegate.wire.ratelimit import fields

_GATHER = 1_048_576  # a reply to be sent whole streams after all when it is larger

_READ_ON = 60.0
"""Seconds for the rest of a reply whose client left."""
_CLOSE = (b"connection", b"close")
_UNREAD = frozenset({"malformed_request", "body_timeout"})
"""Where a message ends is in doubt, or its end may never come: nothing may follow on the connection (P-17)."""


async def pump(exchange: Exchange, reply: Reply, encoder: Encoder, wire: Wire) -> None:
    """Send `reply`; the exchange is closed before the byte that completes the message.

    A failure after the head is told in-band where the dialect can, else the message stays visibly incomplete.
    """
    try:
        if encoder.whole:
            await _whole(exchange, reply, encoder, wire)
        else:
            await _stream(exchange, reply, encoder, wire)
    except asyncio.CancelledError:
        if wire.gone and reply.on_gone == "finish":
            await _read_on(reply)
        if not wire.stopping or wire.gone:
            raise
        uncancel()
        why = exchange.refusal or Refusal("draining", "The gateway is shutting down.", retry_after=1.0)
        await _fail(exchange, encoder, wire, why)
    except Refusal as refusal:
        await _fail(exchange, encoder, wire, refusal)
    finally:
        reply.frames.close()


async def _read_on(reply: Reply) -> None:
    """Nobody listens any more; the rest is read so that what it cost is known. Frames can be awaited anew."""
    uncancel()
    with contextlib.suppress(Refusal, TimeoutError):
        async with asyncio.timeout(_READ_ON):
            async for _ in reply.frames:
                pass


async def _stream(exchange: Exchange, reply: Reply, encoder: Encoder, wire: Wire) -> None:
    frames = reply.frames
    if type(frames) is OneFrame:
        await _at_once(exchange, reply, encoder, frames.content, wire)
        return
    await _head(exchange, reply, wire)
    if frames.done:
        await _end(exchange, reply, encoder.finish(), wire)
        return
    numbers = exchange.numbers
    if not frames.ready:
        numbers.streamed = numbers.streamed or is_event_stream(reply.headers)
        await wire.body(b"")  # nothing to send yet: the head goes alone, at once
    first = True
    async for frame in frames:
        content = encoder.feed(frame)
        if frames.done:  # it became so while the frame was awaited
            await _end(exchange, reply, content + encoder.finish(), wire)  # type: ignore[unreachable]
            return
        if first:
            first = False
            numbers.streamed = numbers.streamed or is_event_stream(reply.headers)
        if content:
            numbers.bytes_out += len(content)
            await wire.body(content)
    await _end(exchange, reply, encoder.finish(), wire)


async def _at_once(exchange: Exchange, reply: Reply, encoder: Encoder, content: bytes, wire: Wire) -> None:
    """All of it is here."""
    numbers = exchange.numbers
    numbers.first_byte = exchange.house.clock.now()
    numbers.status = reply.status
    await wire.head(reply.status, head_fields(exchange, reply))
    content = (encoder.feed(content) if content else b"") + encoder.finish()
    numbers.bytes_out += len(content)
    exchange.close(outcome_of(exchange, reply))
    await wire.end(content, reply.trailers)


async def _head(exchange: Exchange, reply: Reply, wire: Wire) -> None:
    numbers = exchange.numbers
    numbers.first_byte = exchange.house.clock.now()
    numbers.status = reply.status
    await wire.head(reply.status, head_fields(exchange, reply))


async def _end(exchange: Exchange, reply: Reply, content: bytes, wire: Wire) -> None:
    exchange.numbers.bytes_out += len(content)
    exchange.close(outcome_of(exchange, reply))
    await wire.end(content, reply.trailers)


async def _whole(exchange: Exchange, reply: Reply, encoder: Encoder, wire: Wire) -> None:
    """Gather a bounded reply, so that errors met meanwhile still get a real status and the cost gets its header."""
    parts: list[bytes] = []
    size = 0
    frames = reply.frames
    async for frame in frames:
        content = encoder.feed(frame)
        parts.append(content)
        size += len(content)
        if size > _GATHER:
            await _head(exchange, reply, wire)
            await wire.body(b"".join(parts))
            exchange.numbers.bytes_out += size
            async for rest in frames:
                content = encoder.feed(rest)
                exchange.numbers.bytes_out += len(content)
                await wire.body(content)
            await _end(exchange, reply, encoder.finish(), wire)
            return
        if frames.done:
            break
    parts.append(encoder.finish())
    content = b"".join(parts)
    reply.headers.append((b"content-length", str(len(content)).encode()))
    await _head(exchange, reply, wire)
    await _end(exchange, reply, content, wire)


async def _fail(exchange: Exchange, encoder: Encoder, wire: Wire, refusal: Refusal) -> None:
    if not wire.started:
        raise refusal  # there is still time for a proper answer
    exchange.refusal = exchange.refusal or refusal
    content = encoder.fail(refusal)
    exchange.close("failed")
    if content is None:
        wire.abort()
        return
    exchange.numbers.bytes_out += len(content)
    await wire.end(content)


def head_fields(exchange: Exchange, reply: Reply) -> Headers:
    """The reply's own headers and those promised to every client, refusals included."""
    headers = reply.headers + exchange.reply_headers
    if exchange.standings:
        headers += fields(exchange.standings, exchange.plan)
    refusal = exchange.refusal
    if refusal is not None and refusal.code in _UNREAD:
        _ask_to_close(exchange, headers)
    headers.append((b"x-request-id", exchange.request_id))
    headers.append((b"x-triplegate-overhead-ms", b"%.2f" % (overhead_us(exchange) / 1000)))
    return headers


def _ask_to_close(exchange: Exchange, headers: Headers) -> None:
    if exchange.inbound.http_version[:1] == "1" and _CLOSE not in headers:
        headers.append(_CLOSE)


def uncancel() -> None:
    """Take the running task's cancellation back: it goes on, to tell the client."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


_OWN_FAILURES = frozenset({"internal", "no_backend", "no_endpoint"})


def outcome_of(exchange: Exchange, reply: Reply) -> Outcome:
    """What an exchange is that ends with this reply."""
    refusal = exchange.refusal
    if refusal is not None:
        return "failed" if refusal.code.startswith("upstream_") or refusal.code in _OWN_FAILURES else "refused"
    return "failed" if reply.status >= 500 else "ok"
