"""Which sums tell a period with the fewest lines: days inside, hours around them, rows at its two ends."""

from typing import Literal, NamedTuple

from triplegate.stores.sql.lines import DAY, HOUR
from triplegate.stores.sql.marks import Kept

_EVER = DAY * 10_000_000
"""Beyond any moment; infinities are no whole numbers."""


class Span(NamedTuple):
    """Lines of a kind that began in [since, until)."""

    kind: Literal["raw", "hours", "days"]
    since: float
    until: float


def spans_of(since: float, until: float, kept: Kept, *, by_hour: bool = False) -> list[Span]:
    """The spans that [since, until) falls into; `by_hour`: no day stands for its hours while these are kept.

    Where rows are gone a moment counts as the begin of its hour, where hours are gone as that of its day: periods
    that meet still add up.
    """
    begin, end = _known(since, kept), _known(until, kept)
    first, last = _up(begin, HOUR), _down(end, HOUR)
    if first >= last:
        return [Span("raw", begin, end)] if begin < end else []
    first_day, last_day = _up(first, DAY), _down(last, DAY)
    if by_hour:
        last_day = min(last_day, _down(kept.hours, DAY))
    if first_day >= last_day:
        inner = [Span("hours", first, last)]
    else:
        inner = [Span("hours", first, first_day), Span("days", first_day, last_day), Span("hours", last_day, last)]
    spans = [Span("raw", begin, first), *inner, Span("raw", last, end)]
    return [span for span in spans if span.since < span.until]


def _known(moment: float, kept: Kept) -> float:
    moment = min(max(moment, -_EVER), _EVER)
    if moment < kept.hours:
        return _down(moment, DAY)
    return _down(moment, HOUR) if moment < kept.raw else moment


def _down(moment: float, step: int) -> int:
    return int(moment // step) * step


def _up(moment: float, step: int) -> int:
    return -int(-moment // step) * step
