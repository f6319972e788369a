"""What cannot be carried is told, or refused, as configured; never left out in silence."""

import time

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.codec import Losses, thinking_name


def test_losses_are_listed_once_each_in_order():
    losses = Losses()
    for _ in range(2):
        losses.lose("seed")
        losses.lose_members(("logit_bias",))
        losses.lose_some({"n": True, "top_k": False})
        losses.lose_tool("mcp")
        losses.lose_content("search_result")
    assert losses.names == ["seed", "logit_bias", "n", "tools.mcp", "content.search_result"]


def test_thoughts_are_told_by_the_clients_word_for_them():
    names = [thinking_name(dialect) for dialect in ("openai", "openai_responses", "anthropic", "gemini")]
    assert names == ["reasoning_effort", "reasoning", "thinking", "thinking"]


def test_where_losses_are_refused_the_parameter_is_named():
    with pytest.raises(Refusal) as refused:
        Losses("reject").lose("seed", "Claude knows none")
    assert (refused.value.code, refused.value.payload["param"]) == ("unsupported_parameter", "seed")
    assert "Claude knows none" in refused.value.detail


def test_thirty_thousand_losses_are_taken_quickly_and_told_briefly():
    losses, began = Losses(), time.thread_time()
    losses.lose_members(f"a{number}" for number in range(30_000))
    assert time.thread_time() - began < 3  # twelve where each looks through those before
    told = losses.told()
    assert (told[:7], told[-15:], len(told) < 400) == (b"a0, a1,", b" and 29968 more", True)


def test_what_a_client_named_cannot_end_the_header_or_the_list():
    losses = Losses()
    losses.lose_members(("a\r\nset-cookie: b", "c, d", "é\0", "x" * 9000))
    assert losses.told() == b"a??set-cookie:?b, c??d, ??, " + b"x" * 64
