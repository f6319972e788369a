"""Events add up to one answer, block by block and choice by choice."""

import pytest

from triplegate.core.usage import Usage
from triplegate.wire.neutral import Citation, Opaque
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Failed,
    Finish,
    Logprobs,
    OpaqueSeen,
    Start,
    Unknown,
    UsageSeen,
    gather,
    is_content,
)


def test_interleaved_blocks_of_two_choices_add_up():
    answer = gather(
        [
            Start("r1", "m", 7),
            BlockStart(0, "reasoning"),
            Delta(0, "hm"),
            OpaqueSeen(0, Opaque("anthropic", "signature", "s")),
            BlockEnd(0),
            BlockStart(1, "text"),
            BlockStart(2, "tool_call", 1, "call_1", "look"),
            Delta(2, '{"a":'),
            Delta(1, "he"),
            Delta(2, "1}"),
            Delta(1, "llo"),
            Cited(1, Citation("https://a.example")),
            Logprobs(1, b"[]"),
            UsageSeen(Usage(input_uncached=1)),
            UsageSeen(Usage(input_uncached=2)),
            Finish("tool_calls", "tool_calls", 1),
            Finish("stop", "end_turn"),
            Unknown("openai", b"{}"),
        ]
    )
    assert answer.start == Start("r1", "m", 7)
    assert [(block.kind, block.text, block.ended) for block in answer.of(0)] == [
        ("reasoning", "hm", True),
        ("text", "hello", False),
    ]
    assert answer.of(0)[0].opaque == [Opaque("anthropic", "signature", "s")]
    assert answer.of(0)[1].citations == [Citation("https://a.example")]
    assert answer.of(0)[1].logprobs == [b"[]"]
    assert [(block.id, block.name, block.text) for block in answer.of(1)] == [("call_1", "look", '{"a":1}')]
    assert answer.choices == [0, 1]
    assert answer.usage == Usage(input_uncached=2)
    assert {choice: finish.reason for choice, finish in answer.finishes.items()} == {0: "stop", 1: "tool_calls"}
    assert answer.unknown == 1


def test_the_first_failure_counts():
    answer = gather([Failed("rate", "slow"), Failed("transient", "later")])
    assert answer.failed == Failed("rate", "slow")
    assert answer.choices == [0]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Start("r1"), False),
        (BlockStart(0, "text"), False),
        (BlockStart(0, "tool_call"), True),
        (Delta(0, ""), False),
        (Delta(0, "x"), True),
        (OpaqueSeen(0, Opaque("gemini", "thought", "t")), True),
        (UsageSeen(Usage()), False),
        (Finish("stop"), False),
    ],
)
def test_content_is_what_a_client_has_seen_of_the_answer(event, expected):
    assert is_content(event) is expected
