"""What is taken from a closed exchange, and what is left behind."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from triplegate.control.telemetry.finished import finished_of, operation_of, sampled
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.record import Record
from triplegate.gates.mcp.call import Item, McpCall, OwnItem

TRACE = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"


def test_query_headers_and_body_stay_behind(
    make_exchange: Callable[..., Exchange], make_record: Callable[..., Record]
) -> None:
    exchange = make_exchange(headers=[(b"authorization", b"Bearer tg_live_secret")])
    told = msgspec.json.encode(finished_of(exchange, make_record()))
    assert b"secret" not in told
    assert b"/orders/1" in told


def test_a_refusal_brings_its_policy_and_its_inner_reason(
    make_exchange: Callable[..., Exchange], make_record: Callable[..., Record]
) -> None:
    refusal = Refusal("quota_exceeded", "too fast", reason="bucket x is empty", policy="route:orders/rate_limit")
    facts = finished_of(make_exchange(refusal=refusal), make_record(outcome="refused"))
    assert (facts.policy, facts.reason) == ("route:orders/rate_limit", "bucket x is empty")


def test_what_guards_decided_stays_and_what_let_pass_does_not(
    make_exchange: Callable[..., Exchange], make_record: Callable[..., Record]
) -> None:
    exchange = make_exchange()
    exchange.decisions = [
        ("keys", "pass", "0.1 ms"),
        ("g", "allow", "hook, call: 3 ms"),
        ("g", "block", "card=1"),
        ("h", "failed open", "hook, answer: timeout, 2000 ms"),
        ("few", "would refuse", "quota_exceeded"),
    ]
    facts = finished_of(exchange, make_record())
    assert facts.guards == ("g: block, card=1", "h: failed open, hook, answer: timeout, 2000 ms")
    assert facts.would_refuse == ("few",)


def test_the_clients_traceparent_is_read_for_sampled_exchanges_only(
    make_exchange: Callable[..., Exchange], make_record: Callable[..., Record]
) -> None:
    exchange = make_exchange(headers=[(b"traceparent", TRACE.encode())])
    assert finished_of(exchange, make_record(traceparent=TRACE)).parent == TRACE
    assert finished_of(exchange, make_record(traceparent=TRACE[:-1] + "0")).parent == ""


def test_the_rpc_method_comes_from_the_call_of_the_mcp_gate(
    make_exchange: Callable[..., Exchange], make_record: Callable[..., Record]
) -> None:
    own = OwnItem("read", b"{}")
    server: Any = None
    exchange = make_exchange()
    exchange.call = McpCall(
        "request", method="tools/call", item=Item("tool", "files__read", server, own, b"", b"", b"")
    )
    facts = finished_of(exchange, make_record(gate="mcp"))
    assert (facts.rpc, facts.part) == ("tools/call", "files__read")
    exchange.call = McpCall("request", method="tools/list")
    assert finished_of(exchange, make_record(gate="mcp")).part == ""
    assert finished_of(exchange, make_record(gate="api")).rpc == ""


def test_long_requests_and_answers_are_not_kept(
    make_exchange: Callable[..., Exchange], make_record: Callable[..., Record]
) -> None:
    def kept(asked: object, answered: int | None, trace: str = TRACE) -> object:
        exchange = make_exchange()
        exchange.call = SimpleNamespace(look=SimpleNamespace(text=asked))
        exchange.marks = None if answered is None else {"answered": bytearray(answered)}
        return finished_of(exchange, make_record(gate="llm", traceparent=trace)).content

    assert kept(b"{}", 3) == (b"{}", b"\0\0\0")
    assert kept(b"{}", 65_536) is not None
    for asked, answered in ((b"{}", 65_537), (b"x" * 65_537, 3), (b"{}", None), (None, 3)):
        assert kept(asked, answered) is None
    assert kept(b"{}", 3, TRACE[:-1] + "0") is None


@pytest.mark.parametrize(
    ("traceparent", "expected"), [(TRACE, True), (TRACE[:-1] + "3", True), (TRACE[:-1] + "2", False), ("", False)]
)
def test_the_last_flag_bit_decides_about_sampling(traceparent: str, expected: bool) -> None:
    assert sampled(traceparent) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/chat/completions", "chat"),
        ("/anthropic/v1/messages", "chat"),
        ("/v1/completions", "text_completion"),
        ("/v1/embeddings", "embeddings"),
        ("/v1/images/generations", "generate_content"),
    ],
)
def test_the_operation_is_known_by_the_path(path: str, expected: str) -> None:
    assert operation_of(path) == expected
