"""What one attempt brought: an error with its meaning, a whole answer, or a stream held until its first content."""

import re

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.http import Headers, OneFrame, Reply
from triplegate.core.usage import Usage
from triplegate.core.watching import watched_of
from triplegate.gates.llm.asking import Asked, Speech
from triplegate.gates.llm.beside import READ, REWRITTEN
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.cutoff import cutoff_of
from triplegate.gates.llm.dialects import OF_FAMILY
from triplegate.gates.llm.facts import in_background
from triplegate.gates.llm.failures import refusal_of
from triplegate.gates.llm.flow import FILTERED, Flow, Relayed, Translated
from triplegate.gates.llm.keeping import SAMPLED
from triplegate.gates.llm.metering import begin
from triplegate.gates.llm.origins import Background, SealedRelay, Sealing
from triplegate.gates.llm.streaming import Streaming
from triplegate.gates.llm.telling import ANTHROPIC
from triplegate.gates.llm.telling import body as error_body
from triplegate.gates.llm.watching import flow_of
from triplegate.gates.llm.whole import (
    MOST,
    MOST_ERROR,
    MOST_TRANSLATED,
    Large,
    Passing,
    Seen,
    check,
    gathered,
    introduce,
    unfinished,
)
from triplegate.upstreams.retries import class_of_status
from triplegate.wire import anthropic_errors, openai_errors
from triplegate.wire.codec import Shape
from triplegate.wire.custom_tools import unwrapping
from triplegate.wire.neutral_events import Event, Failed, Finish, Start, UsageSeen, is_content

_JSON = (b"content-type", b"application/json")
_EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
_CUT = tuple([b'"%b"' % word.encode("ascii") for word in FILTERED])
_CUT_SO = re.compile(rb"(?:%b)(?![ \t\r\n]*:[ \t\r\n]*null)" % b"|".join(_CUT))
"""Such a word that says something: most answers of OpenAI's have `"refusal": null`."""
_POLICY = "content_policy"
"""An answer of which a content policy left nothing is one only where no fallback for that is named."""
_BY_STATUS = {404: "model_missing", 408: "transient"}
"""Statuses that are no mistake of the client's when a provider says them (llm.md §5.1)."""


async def understood(
    reply: Reply,
    exchange: Exchange,
    attempt: Attempt,
    call: LlmCall,
    speech: Speech,
    asked: Asked,
    sealing: Sealing | None = None,
) -> Reply:
    """`reply` as the client may have it; `attempt.flow` says what is known of it.

    Raises Refusal upstream_* for what is no answer: wrong type, broken, cut or failed before its first content.
    """
    if reply.status >= 400:
        return await _failed(reply, exchange, attempt, call, speech, asked)
    streamed = _streams(reply, call)
    if call.endpoint.any_reply and not streamed and not _is_json(reply.headers):
        attempt.flow = seen = Seen(_asked(call))
        reply.frames = Passing(reply.frames, seen)
        return reply
    wanted = speech.codec.stream_type if asked.translated and speech.codec else b"text/event-stream"
    _look(reply, wanted if streamed else b"json")
    if streamed:
        flow = _flow(exchange, attempt, call, speech, asked, sealing)
        frames = Streaming(reply.frames, flow, attempt.target.name)
        attempt.flow = flow
        try:
            await frames.hold(speech.first_token, speech.head_hold)
        except Refusal:
            if flow.error is not None:
                attempt.error_class = flow.error.kind
            raise
        if flow.filtered and not flow.content:
            attempt.error_class = _POLICY
        frames.cutoff = cutoff_of(exchange, attempt, call)
        reply.frames = frames
        if asked.translated:
            reply.headers = _retyped(reply.headers, _EVENTS)
        return reply
    return await _whole(reply, exchange, attempt, call, speech, asked, sealing)


def _look(reply: Reply, wanted: bytes) -> None:
    """A page where an answer should be is none, whatever its status. Raises Refusal upstream_malformed."""
    for name, value in reply.headers:
        if name == b"content-type" and wanted in value.lower():
            return
    reply.frames.close()
    raise Refusal(
        "upstream_malformed",
        "The provider's answer is of the wrong type.",
        reason=f"status {reply.status}, no {wanted!r}",
    )


def _is_json(headers: Headers) -> bool:
    return any(name == b"content-type" and b"json" in value.lower() for name, value in headers)


def _streams(reply: Reply, call: LlmCall) -> bool:
    """Whether the answer streams: as the call says, or as the answer itself says where calls are hardly read."""
    if call.endpoint.relay is None or call.endpoint.generates:
        return call.streamed
    return any(name == b"content-type" and b"text/event-stream" in value.lower() for name, value in reply.headers)


def _asked(call: LlmCall) -> Usage | None:
    return None if call.endpoint.asked is None else call.endpoint.asked(call.look)


def _flow(
    exchange: Exchange, attempt: Attempt, call: LlmCall, speech: Speech, asked: Asked, sealing: Sealing | None
) -> Flow:
    endpoint = call.endpoint
    watched = watched_of(exchange.looks)
    if not asked.translated:
        assert endpoint.relay is not None
        fail = anthropic_errors.event if endpoint.family == ANTHROPIC else openai_errors.event
        relay = endpoint.relay(not call.wants_usage)
        if watched is not None and endpoint.codec is not None and not in_background(call):
            reader = OF_FAMILY[endpoint.family].reader()
            return flow_of(watched, relay, fail, reader, endpoint.codec.writer(_shape(exchange, call)), sealing)
        if sealing is None:
            return Relayed(relay, fail)
        if in_background(call):
            return Background(relay, fail, sealing, begin(exchange, attempt, call))
        return SealedRelay(relay, fail, sealing)
    assert speech.codec is not None
    assert endpoint.codec is not None
    unwrapped = unwrapping(speech.codec.family, call.request())
    return Translated(speech.codec.reader(), endpoint.codec.writer(_shape(exchange, call)), unwrapped, watched)


def _shape(exchange: Exchange, call: LlmCall) -> Shape:
    created = int(exchange.house.clock.wall())
    return Shape(call.model, exchange.id, created, call.wants_usage, call.request())


async def _whole(
    reply: Reply,
    exchange: Exchange,
    attempt: Attempt,
    call: LlmCall,
    speech: Speech,
    asked: Asked,
    sealing: Sealing | None,
) -> Reply:
    frames = reply.frames
    seen = attempt.flow = Seen()
    try:
        seen_whole = exchange.looks is not None and call.endpoint.codec is not None
        text, complete = await gathered(
            frames, MOST_TRANSLATED if asked.translated or asked.whole or seen_whole else MOST
        )
        if not complete:
            if asked.translated or seen_whole:  # what nobody could look at does not pass
                raise Refusal("upstream_malformed", "The provider's answer is too large to be read here.")
            reply.frames = Large(text, frames, seen)
            return reply
        if len(text) < (REWRITTEN if asked.translated else READ):
            content, events = _read(text, seen, exchange, attempt, call, speech, asked, sealing)
        else:
            content, events = await speech.beside.run(
                _read, text, seen, exchange, attempt, call, speech, asked, sealing
            )
        if exchange.looks is not None and events:
            content = await _looked_at(content, events, exchange, call, sealing)
    except BaseException:
        frames.close()
        raise
    frames.close()
    if events and _filtered(events):
        attempt.error_class = _POLICY
    seen.size, seen.whole = len(content), True
    reply.frames = OneFrame(content)
    if asked.translated:
        reply.headers = _retyped(reply.headers, _JSON)
    elif sealing is not None:  # its length is told anew by whoever sends it
        reply.headers = [line for line in reply.headers if line[0] != b"content-length"]
    return reply


async def _looked_at(
    content: bytes, events: list[Event], exchange: Exchange, call: LlmCall, sealing: Sealing | None
) -> bytes:
    """The whole answer as those who look at it let it be. Raises Refusal."""
    watched, codec = watched_of(exchange.looks), call.endpoint.codec
    assert watched is not None
    if codec is None:
        return content
    seen = watched.feed(events)
    seen += await watched.end()
    if not watched.changes:
        return content
    written = codec.write_reply(seen, _shape(exchange, call))
    return written if sealing is None else sealing(written)


def _read(
    text: bytes,
    seen: Seen,
    exchange: Exchange,
    attempt: Attempt,
    call: LlmCall,
    speech: Speech,
    asked: Asked,
    sealing: Sealing | None,
) -> tuple[bytes, list[Event]]:
    """The whole answer as the client gets it, and its events as far as they matter."""
    if asked.translated:
        return _answer(text, seen, exchange, call, speech)
    content, events = _passed(text, seen, call), _events(text, exchange, call, speech)
    if seen.usage is None and sealing is not None and (begun := unfinished(text)):
        seen.usage, charged = begin(exchange, attempt, call)
        sealing.noted = (begun, charged.note)
    if exchange.trace[-1:] in SAMPLED:
        introduce(seen, content)
    return (content if sealing is None else sealing(content)), events


def _passed(text: bytes, seen: Seen, call: LlmCall) -> bytes:
    seen.usage = call.endpoint.usage(text)
    if seen.usage is None:
        check(text)
        seen.usage = _asked(call)
    return text


def _events(text: bytes, exchange: Exchange, call: LlmCall, speech: Speech) -> list[Event]:
    """All events of an answer that somebody looks at; of others those that matter here."""
    if exchange.looks is None or call.endpoint.codec is None:
        return _doubtful(text, speech)
    return [] if in_background(call) and unfinished(text) else OF_FAMILY[call.endpoint.family].read_reply(text)


def _doubtful(text: bytes, speech: Speech) -> list[Event]:
    """The events of an answer that its words suggest was cut by a content policy; of others none are read."""
    if speech.codec is None or not [word for word in _CUT if word in text] or not _CUT_SO.search(text):
        return []
    try:
        return speech.codec.read_reply(text)
    except Refusal:
        return []


def _filtered(events: list[Event]) -> bool:
    """Whether a content policy left nothing of the answer."""
    ended = any(isinstance(event, Finish) and event.reason in FILTERED for event in events)
    return ended and not any(is_content(event) for event in events)


def _answer(text: bytes, seen: Seen, exchange: Exchange, call: LlmCall, speech: Speech) -> tuple[bytes, list[Event]]:
    assert speech.codec is not None
    assert call.endpoint.codec is not None
    events = speech.codec.read_reply(text)
    unwrapped = unwrapping(speech.codec.family, call.request())
    if unwrapped is not None:
        events = unwrapped(events)
    for event in events:
        if isinstance(event, UsageSeen):
            seen.usage = event.usage
        elif isinstance(event, Start):
            seen.model, seen.id = event.model, event.id
        elif isinstance(event, Finish):
            seen.finish_reason = event.raw or event.reason
        elif isinstance(event, Failed):
            raise refusal_of(event, call.model)
    return call.endpoint.codec.write_reply(events, _shape(exchange, call)), events


async def _failed(
    reply: Reply, exchange: Exchange, attempt: Attempt, call: LlmCall, speech: Speech, asked: Asked
) -> Reply:
    """The provider's error: its class decides what is tried next; a client of another dialect gets it in its own."""
    try:
        text, complete = await gathered(reply.frames, MOST_ERROR)
    except Refusal:
        text, complete = b"", False
    finally:
        reply.frames.close()
    failed = _meaning(reply, text, speech)
    attempt.error_class, attempt.wait = failed.kind, failed.wait
    if asked.translated or not complete:
        refusal = refusal_of(failed, attempt.target.name)
        text = error_body(refusal, call.endpoint.family, exchange)
        reply.status = refusal.status
        reply.headers = _retyped(reply.headers, _JSON)
    reply.frames = OneFrame(text)
    return reply


def _meaning(reply: Reply, text: bytes, speech: Speech) -> Failed:
    if speech.codec is not None:
        return speech.codec.read_error(reply.status, reply.headers, text)
    kind = _BY_STATUS.get(reply.status) or class_of_status(reply.status)
    return Failed(kind, status=reply.status)  # type: ignore[arg-type]  # one of the classes


def _retyped(headers: Headers, kind: tuple[bytes, bytes]) -> Headers:
    """The fields with another content type: what was said of the provider's bytes is not true of ours."""
    return [line for line in headers if line[0] not in (b"content-type", b"content-length", b"etag")] + [kind]
