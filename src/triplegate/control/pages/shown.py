"""Numbers as pages show them: rounded for the eye, with every digit beside."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

_CENT, _SMALL = Decimal("0.01"), Decimal("0.000001")


def clock(seconds: float) -> str:
    """The time of the day in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")


def moment(seconds: float, grain: str = "second") -> str:
    """A moment in UTC, as exactly as `grain` (day, hour, second) asks."""
    form = {"day": "%Y-%m-%d", "hour": "%Y-%m-%d %H:00"}.get(grain, "%Y-%m-%d %H:%M:%S")
    return datetime.fromtimestamp(seconds, UTC).strftime(form)


def dollars(amount: Decimal) -> str:
    """Cents from a dollar on, six digits below, thousands apart; what is less than that is not told as nothing."""
    if 0 < abs(amount) < _SMALL:
        return "< 0.000001" if amount > 0 else "> -0.000001"
    step = _CENT if abs(amount) >= 1 or not amount else _SMALL
    return f"{amount.quantize(step, ROUND_HALF_EVEN):,f}"
