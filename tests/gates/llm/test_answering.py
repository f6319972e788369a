"""What a provider answered, as a client of any dialect may have it; what is no answer is none before anyone sees it."""

import json
import threading

import msgspec
import pytest
from tests.builders import make_exchange
from tests.gates.llm import toy
from tests.gates.llm.calls import COUNT, DONE, REPLY, STOP, WORD, chat, event
from tests.gates.llm.test_asking import BOTH, FOREIGN, SPEECH
from tests.gates.llm.test_decoding import Pieces

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.http import Reply
from triplegate.gates.llm.answering import understood
from triplegate.gates.llm.asking import ask
from triplegate.gates.llm.beside import READ, REWRITTEN
from triplegate.gates.llm.call import read_call
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.wire.openai import PROVIDER as OPENAI

OURS = msgspec.structs.replace(SPEECH, codec=OPENAI)
JSON, SSE = b"application/json", b"text/event-stream"


class Answered:
    """One attempt and what came of it."""

    def __init__(self, *pieces, kind=JSON, status=200, foreign=False, **said):
        speech, endpoint = (FOREIGN, BOTH) if foreign else (OURS, CHAT)
        self.exchange = make_exchange()
        self.call = read_call(endpoint, chat("m", **said))
        self.attempt = self.exchange.attempt(Target("deployment", "p/x"))
        self.frames = Pieces(*pieces)
        self.reply = Reply(status, [(b"content-type", kind), (b"content-length", b"99")], self.frames)
        self.how = (self.exchange, self.attempt, self.call, speech, ask(self.call, speech, "x"))

    async def content(self):
        self.reply = await understood(self.reply, *self.how)
        return b"".join([piece async for piece in self.reply.frames])

    async def refused(self):
        with pytest.raises(Refusal) as caught:
            await self.content()
        assert self.frames.closed
        return caught.value.code


async def test_a_whole_answer_of_the_same_dialect_passes_as_it_came():
    case = Answered(REPLY[:9], REPLY[9:])
    assert await case.content() == REPLY
    assert (case.attempt.flow.usage.output_text, case.attempt.flow.whole, case.attempt.error_class) == (5, True, "")
    assert (b"content-length", b"99") in case.reply.headers


async def test_a_whole_answer_of_another_dialect_is_written_anew():
    case = Answered(toy.line("block") + toy.WORD + toy.STOP + toy.COUNT, foreign=True)
    assert await case.content() == b"<word>"
    assert (case.attempt.flow.usage.input_uncached, case.attempt.flow.size) == (5, 6)
    assert case.reply.headers == [(b"content-type", JSON)]


async def test_streams_pass_or_are_written_anew():
    case = Answered(WORD, STOP, COUNT, DONE, kind=SSE, stream=True)
    assert await case.content() == WORD + STOP + DONE
    assert case.attempt.flow.done
    case = Answered(toy.line("block") + toy.WORD, toy.STOP, kind=b"x-toy", foreign=True, stream=True)
    assert await case.content() == b"<word><end of m>"
    assert case.reply.headers == [(b"content-type", b"text/event-stream; charset=utf-8")]


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (Answered(b"<html>", kind=b"text/html"), "upstream_malformed"),
        (Answered(b"<html>"), "upstream_malformed"),
        (Answered(b'{"error":{"message":"no"}}'), "upstream_failed"),
        (Answered(WORD, kind=JSON, stream=True), "upstream_malformed"),
        (Answered(b"", kind=SSE, stream=True), "upstream_reset"),
        (Answered(b"nonsense", foreign=True), "upstream_malformed"),
        (Answered(toy.line("error", "rate"), foreign=True), "upstream_rate_limited"),
        (Answered(toy.line("error", "overload"), kind=b"x-toy", foreign=True, stream=True), "upstream_overloaded"),
    ],
)
async def test_what_is_no_answer_is_refused_before_anyone_sees_it(case, code):
    assert await case.refused() == code


async def test_the_class_of_an_error_inside_a_stream_is_the_attempts():
    case = Answered(toy.line("error", "context_window"), kind=b"x-toy", foreign=True, stream=True)
    assert (await case.refused(), case.attempt.error_class) == ("context_length_exceeded", "context_window")


async def test_an_error_of_the_same_dialect_passes_with_its_class_known():
    body = b'{"error":{"message":"too long"}}'
    case = Answered(body, status=404)
    assert (await case.content(), case.reply.status, case.attempt.error_class) == (body, 404, "model_missing")


async def test_an_error_of_another_dialect_is_told_in_the_clients():
    case = Answered(b"2000 tokens are too many", status=400, foreign=True)
    content = json.loads(await case.content())
    assert (case.reply.status, case.attempt.error_class) == (400, "context_window")
    assert content["error"] == {
        "message": "2000 tokens are too many",
        "type": "invalid_request_error",
        "param": None,
        "code": "context_length_exceeded",
    }


async def test_an_error_that_does_not_end_is_told_in_our_words():
    case = Answered(b"x" * 70_000, b"y" * 70_000, b"z", status=500)
    assert json.loads(await case.content())["error"]["code"] == "upstream_failed"
    assert case.frames.closed


async def test_what_is_too_large_to_gather_streams():
    case = Answered(b'{"choices":"' + b"x" * 1_100_000, b'"}')
    assert len(await case.content()) > 1_100_000
    assert not case.attempt.flow.whole


@pytest.mark.parametrize(
    ("size", "foreign", "on_loop"),
    [(9, True, True), (REWRITTEN, True, False), (REWRITTEN, False, True), (READ, False, False)],
)
async def test_a_large_answer_is_read_beside_the_loop_a_translated_one_sooner(size, foreign, on_loop):
    seen = []

    def noting(read):
        def note(text):
            seen.append(threading.get_ident())
            return read(text)

        return note

    said = "x" * size
    case = Answered(toy.line("text", said) if foreign else json.dumps({"choices": said}).encode(), foreign=foreign)
    exchange, attempt, call, speech, asked = case.how
    codec = msgspec.structs.replace(speech.codec, read_reply=noting(speech.codec.read_reply))
    call.endpoint = msgspec.structs.replace(call.endpoint, usage=noting(call.endpoint.usage))
    case.how = (exchange, attempt, call, msgspec.structs.replace(speech, codec=codec), asked)
    assert said.encode() in await case.content()
    assert [one == threading.get_ident() for one in seen] == [on_loop]


@pytest.mark.parametrize(
    "case",
    [
        Answered(b'{"choices":[{"index":0,"finish_reason":"content_filter","message":{"content":null}}],"usage":{}}'),
        Answered(
            event(choices=[{"index": 0, "delta": {}, "finish_reason": "content_filter"}]) + DONE,
            kind=SSE,
            stream=True,
        ),
        Answered(toy.line("filtered"), foreign=True),
        Answered(toy.line("filtered"), kind=b"x-toy", foreign=True, stream=True),
    ],
    ids=["whole", "streamed", "foreign", "foreign-streamed"],
)
async def test_an_answer_of_which_a_policy_left_nothing_may_be_given_by_another(case):
    await case.content()
    assert (case.reply.status, case.attempt.error_class) == (200, "content_policy")


@pytest.mark.parametrize(("told", "read"), [("null", False), ('"I cannot."', True)])
async def test_a_whole_answer_is_read_for_a_policys_word_only_where_that_says_something(monkeypatch, told, read):
    seen = []
    monkeypatch.setattr(type(OPENAI), "read_reply", lambda _, text: seen.append(text) or [])
    await Answered(
        b'{"choices":[{"index":0,"message":{"content":"x","refusal" : %b}}],"usage":{}}' % told.encode()
    ).content()
    assert bool(seen) is read


async def test_what_a_policy_cut_after_content_is_the_answer():
    case = Answered(
        WORD, event(choices=[{"index": 0, "delta": {}, "finish_reason": "content_filter"}]), kind=SSE, stream=True
    )
    await case.content()
    assert case.attempt.error_class == ""
