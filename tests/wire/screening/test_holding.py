"""An answer is held until its judges have spoken; of several choices only those that must not pass end."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.neutral_events import BlockEnd, BlockStart, Delta, Finish, Start, Unknown, gather
from triplegate.wire.screening import holding
from triplegate.wire.screening.holding import Find, Holding, spoken_of


class Forbids:
    """Forbids texts that hold a word."""

    where = frozenset({"output"})

    def __init__(self, word):
        self.word, self.heard = word, []

    async def __call__(self, spoken):
        self.heard.append(spoken)
        return Find("word", "It says so.") if any(self.word in text for text in spoken.texts) else None


def block(index, text, choice=0, kind="text"):
    return [BlockStart(index, kind, choice), *[Delta(index, letter) for letter in text], BlockEnd(index)]


def held(judge, choices=1, *, enforces=True):
    told = []
    refuse = (lambda found: Refusal("content_blocked", found.why)) if enforces else None
    return Holding([judge], choices, lambda finds: told.extend(one.kind for one in finds), refuse), told


async def test_nothing_but_the_begin_goes_on_before_the_verdict():
    events = [Start("id", "m"), *block(0, "all is well"), Finish("stop")]
    watch, told = held(Forbids("bad"))
    assert watch.feed(events[:4]) == events[:1]
    assert watch.feed(events[4:]) == []
    await watch.judge()
    assert watch.finish() == events[1:]
    assert told == []


async def test_the_answer_is_refused_whole():
    watch, told = held(Forbids("bad"))
    watch.feed([*block(0, "this is bad"), Finish("stop")])
    await watch.judge()
    with pytest.raises(Refusal, match="It says so"):
        watch.finish()
    assert told == ["word"]


async def test_of_several_choices_only_the_one_that_must_not_pass_ends():
    watch, told = held(Forbids("bad"), 3)
    ends = [Finish("stop", choice=choice) for choice in range(3)]
    watch.feed([*block(0, "one"), *block(1, "bad", 1), *block(2, "two", 2), Unknown("p", b"bad"), *ends])
    await watch.judge()
    assert watch.finish() == [
        *block(0, "one"),
        *block(2, "two", 2),
        ends[0],
        Finish("content_filter", choice=1),
        ends[2],
    ]
    assert told == ["word"]


async def test_who_only_notes_lets_all_pass_at_once():
    watch, told = held(Forbids("bad"), enforces=False)
    events = [*block(0, "bad"), Finish("stop")]
    assert watch.feed(events) == events
    await watch.judge()
    assert (watch.finish(), told) == ([], ["word"])


@pytest.mark.parametrize("enforces", [True, False])
async def test_what_is_too_long_to_be_judged_does_not_pass(monkeypatch, enforces):
    monkeypatch.setattr(holding, "_MOST", 1000)
    judge = Forbids("bad")
    watch, _ = held(judge, enforces=enforces)
    events = block(0, "x" * 100)
    if enforces:
        for _ in range(2):
            with pytest.raises(Refusal, match="too long"):
                watch.feed(events)
        return
    assert watch.feed(events) == events
    assert watch.feed(events[1:]) == events[1:]
    await watch.judge()
    assert (watch.finish(), judge.heard) == ([], [])


def test_a_choice_is_judged_by_what_it_says_and_does():
    answer = gather([*block(0, "I look "), *block(1, "{}", kind="tool_call"), *block(2, "it up"), *block(3, "no", 1)])
    spoken = spoken_of(answer, 0)
    assert (spoken.texts, spoken.calls, spoken.refuses) == (("I look it up",), True, False)
    refused = spoken_of(gather(block(0, "I must not", kind="refusal")), 0)
    assert (refused.texts, refused.calls, refused.refuses) == (("",), False, True)
