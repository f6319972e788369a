"""Verdicts count for a while, for equal texts of one team under one guard, and take bounded room."""

from triplegate.stores.verdicts.remembered import Remembered, key_of
from triplegate.wire.guards.told import Piece, Told

BLOCK = Told("block", {"x": 1})


def test_a_verdict_counts_until_its_time():
    kept = Remembered()
    kept.keep(b"a", BLOCK, 10.0)
    assert kept.find(b"a", 9.9) == BLOCK
    assert kept.find(b"a", 10.0) is None
    assert kept.find(b"a", 0.0) is None
    assert kept.find(b"b", 0.0) is None


def test_the_oldest_goes_first():
    kept = Remembered()
    for number in range(4097):
        kept.keep(b"%d" % number, BLOCK, 1.0)
    assert kept.find(b"0", 0.0) is None
    assert kept.find(b"1", 0.0) == kept.find(b"4096", 0.0) == BLOCK


def test_only_the_same_has_the_same_key():
    one = [Piece("input", "a"), Piece("input", "b")]
    keys = {
        key_of(b"g", "acme/web", one),
        key_of(b"h", "acme/web", one),
        key_of(b"g", "acme/ops", one),
        key_of(b"g", "acme/web", one[:1]),
        key_of(b"g", "acme/web", [Piece("input", "ab")]),
        key_of(b"g", "acme/web", [Piece("output", "a"), Piece("input", "b")]),
        key_of(b"g", "acme/web", [Piece("input", "\ud83d")]),
    }
    assert len(keys) == 7
    assert key_of(b"g", "acme/web", list(one)) in keys
