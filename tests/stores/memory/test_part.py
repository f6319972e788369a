"""Amounts that are none are not believed."""

import pytest

from triplegate.stores.memory.part import LARGEST, whole_amount


@pytest.mark.parametrize(
    ("value", "amount"),
    [(0, 0), (7, 7), (-1, 0), (2**80, LARGEST), (1.0, 5), (float("nan"), 5), (True, 5), ("7", 5), (None, 5)],
)
def test_only_whole_numbers_from_zero_up_are_amounts(value: object, amount: int) -> None:
    assert whole_amount(value, 5) == amount
