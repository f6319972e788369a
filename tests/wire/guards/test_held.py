"""An answer is kept back whole, judged by choice, and told as guards let it be."""

from triplegate.core.usage import Usage
from triplegate.wire.guards.held import Held
from triplegate.wire.neutral import Citation
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Finish,
    Logprobs,
    Start,
    Unknown,
    UsageSeen,
)

BEGIN = Start("id", "m")
ANSWER = [
    BEGIN,
    BlockStart(0, "text"),
    Delta(0, "I am "),
    Logprobs(0, b"[]"),
    Delta(0, "Ada"),
    Cited(0, Citation("http://far.example", "Ada's page")),
    BlockEnd(0),
    BlockStart(1, "tool_call", name="t"),
    Delta(1, '{"to":'),
    Delta(1, '"\\u0041da"}'),
    BlockEnd(1),
    BlockStart(2, "text", choice=1),
    Delta(2, "Bob"),
    BlockEnd(2),
    Unknown("openai_chat", b"{}"),
    UsageSeen(Usage()),
    Finish("stop"),
    Finish("stop", choice=1),
]


def held():
    made = Held()
    going = [event for at in range(0, len(ANSWER), 2) for event in made.take(ANSWER[at : at + 2])]
    assert going == [BEGIN]
    return made


def test_every_text_of_every_choice_is_asked_about():
    asked = held().asked()
    assert [piece.text for piece in asked[0].all] == ["I am Ada", "to", "Ada", "Ada's page", "http://far.example"]
    assert [piece.text for piece in asked[1].all] == ["Bob"]
    assert {piece.where for pieces in asked.values() for piece in pieces.all} == {"output"}


def test_what_is_not_changed_is_told_as_it_came():
    assert held().told({}, frozenset(), seen=False) == ANSWER[1:]


def test_what_nobody_could_look_into_is_left_out():
    assert held().told({}, frozenset(), seen=True) == [one for one in ANSWER[1:] if not isinstance(one, Unknown)]


def test_a_changed_choice_is_told_anew_and_the_others_as_they_came():
    told = held().told({0: lambda text: text.replace("Ada", "<P_1>")}, frozenset(), seen=True)
    assert [one.text for one in told if isinstance(one, Delta)] == ["I am <P_1>", '{"to":"<P_1>"}', "Bob"]
    assert [one.citation.title for one in told if isinstance(one, Cited)] == ["<P_1>'s page"]
    assert not [one for one in told if isinstance(one, Logprobs)]
    assert [type(one) for one in told if not isinstance(one, Delta)] == [
        *(BlockStart, Cited, BlockEnd, BlockStart, BlockEnd, BlockStart, BlockEnd, UsageSeen, Finish, Finish)
    ]


def test_of_a_choice_that_ended_nothing_is_told_but_why():
    told = held().told({}, frozenset({1}), seen=True)
    assert Finish("content_filter", choice=1) in told
    assert Finish("stop") in told
    assert not [one for one in told if getattr(one, "index", 0) == 2]


def test_it_knows_about_how_much_it_keeps():
    assert held().size >= len("I am Ada" + "Bob")
