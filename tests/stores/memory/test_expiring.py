"""Expiring names: bounded, swept as new ones come, living ones never forgotten."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.stores.memory.expiring import Expiring


def test_dead_names_make_room_for_new_ones() -> None:
    names: Expiring[int] = Expiring(10)
    for n in range(1_000):
        names.put(str(n), n, expires=n + 4.0, now=float(n))
    assert len(names) <= 10
    assert names.get("999", 999.0) == 999
    assert names.get("999", 1_003.0) is None


def test_living_names_are_not_forgotten() -> None:
    names: Expiring[int] = Expiring(10)
    for n in range(10):
        names.put(str(n), n, expires=100.0, now=0.0)
    with pytest.raises(Refusal) as refused:
        names.put("one more", 1, expires=100.0, now=0.0)
    assert refused.value.code == "overloaded"
    assert [names.get(str(n), 0.0) for n in range(10)] == list(range(10))
    names.put("one more", 1, expires=200.0, now=100.0)
    assert names.get("one more", 100.0) == 1


def test_a_dropped_name_is_gone_at_once() -> None:
    names: Expiring[int] = Expiring(10)
    names.put("a", 1, expires=100.0, now=0.0)
    assert names.drop("a")
    assert not names.drop("b")
    assert names.get("a", 0.0) is None
