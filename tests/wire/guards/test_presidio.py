"""Presidio: all texts as one, and its finds back where they belong."""

import json

import msgspec
import pytest

from triplegate.wire.guards.presidio import presidio
from triplegate.wire.guards.told import Call, Piece
from triplegate.wire.screening.spans import Span

CALL = Call("1", "m", "acme/web", "ci")
TEXTS = ("🌍 I am Ada", "no one", "Bob")


def find(start, end, kind="PERSON", score=0.85):
    return {"start": start, "end": end, "score": score, "entity_type": kind, "analysis_explanation": None}


def verdict(*finds, action="mask", texts=TEXTS):
    question = presidio("en", (), 0.5, action)([Piece("input", text) for text in texts], CALL)
    return question.read([json.dumps(finds).encode()])


def test_it_is_asked_once_about_everything():
    question = presidio("de", ("PERSON",), 0.4, "mask")([Piece("input", text) for text in TEXTS], CALL)
    assert [json.loads(body) for body in question.bodies] == [
        {"text": "🌍 I am Ada\n\nno one\n\nBob", "language": "de", "score_threshold": 0.4, "entities": ["PERSON"]}
    ]


def test_finds_are_put_where_they_belong():
    joined = "\n\n".join(TEXTS)
    ada, bob = joined.index("Ada"), joined.index("Bob")
    told = verdict(find(ada, ada + 3), find(bob, bob + 3))
    assert told.spans == {0: (Span(7, 10, "person"),), 2: (Span(0, 3, "person"),)}
    assert told.kinds == {"person": 2}


def test_a_find_over_several_texts_is_cut_to_each():
    assert verdict(find(7, len("\n\n".join(TEXTS)))).spans == {
        0: (Span(7, 10, "person"),),
        1: (Span(0, 6, "person"),),
        2: (Span(0, 3, "person"),),
    }


def test_overlapping_finds_are_one():
    assert verdict(find(2, 6), find(4, 10, "NRP")).spans == {0: (Span(2, 10, "person"),)}


def test_a_find_between_texts_is_of_none():
    assert verdict(find(10, 12)).spans == {}


def test_what_is_less_certain_does_not_count():
    assert verdict(find(7, 10, score=0.49)).action == "allow"
    assert verdict().action == "allow"


def test_where_it_blocks_nothing_needs_a_place():
    told = verdict(find(7, 10), action="block")
    assert (told.action, told.spans) == ("block", {})


@pytest.mark.parametrize(
    "finds",
    [[find(-1, 3)], [find(3, 3)], [find(0, 1000)], [{"start": 0}], [find("0", 3)], [find(0, 3, None)]],
)
def test_anything_else_is_no_verdict(finds):
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        verdict(*finds)
