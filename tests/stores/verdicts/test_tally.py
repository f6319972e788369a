"""Verdicts are counted by guard."""

from triplegate.stores.verdicts.tally import Tally


def test_verdicts_are_counted_by_guard():
    tally = Tally("g")
    for guard, verdict in (("a", "allow"), ("a", "allow"), ("b", "block")):
        tally.add(guard, verdict)
    assert tally.counts == {("a", "allow"): 2, ("b", "block"): 1}
    assert tally.label == "g"
