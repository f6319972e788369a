"""The shelf forgets what is dead, then the rate that matters least, and never a budget."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.stores.memory.holding import HoldingBucket
from triplegate.stores.memory.rate import RateBucket
from triplegate.stores.memory.shelf import Shelf


def rate_until(tat: float) -> RateBucket:
    bucket = RateBucket()
    bucket.tat = tat
    return bucket


def test_the_rate_closest_to_full_goes_first() -> None:
    shelf = Shelf(3)
    for name, tat in (("a", 130.0), ("b", 110.0), ("c", 120.0)):
        shelf.add(name, rate_until(tat), 100.0)
    shelf.add("d", rate_until(150.0), 100.0)
    assert set(shelf.buckets) == {"a", "c", "d"}
    assert (shelf.evicted, len(shelf.order)) == (1, 3)


def test_budgets_are_never_forgotten_to_make_room() -> None:
    shelf = Shelf(2)
    for name in ("a", "b"):
        shelf.add(name, HoldingBucket(), 100.0)
        shelf.buckets[name].until = 1e9
    with pytest.raises(Refusal) as refused:
        shelf.add("c", RateBucket(), 200.0)
    assert refused.value.code == "overloaded"
    assert set(shelf.buckets) == {"a", "b"}


def test_a_fresh_bucket_survives_the_sweeps_of_its_own_call() -> None:
    shelf = Shelf(100)
    for name in "abcdef":
        shelf.add(name, RateBucket(), 100.0)
    assert set(shelf.buckets) == set("abcdef")
