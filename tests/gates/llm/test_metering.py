"""What a call used and cost, from the reply itself or by estimate, once, however it ends."""

import json

import msgspec
import pytest
from tests.builders import make_exchange
from tests.gates.llm.calls import COUNT, DONE, REPLY, STOP, USAGE, WORD, chat, event

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame
from triplegate.core.money import Price
from triplegate.core.usage import Usage
from triplegate.gates.llm.call import read_call
from triplegate.gates.llm.flow import Relayed
from triplegate.gates.llm.metering import (
    Meter,
    StreamEncoder,
    WholeEncoder,
    aside,
    book_left,
    book_unsure,
    estimate,
    reserved,
)
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS
from triplegate.gates.llm.sizing import raw_tokens
from triplegate.gates.llm.whole import Large, Seen
from triplegate.wire import openai_errors

PRICE = Price(version="v1", call=5, input=1_000_000, output=2_000_000)
TARGET = Target("deployment", "d", price=PRICE)


class Case:
    """One call with an adopted attempt, and its encoder."""

    def __init__(self, kind, text, dialect=CHAT, target=TARGET, seen=None):
        self.exchange = make_exchange()
        self.call = read_call(dialect, text)
        self.attempt = self.exchange.attempt(target)
        self.attempt.adopted = True
        self.meter = Meter(self.exchange, self.attempt, self.call)
        if kind is StreamEncoder:
            relay = dialect.relay(not self.call.wants_usage)
            self.flow = Relayed(relay, openai_errors.event)
            self.encoder = StreamEncoder(self.exchange, self.flow, self.meter, "d")
        else:
            self.seen = seen or Seen(CHAT.usage(REPLY), len(REPLY), whole=True)
            large = Large(b"", OneFrame(), self.seen) if not self.seen.whole else None
            self.encoder = WholeEncoder(self.exchange, self.call, self.meter, self.seen, large)

    def sent(self, *events):
        """What the client gets for these events, one frame each."""
        return b"".join([self.encoder.feed(self.flow.feed(one)) for one in events])

    def cost_header(self):
        return dict(self.exchange.reply_headers).get(b"x-triplegate-cost")


def whole(**more):
    return Case(WholeEncoder, chat(), **more)


def streamed(target=TARGET, **more):
    return Case(StreamEncoder, chat(stream=True, **more), target=target)


# whole -----------------------------------------------------------------------------------------------------
def test_a_whole_reply_passes_as_it_is_and_says_its_cost():
    case = whole()
    assert b"".join([case.encoder.feed(REPLY[:9]), case.encoder.feed(REPLY[9:]), case.encoder.finish()]) == REPLY
    assert (case.attempt.cost, case.exchange.usage.source) == (10 + 10 + 5, "provider")
    assert case.cost_header() == b"0.0000000025"
    assert case.exchange.numbers.price_version == "v1"


def test_a_reply_that_is_silent_is_estimated():
    case = whole(seen=Seen(None, 14, whole=True))
    case.encoder.finish()
    usage = case.exchange.usage
    assert (usage.source, usage.output_text, usage.input_uncached) == ("estimated", 3, round(raw_tokens(case.call)))
    vectors = Case(
        WholeEncoder, b'{"model":"m","input":"abcdefgh"}', dialect=EMBEDDINGS, seen=Seen(None, 16, whole=True)
    )
    vectors.encoder.finish()
    assert (vectors.exchange.usage.output_total, vectors.exchange.usage.input_total) == (0, 4)


async def test_a_reply_too_large_to_keep_is_counted_by_its_tail():
    seen = Seen()
    case = whole(seen=seen)
    counted = json.dumps(USAGE | {"prompt_tokens_details": {"cached_tokens": 4}}).encode()
    large = Large(b'{"choices":["' + b"x" * 1_500_000, OneFrame(b'y"],"usage":' + counted + b"}"), seen)
    encoder = WholeEncoder(case.exchange, case.call, case.meter, seen, large)
    passed = b"".join([encoder.feed(piece) async for piece in large])
    encoder.finish()
    assert len(passed) == seen.size > 1_500_000
    usage = case.exchange.usage
    assert (usage.source, usage.input_uncached, usage.cache_read, usage.output_text) == ("provider", 6, 4, 5)


def test_a_large_reply_that_was_cut_is_counted_by_what_came():
    case = whole(seen=Seen(None, 100))
    case.exchange.close("gone")
    assert (case.exchange.usage.source, case.exchange.usage.output_text) == ("partial", 25)
    (record,) = case.exchange.house.spool.records
    assert (record.usage_source, record.cost) == ("partial", case.attempt.cost)
    assert record.cost > 0


def test_a_reply_that_the_client_did_not_wait_for_costs_what_the_provider_said():
    case = whole()
    case.exchange.close("gone")
    (record,) = case.exchange.house.spool.records
    assert (record.usage_source, record.cost) == ("provider", 25)


# streamed --------------------------------------------------------------------------------------------------
def test_a_stream_hides_the_usage_it_asked_for_itself():
    case = streamed()
    assert case.sent(WORD, STOP, COUNT) == WORD + STOP
    assert case.sent(DONE) == DONE
    asked = streamed(stream_options={"include_usage": True})
    assert asked.sent(WORD + STOP + COUNT + DONE) == WORD + STOP + COUNT + DONE
    for one in (case, asked):
        assert (one.exchange.usage.source, one.attempt.cost) == ("provider", 25)


def test_the_exchange_is_closed_before_the_end_marker_leaves():
    case = streamed()
    case.sent(WORD + STOP + COUNT)
    assert case.exchange.outcome is None
    content = case.sent(DONE)
    (record,) = case.exchange.house.spool.records
    assert (record.outcome, record.usage_source, record.bytes_out) == ("ok", "provider", len(content))
    assert case.encoder.finish() == b""


def test_an_end_without_a_marker_is_booked_by_its_pieces():
    case = streamed()
    case.sent(WORD + STOP)
    assert case.encoder.finish() == b""
    assert (case.exchange.refusal, case.exchange.usage.source, case.exchange.usage.output_text) == (None, "partial", 1)


def test_a_cut_stream_ends_with_an_error_event_and_is_booked_as_partial():
    case = streamed()
    case.sent(WORD * 3 + b"da")
    last = case.encoder.fail(Refusal("upstream_reset"))
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_reset"
    assert b"[DONE]" not in last
    case.exchange.close("failed")
    assert (case.exchange.usage.source, case.exchange.usage.output_text) == ("partial", 3)


def test_a_providers_own_error_event_passes_and_the_call_has_failed():
    case = streamed()
    error = event(error={"message": "no luck"})
    assert case.sent(WORD + error) == WORD + error
    assert case.sent(DONE) == DONE  # as it came; the exchange is not closed as if all were well
    assert case.exchange.outcome is None
    assert case.encoder.finish() == b""
    refusal = case.exchange.refusal
    assert (refusal.code, refusal.detail) == ("upstream_failed", "")
    assert "no luck" in refusal.reason


def test_a_client_that_left_is_booked_by_what_it_saw():
    case = streamed()
    case.sent(WORD + WORD)
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


def test_who_leaves_before_an_answer_pays_for_what_was_asked_but_not_for_failures():
    exchange = make_exchange()
    call = read_call(CHAT, chat())
    failed, waiting, unsent = (exchange.attempt(TARGET) for _ in range(3))
    failed.error_class = "rate"
    failed.numbers.dispatched = waiting.numbers.dispatched = 1.0
    book_left(exchange, call)
    assert (failed.cost, unsent.cost) == (0, 0)
    assert waiting.cost == exchange.numbers.list_cost == 5 + round(raw_tokens(call))
    assert exchange.usage.source == "partial"


def test_without_a_price_it_costs_nothing():
    case = whole(target=Target("deployment", "d"))
    case.encoder.finish()
    assert (case.attempt.cost, case.cost_header(), case.exchange.usage.input_total) == (0, b"0", 10)
    assert reserved(case.call, Target("deployment", "d"), aside(case.call)) == 0


def test_the_intent_sets_aside_what_the_client_allowed_or_512_tokens():
    bound, free = read_call(CHAT, chat(max_tokens=10, n=2)), read_call(CHAT, chat())
    assert reserved(bound, TARGET, aside(bound)) == 5 + bound.size // 4 + 20 * 2
    assert reserved(free, TARGET, aside(free)) == 5 + free.size // 4 + 512 * 2
    vectors = read_call(EMBEDDINGS, b'{"model":"m","input":"abcdefgh"}')
    assert reserved(vectors, TARGET, aside(vectors)) == 5 + 8
    assert estimate(free, 0, "partial").source == "partial"


# before the end, and without one ----------------------------------------------------------------------------
def test_a_failure_that_may_have_been_carried_out_costs_what_went_in_and_another_one_nothing():
    case = streamed()
    book_unsure(case.exchange, case.attempt, case.call)
    assert (case.attempt.cost, case.attempt.usage.source) == (0, "none")
    case.attempt.unsure = True
    book_unsure(case.exchange, case.attempt, case.call)
    went_in = round(raw_tokens(case.call))
    assert (case.attempt.cost, case.attempt.usage.input_total, case.attempt.usage.output_total) == (
        5 + went_in,
        went_in,
        0,
    )
    assert case.exchange.usage.source == "none", "no part of what the client used"


def test_what_was_used_is_known_while_the_answer_runs():
    case = streamed()
    case.attempt.flow = case.flow
    lost = case.exchange.attempt(TARGET)
    lost.cost = 70
    case.sent(WORD, WORD, WORD)
    went_in = round(raw_tokens(case.call))
    assert case.meter.so_far() == {
        "input": went_in,
        "output": 3,
        "total": went_in + 3,
        "money": 70 + 5 + went_in + 2 * 3,
    }
    case.sent(STOP, COUNT)
    assert case.meter.so_far()["total"] == 15


def test_where_nobody_knows_a_price_there_is_none():
    case = streamed(target=Target("deployment", "d"))
    case.attempt.flow = case.flow
    assert case.meter.so_far()["money"] == 0


# fallbacks -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("first", "role", "surcharge"),
    [
        (Price("cheap"), "fallback", 25),
        (Price("dear", call=1_000), "fallback", 0),
        (Price("none"), "fallback", 0),
        (None, "fallback", 0),
        (Price("cheap"), "hedge", 0),
    ],
)
def test_what_a_fallback_cost_more_than_the_first_choice_is_told(first, role, surcharge):
    case = whole()
    case.attempt.role = role
    case.exchange.attempts.insert(0, case.exchange.attempt(msgspec.structs.replace(TARGET, price=first)))
    case.exchange.attempts.pop()
    case.encoder.finish()
    assert case.exchange.numbers.surcharge == surcharge
    case.exchange.close("ok")
    assert case.exchange.house.spool.records[-1].surcharge == surcharge
