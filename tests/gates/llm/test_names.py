"""Which model a client's name means."""

import pytest
from tests.gates.llm.places import model, place

from triplegate.gates.llm.names import Names
from triplegate.gates.llm.stars import Pattern


def test_the_very_name_goes_before_other_names_and_those_before_the_closest_pattern():
    a, b, wide, close = (model(place(name)) for name in ("a", "b", "wide", "close"))
    names = Names({"a": a, "b": b}, {"other": "b", "x1": "a"}, [(Pattern("x*"), wide), (Pattern("x2*"), close)])
    assert [names.get(name) for name in ("a", "other", "x1", "x2", "x3", "y", "x*")] == [
        a,
        b,
        a,
        close,
        wide,
        None,
        None,
    ]
    assert (list(names), len(names), names.values()) == (["a", "b"], 2, (a, b, wide, close))
    with pytest.raises(KeyError):
        names["y"]
