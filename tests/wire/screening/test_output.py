"""Answers on their way: in every dialect, wherever they are cut, nothing of what must not pass is ever told."""

import json

import msgspec
import pytest

from triplegate.core.errors import Refusal
from triplegate.gates.llm.dialects import OF_FAMILY
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.messages import MESSAGES
from triplegate.gates.llm.paths.responses import RESPONSES
from triplegate.wire.codec import Shape
from triplegate.wire.neutral import Citation, Opaque, Request
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Finish,
    Logprobs,
    OpaqueSeen,
    Start,
    Unknown,
    gather,
)
from triplegate.wire.screening.output import Rules, Screening
from triplegate.wire.screening.pii import finders
from triplegate.wire.screening.secrets import Secrets

CANARY = "4111 1111 1111 1111"
FINDERS = [*finders(["card", "email"]), Secrets()]
CODECS = {"openai": CHAT.codec, "openai_responses": RESPONSES.codec, "anthropic": MESSAGES.codec}
AROUND = "Some words before it and around it. "


def mask(kind, piece):
    return f"<{kind}>"


def block(kind, piece):
    raise Refusal("content_blocked", "No.")


def screening(replace=mask, longest=0, choices=1):
    return Screening(Rules(FINDERS, replace, longest, choices))


def through(screen, events):
    """Event by event."""
    return [told for event in events for told in screen.feed([event])] + screen.finish()


def answer(pieces, kind="text", choice=0, index=0):
    return [
        BlockStart(index, kind, choice, "call_1", "pay" if kind == "tool_call" else ""),
        *[Delta(index, piece) for piece in pieces],
        BlockEnd(index),
    ]


def text_of(events, choice=0):
    return "".join(block.text for block in gather(events).of(choice))


def shape():
    return Shape("m", "id", 1, False, Request("openai", "m", n=3))


def stream_of(codec, events):
    writer = codec.writer(shape())
    return b"".join([writer.feed(event) for event in events]) + writer.finish()


CASES = {
    "text": ("text", AROUND + CANARY + ". " + AROUND),
    "reasoning": ("reasoning", AROUND + CANARY + ". " + AROUND),
    "tool": ("tool_call", json.dumps({"card": CANARY, "note": AROUND})),
    "escaped": ("tool_call", '{"card": "' + "".join(f"\\u{ord(one):04x}" for one in CANARY) + '"}'),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("theirs", CODECS)
@pytest.mark.parametrize("ours", CODECS)
def test_split_anywhere_it_is_never_told_in_any_dialect(case, theirs, ours):
    kind, text = CASES[case]
    for at in range(0, len(text), 1 if kind == "text" else 3):
        finish = Finish("tool_calls" if kind == "tool_call" else "stop")
        events = [Start("r", "m", 1), *answer([text[:at], text[at:]], kind), finish]
        sent = stream_of(CODECS[theirs], events)
        reader, screen, writer = OF_FAMILY[theirs].reader(), screening(), CODECS[ours].writer(shape())
        told = b""
        for start in range(0, len(sent), 512):
            seen = screen.feed(reader.feed(sent[start : start + 512]))
            told += b"".join([writer.feed(event) for event in seen])
        rest = screen.feed(reader.finish()) + screen.finish()
        told += b"".join([writer.feed(event) for event in rest]) + writer.finish()
        assert CANARY.encode() not in told
        assert CANARY[-9:].encode() not in told
        assert b"\\u0034\\u0031" not in told
        if kind != "reasoning":
            assert b"card" in told


@pytest.mark.parametrize("kind", ["text", "reasoning", "summary", "refusal"])
def test_text_stays_a_little_behind_and_the_rest_comes_with_what_follows_its_block(kind):
    screen = screening()
    told = screen.feed(answer([AROUND * 20], kind))
    assert 0 < len(text_of(told)) < len(AROUND) * 20
    told += screen.feed([BlockStart(1, "tool_call", 0, "call_1", "pay")])
    assert text_of(told) == AROUND * 20
    assert [type(one) for one in told[-2:]] == [BlockEnd, BlockStart]


def client_of(ours, told):
    """What its own reader makes of an answer."""
    reader = OF_FAMILY[ours].reader()
    return text_of(reader.feed(told) + reader.finish())


@pytest.mark.parametrize("theirs", CODECS)
@pytest.mark.parametrize("ours", CODECS)
def test_split_over_blocks_anywhere_it_is_never_told_in_any_dialect(theirs, ours):
    text = AROUND + CANARY + ". " + AROUND
    for at in range(len(text)):
        events = [Start("r", "m", 1), *answer([text[:at]]), *answer([text[at:]], index=1), Finish("stop")]
        reader, screen, writer = OF_FAMILY[theirs].reader(), screening(), CODECS[ours].writer(shape())
        sent = stream_of(CODECS[theirs], events)
        seen = [told for event in reader.feed(sent) + reader.finish() for told in screen.feed([event])]
        told = b"".join([writer.feed(event) for event in seen + screen.finish()]) + writer.finish()
        assert client_of(ours, told) == text.replace(CANARY, "<card>")


def test_split_over_blocks_it_ends_the_choice_that_tells_it_and_every_block_that_was_begun():
    events = [
        *answer([AROUND + CANARY[:9]], choice=1),
        *answer(["fine"], choice=0, index=1),
        *answer([CANARY[9:] + " and more words that follow it here"], choice=1, index=2),
        Finish("stop", choice=0),
        Finish("stop", choice=1),
    ]
    told = through(screening(block, choices=2), events)
    assert (text_of(told, 0), "4111" in text_of(told, 1)) == ("fine", False)
    begun, ended = ([one.index for one in told if isinstance(one, kind)] for kind in (BlockStart, BlockEnd))
    assert sorted(begun) == sorted(ended) == [0, 1]
    assert {one.choice: one.reason for one in told if isinstance(one, Finish)} == {0: "stop", 1: "content_filter"}
    with pytest.raises(Refusal, match="content_blocked"):
        through(screening(block), [*answer([CANARY[:9]]), *answer([CANARY[9:]], index=1)])


def test_blocks_of_different_kinds_do_not_wait_for_each_other_and_none_is_joined_with_another():
    screen = screening()
    told = screen.feed(answer(["Thinking of 4111 1111"], "reasoning"))
    told += screen.feed([BlockStart(1, "text")])
    assert text_of(told) == "Thinking of 4111 1111"
    rest = screen.feed([Delta(1, " 1111 1111 is what I say now, in as many words as it takes."), BlockEnd(1)])
    assert " 1111 1111 is" in text_of([*told, *rest, *screen.finish()])


def test_text_behind_a_tool_call_is_read_with_the_text_before_it():
    events = [
        *answer(["The key is sk-proj-aZ3kQ9xW7bT5mR1n"]),
        *answer(["{}"], "tool_call", index=1),
        *answer(["Y8pL2vC4dF6gH0jS, that is it."], index=2),
        Finish("stop"),
    ]
    told = through(screening(), events)
    assert "Y8pL2vC4dF6gH0jS" not in text_of(told)
    assert text_of(told).endswith(", that is it.")
    assert [one.index for one in told if isinstance(one, BlockStart)] == [0, 1, 2]


def test_blocks_that_run_at_once_are_told_whole():
    events = [
        BlockStart(0, "text"),
        BlockStart(1, "text"),
        Delta(0, "first"),
        Delta(1, "second"),
        Delta(0, f" and {CANARY}"),
        Delta(1, " to last"),
        BlockEnd(1),
        BlockEnd(0),
        Finish("stop"),
    ]
    found = gather(through(screening(), events))
    assert [block.text for block in found.of(0)] == ["first and <card>", "second to last"]


@pytest.mark.parametrize("kind", ["tool_call", "custom_tool_call", "native"])
def test_arguments_wait_until_they_are_whole(kind):
    screen = screening()
    start, first, second, end = answer(['{"a": "b"', ', "c": 1}'], kind)
    assert screen.feed([start, first, second]) == [start]
    assert screen.feed([end]) == [Delta(0, '{"a": "b", "c": 1}'), end]


def test_arguments_are_judged_decoded_wherever_it_hides():
    for hidden in ('{"a": {"b": ["%s"]}}', '{"%s": 1}', '{"a": "%s", "a": "x"}', "no json %s"):
        told = text_of(through(screening(), answer([hidden % CANARY], "tool_call")))
        assert CANARY not in told
    assert "4111111111111111" not in text_of(through(screening(), answer(['{"n": 4111111111111111}'], "tool_call")))


def test_what_must_not_pass_ends_the_only_choice():
    with pytest.raises(Refusal, match="content_blocked"):
        through(screening(block), answer([AROUND, CANARY]))


def test_of_several_choices_only_the_one_that_holds_it_ends():
    events = [
        BlockStart(0, "text", 0),
        BlockStart(1, "text", 1),
        BlockStart(2, "text", 2),
        Delta(0, "one is fine"),
        Delta(1, f"two is {CANARY} " + AROUND * 4),
        Delta(1, "and more"),
        Delta(2, "three is fine"),
        *[BlockEnd(index) for index in range(3)],
        *[Finish("stop", choice=index) for index in range(3)],
    ]
    told = through(screening(block, choices=3), events)
    found = gather(told)
    assert [text_of(told, index) for index in (0, 2)] == ["one is fine", "three is fine"]
    assert "4111" not in text_of(told, 1)
    assert {choice: finish.reason for choice, finish in found.finishes.items()} == {
        0: "stop",
        1: "content_filter",
        2: "stop",
    }
    assert len([one for one in told if isinstance(one, Finish)]) == 3


def test_a_finish_before_the_end_of_its_block_lets_nothing_by():
    told = through(screening(), [BlockStart(0, "text"), Delta(0, CANARY), Finish("stop")])
    assert text_of(told) == "<card>"
    assert isinstance(told[-1], Finish)


def test_sources_are_masked_and_what_would_tell_the_text_another_way_is_left_out():
    raw = json.dumps({"cited_text": CANARY}).encode()
    events = answer([AROUND])
    events[2:2] = [
        Cited(0, Citation(quote=CANARY, raw=raw, provider="anthropic")),
        OpaqueSeen(0, Opaque("anthropic", "signature", "c2ln")),
        Logprobs(0, b"[]"),
    ]
    told = through(screening(), [*events, Unknown("openai", b"{}")])
    assert [type(one) for one in told] == [BlockStart, Delta, Cited, OpaqueSeen, BlockEnd]
    assert CANARY.encode() not in msgspec.json.encode(told[2])
    assert told[2].citation.quote == "<card>"


def test_an_answer_may_be_no_longer_than_is_said():
    assert text_of(through(screening(block, longest=30), answer(["x" * 15, "y" * 15]))) == "x" * 15 + "y" * 15
    with pytest.raises(Refusal, match="content_blocked"):
        through(screening(block, longest=29), answer(["x" * 15, "y" * 15]))
