"""Cells as text: exact, plain, and nothing as nothing."""

from decimal import Decimal

import pytest

from triplegate.control.reports.columns import moment, money, percent, text_of


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        ("web", "web"),
        (1234567, "1234567"),
        (Decimal("0E-10"), "0"),
        (Decimal("1E-10"), "0.0000000001"),
        (Decimal("-12.5000"), "-12.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("90000000.0000000001"), "90000000.0000000001"),
        (moment(1_795_478_400.9), "2026-11-24T00:00:00Z"),
    ],
)
def test_a_cell_as_text(cell: object, text: str) -> None:
    assert text_of(cell) == text  # type: ignore[arg-type]


def test_units_become_dollars_and_parts_percent() -> None:
    assert (money(None), money(15_000_000_001)) == (None, Decimal("1.5000000001"))
    assert (percent(1, 3), percent(-1, 8), percent(5, 0)) == (Decimal("33.33"), Decimal("-12.5"), None)
