"""What a call used and cost, from the reply itself or by estimate, once, however it ends."""

import json

import pytest
from tests.builders import make_exchange
from tests.gates.llm.calls import COUNT, DONE, REPLY, STOP, USAGE, WORD, chat, event

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.money import Price
from triplegate.core.usage import Usage
from triplegate.gates.llm.gate import read_call
from triplegate.gates.llm.metering import Meter, StreamEncoder, WholeEncoder, estimate, reserved
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS

PRICE = Price(version="v1", call=5, input=1_000_000, output=2_000_000)
TARGET = Target("deployment", "d", price=PRICE)


class Case:
    """One call with an adopted attempt, and its encoder."""

    def __init__(self, kind, text, dialect=CHAT, target=TARGET):
        self.exchange = make_exchange()
        self.call = read_call(dialect, text)
        self.attempt = self.exchange.attempt(target)
        self.attempt.adopted = True
        self.meter = Meter(self.exchange, self.attempt, self.call)
        self.encoder = kind(self.exchange, self.call, self.meter)

    def cost_header(self):
        return dict(self.exchange.reply_headers).get(b"x-triplegate-cost")


def whole(**more):
    return Case(WholeEncoder, chat(), **more)


def streamed(**more):
    return Case(StreamEncoder, chat(stream=True, **more))


# whole -----------------------------------------------------------------------------------------------------
def test_a_whole_reply_passes_as_it_is_and_says_its_cost():
    case = whole()
    assert b"".join([case.encoder.feed(REPLY[:9]), case.encoder.feed(REPLY[9:]), case.encoder.finish()]) == REPLY
    assert (case.attempt.cost, case.exchange.usage.source) == (10 + 10 + 5, "provider")
    assert case.cost_header() == b"0.0000000025"
    assert case.exchange.numbers.price_version == "v1"


def test_a_reply_that_is_silent_is_estimated():
    case = whole()
    case.encoder.feed(b'{"choices":[]}')
    case.encoder.finish()
    usage = case.exchange.usage
    assert (usage.source, usage.output_text, usage.input_uncached) == ("estimated", 3, case.call.size // 4)
    vectors = Case(WholeEncoder, b'{"model":"m","input":"abcdefgh"}', dialect=EMBEDDINGS)
    vectors.encoder.feed(b'{"data":[1,2,3]}')
    vectors.encoder.finish()
    assert (vectors.exchange.usage.output_total, vectors.exchange.usage.input_total) == (0, 8)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"error":{"message":"no"}}', "upstream_failed"),
        (b"<html>", "upstream_malformed"),
        (b"", "upstream_malformed"),
        (b'{"choices":[', "upstream_malformed"),
    ],
)
def test_what_is_no_answer_is_refused_and_costs_nothing(text, code):
    case = whole()
    case.encoder.feed(text)
    with pytest.raises(Refusal) as caught:
        case.encoder.finish()
    case.exchange.close("failed")
    assert (caught.value.code, case.attempt.cost, case.exchange.usage.source) == (code, 0, "none")
    assert case.cost_header() is None


def test_a_reply_too_large_to_keep_is_counted_by_its_tail():
    case = whole()
    case.encoder.feed(b'{"choices":["' + b"x" * 1_500_000)
    case.encoder.feed(b"y" * 100_000)
    case.encoder.feed(
        b'"],"usage":' + json.dumps(USAGE | {"prompt_tokens_details": {"cached_tokens": 4}}).encode() + b"}"
    )
    assert len(case.encoder._kept[0]) <= 16_384
    case.encoder.finish()
    usage = case.exchange.usage
    assert (usage.source, usage.input_uncached, usage.cache_read, usage.output_text) == ("provider", 6, 4, 5)


def test_a_whole_reply_that_was_cut_is_counted_by_what_came():
    case = whole()
    case.encoder.feed(b'{"choices":"' + b"x" * 88)
    case.exchange.close("gone")
    assert (case.exchange.usage.source, case.exchange.usage.output_text) == ("partial", 25)
    (record,) = case.exchange.house.spool.records
    assert (record.usage_source, record.cost) == ("partial", case.attempt.cost)
    assert record.cost > 0


# streamed --------------------------------------------------------------------------------------------------
def test_a_stream_hides_the_usage_it_asked_for_itself():
    case = streamed()
    sent = b"".join(case.encoder.feed(one) for one in (WORD, STOP, COUNT))
    assert sent == WORD + STOP
    assert case.encoder.feed(DONE) == DONE
    asked = streamed(stream_options={"include_usage": True})
    assert asked.encoder.feed(WORD + STOP + COUNT + DONE) == WORD + STOP + COUNT + DONE
    for one in (case, asked):
        assert (one.exchange.usage.source, one.attempt.cost) == ("provider", 25)


def test_the_exchange_is_closed_before_the_end_marker_leaves():
    case = streamed()
    case.encoder.feed(WORD + STOP + COUNT)
    assert case.exchange.outcome is None
    content = case.encoder.feed(DONE)
    (record,) = case.exchange.house.spool.records
    assert (record.outcome, record.usage_source, record.bytes_out) == ("ok", "provider", len(content))
    assert case.encoder.finish() == b""


def test_an_end_without_a_marker_is_an_end_when_the_model_finished():
    case = streamed()
    case.encoder.feed(WORD + STOP)
    assert case.encoder.finish() == b""
    assert (case.exchange.refusal, case.exchange.usage.source, case.exchange.usage.output_text) == (None, "partial", 2)


def test_an_end_that_is_none_is_told_by_an_error_event_and_booked_as_partial():
    case = streamed()
    case.encoder.feed(WORD * 3 + b"da")
    with pytest.raises(Refusal) as caught:
        case.encoder.finish()
    last = case.encoder.fail(caught.value)
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_reset"
    assert b"[DONE]" not in last
    case.exchange.close("failed")
    assert (case.exchange.usage.source, case.exchange.usage.output_text) == ("partial", 3)


def test_a_providers_own_error_event_passes_and_the_call_has_failed():
    case = streamed()
    error = event(error={"message": "overloaded"})
    assert case.encoder.feed(WORD + error) == WORD + error
    assert case.encoder.feed(DONE) == DONE  # as it came; the exchange is not closed as if all were well
    assert case.exchange.outcome is None
    assert case.encoder.finish() == b""
    assert (case.exchange.refusal.code, case.exchange.refusal.reason) == ("upstream_failed", "overloaded")


def test_a_client_that_left_is_booked_by_what_it_saw():
    case = streamed()
    case.encoder.feed(WORD + WORD)
    case.exchange.close("gone")
    (record,) = case.exchange.house.spool.records
    assert (record.outcome, record.usage_source, record.tokens[6]) == ("gone", "partial", 2)
    assert record.cost == PRICE.cost(case.exchange.usage.tokens())


# the meter -------------------------------------------------------------------------------------------------
def test_a_call_is_booked_once():
    case = whole()
    assert case.meter.book(Usage(input_uncached=2, source="provider")) == 7
    assert case.meter.book(Usage(input_uncached=99, source="provider")) == 7
    case.meter.book_cut(50)
    assert (case.attempt.cost, case.exchange.numbers.list_cost) == (7, 7)


def test_without_a_price_it_costs_nothing():
    case = whole(target=Target("deployment", "d"))
    case.encoder.feed(REPLY)
    case.encoder.finish()
    assert (case.attempt.cost, case.cost_header(), case.exchange.usage.input_total) == (0, b"0", 10)
    assert reserved(case.call, Target("deployment", "d")) == 0


def test_the_intent_sets_aside_what_the_client_allowed_or_512_tokens():
    bound, free = read_call(CHAT, chat(max_tokens=10, n=2)), read_call(CHAT, chat())
    assert reserved(bound, TARGET) == 5 + bound.size // 4 + 20 * 2
    assert reserved(free, TARGET) == 5 + free.size // 4 + 512 * 2
    vectors = read_call(EMBEDDINGS, b'{"model":"m","input":"abcdefgh"}')
    assert reserved(vectors, TARGET) == 5 + 8
    assert estimate(free, 0, "partial").source == "partial"
