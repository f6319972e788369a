"""An answer relayed or translated: content, usage, end and errors are known either way."""

import pytest
from tests.gates.llm import toy
from tests.gates.llm.calls import COUNT, DONE, STOP, WORD, event

from triplegate.core.errors import Refusal
from triplegate.gates.llm import flow as flows
from triplegate.gates.llm.flow import Relayed, Translated
from triplegate.wire import openai_errors
from triplegate.wire.codec import Shape
from triplegate.wire.openai_stream import ChatStream


def relayed():
    return Relayed(ChatStream(strip_usage=True), openai_errors.event)


def translated():
    return Translated(toy.Reader(), toy.Writer(Shape("m", "r", 1)))


def test_what_is_relayed_passes_as_it_came():
    flow = relayed()
    assert flow.feed(WORD) == WORD
    assert (flow.content, flow.done, flow.pieces) == (True, False, 1)
    assert flow.feed(STOP + COUNT + DONE) == STOP + DONE
    assert (flow.done, flow.finish_reason, flow.usage.output_text, flow.finish()) == (True, "stop", 5, b"")


def test_what_is_translated_is_written_anew_and_ends_at_the_upstreams_end():
    flow = translated()
    assert flow.feed(toy.line("start", "m-1") + toy.line("block")) == b""
    assert (flow.content, flow.model, flow.id) == (False, "m-1", "r")
    assert flow.feed(toy.WORD) == b"<word>"
    assert (flow.content, flow.pieces) == (True, 1)
    assert flow.feed(toy.STOP + toy.COUNT) == b""
    assert not flow.done
    assert flow.finish() == b"<end of m>"
    assert (flow.done, flow.finish_reason, flow.usage.input_uncached) == (True, "end", 5)


@pytest.mark.parametrize(("flow", "word"), [(relayed(), WORD), (translated(), toy.line("block") + toy.WORD)])
def test_a_stream_without_an_end_is_no_answer(flow, word):
    flow.feed(word)
    with pytest.raises(Refusal) as caught:
        flow.finish()
    assert (caught.value.code, flow.done) == ("upstream_reset", False)
    assert b"upstream_reset" in flow.fail(caught.value)


def test_a_providers_error_passes_to_its_own_clients_and_is_told_to_others():
    flow = relayed()
    error = event(error={"message": "no", "code": 429})
    assert flow.feed(WORD + error + DONE) == WORD + error + DONE
    assert (flow.error.kind, flow.done, flow.tells, flow.finish()) == ("rate", False, True, b"")
    flow = translated()
    assert flow.feed(toy.line("block") + toy.WORD + toy.line("error", "overload") + toy.WORD) == b"<word>"
    assert (flow.error.kind, flow.done, flow.tells, flow.finish()) == ("overload", False, False, b"")


def test_an_event_that_cannot_be_read_is_told_as_ours_behind_what_came_before_it():
    flow = relayed()
    assert flow.feed(WORD + b"data: {no\n\n" + WORD) == WORD
    assert (flow.error.kind, flow.done, flow.tells, flow.pieces, flow.finish()) == ("malformed", False, False, 1, b"")


def test_a_translated_answer_without_end_is_cut_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(flows, "MOST", 10_000)
    flow = translated()
    flow.feed(toy.line("block"))
    with pytest.raises(Refusal) as caught:
        list(map(flow.feed, [toy.WORD] * 10_000))
    assert (caught.value.code, flow.pieces < 200) == ("upstream_malformed", True)
