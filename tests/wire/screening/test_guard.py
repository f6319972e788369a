"""A guard made ready: what it looks for, and which calls it cannot look at."""

import pytest
from msgspec.structs import replace
from tests.builders import make_inbound

from triplegate.core.errors import Refusal
from triplegate.core.http import BytesBody
from triplegate.gates.llm import realtime
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.paths.stored import ENDPOINTS, Kept
from triplegate.wire.screening.guard import Guard, Terms


class Exchange:
    """As much of one as a guard touches before it looks."""

    def __init__(self, method, kind):
        look = Kept(method, b"/" + kind.encode(), BytesBody(), b"application/json")
        self.call = LlmCall(ENDPOINTS[kind], look, "", streamed=False, wants_usage=True, size=0, most_output=0)
        self.marks, self.looks, self.decisions = None, [], []


def guard(*on, action="block"):
    return Guard(Terms("g", frozenset(on), action, pii=("card",)))


@pytest.mark.parametrize("kind", ["responses", "files", "batches"])
def test_what_the_provider_keeps_is_not_read_past_a_guard_on_answers(kind):
    with pytest.raises(Refusal) as refused:
        guard("output").enter(Exchange("GET", kind))
    assert refused.value.code == "content_unseen"
    assert kind in refused.value.detail
    guard("output").enter(Exchange("DELETE", kind))
    guard("output", action="annotate").enter(Exchange("GET", kind))


@pytest.mark.parametrize("kind", ["files", "batches"])
def test_what_is_uploaded_is_not_sent_past_a_guard_on_calls(kind):
    with pytest.raises(Refusal) as refused:
        guard("input").enter(Exchange("POST", kind))
    assert refused.value.code == "content_unseen"
    guard("input").enter(Exchange("GET", kind))


def test_a_call_for_nothing_of_a_models_passes():
    exchange = Exchange("GET", "files")
    exchange.call = None
    guard("input", "output").enter(exchange)


@pytest.mark.parametrize("on", ["input", "output"])
def test_nobody_opens_a_channel_past_a_guard(on):
    exchange = Exchange("GET", "files")
    exchange.call = realtime.read_opening(replace(make_inbound("GET", "/v1/realtime"), query=b"model=m"))
    with pytest.raises(Refusal) as refused:
        guard(on).enter(exchange)
    assert refused.value.code == "content_unseen"
