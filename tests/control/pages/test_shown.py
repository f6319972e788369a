"""Numbers for the eye: rounded half-even, with every digit beside."""

from decimal import Decimal

import pytest

from triplegate.control.pages.shown import clock, dollars, moment
from triplegate.core.money import plain


@pytest.mark.parametrize(
    ("amount", "shown", "exact"),
    [
        ("0", "0.00", "0"),
        ("0.0000000001", "< 0.000001", "0.0000000001"),
        ("-0.0000000001", "> -0.000001", "-0.0000000001"),
        ("0.1234565", "0.123456", "0.1234565"),
        ("1234567.895", "1,234,567.90", "1234567.895"),
        ("2.50", "2.50", "2.5"),
        ("-3.005", "-3.00", "-3.005"),
        ("1E+3", "1,000.00", "1000"),
    ],
)
def test_money_is_rounded_for_the_eye_only(amount, shown, exact):
    assert (dollars(Decimal(amount)), plain(Decimal(amount))) == (shown, exact)


def test_moments_are_told_in_utc_as_exactly_as_asked():
    at = 1_767_225_600.0 + 3_723
    assert [moment(at, grain) for grain in ("day", "hour", "second")] == [
        "2026-01-01",
        "2026-01-01 01:00",
        "2026-01-01 01:02:03",
    ]
    assert clock(at) == "01:02:03"
