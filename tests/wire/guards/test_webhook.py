"""A webhook gets every text with its place, and says what becomes of them."""

import json

import msgspec
import pytest

from triplegate.wire.guards.told import Call, Piece
from triplegate.wire.guards.webhook import webhook
from triplegate.wire.screening.spans import Span

CALL = Call("x1", "m", "acme/web", "ci")
PIECES = [Piece("input", "🌹 Ada"), Piece("tool_results", "fine")]


def verdict(**reply):
    return webhook()(PIECES, CALL).read([json.dumps(reply).encode()])


def test_what_is_sent():
    [body] = webhook()(PIECES, CALL).bodies
    assert json.loads(body) == {
        "version": 1,
        "id": "x1",
        "model": "m",
        "team": "acme/web",
        "consumer": "ci",
        "texts": [{"where": "input", "text": "🌹 Ada"}, {"where": "tool_results", "text": "fine"}],
    }


def test_it_allows_blocks_and_notes():
    assert verdict(action="allow").action == "allow"
    assert verdict(action="block", reason="house_rule").kinds == {"house_rule": 1}
    assert verdict(action="annotate", kinds=["a b", "c d"]).kinds == {"a_b": 1, "c_d": 1}
    assert verdict(action="block").kinds == {"found": 1}


@pytest.mark.parametrize(("unit", "start"), [("characters", 2), ("utf16", 3), ("bytes", 5)])
def test_places_are_counted_as_it_says(unit, start):
    told = verdict(action="mask", unit=unit, spans=[{"text": 0, "start": start, "end": start + 3, "kind": "person"}])
    assert told.spans == {0: (Span(2, 5, "person"),)}


def test_a_span_without_a_kind_has_the_reason():
    told = verdict(action="mask", reason="name", spans=[{"text": 1, "start": 0, "end": 4}])
    assert told.spans == {1: (Span(0, 4, "name"),)}


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"action": "perhaps"},
        {"action": "mask"},
        {"action": "mask", "spans": [{"text": 2, "start": 0, "end": 1}]},
        {"action": "mask", "spans": [{"text": -1, "start": 0, "end": 1}]},
        {"action": "mask", "spans": [{"text": 0, "start": 0, "end": 99}]},
        {"action": "mask", "unit": "utf16", "spans": [{"text": 0, "start": 1, "end": 3}]},
        {"action": "mask", "unit": "words", "spans": [{"text": 0, "start": 0, "end": 1}]},
        {"action": "mask", "spans": [{"text": 1, "start": 0, "end": 1}] * 10_001},
    ],
)
def test_anything_else_is_no_verdict(reply):
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        verdict(**reply)
