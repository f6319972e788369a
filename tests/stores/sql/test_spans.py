"""Every moment of a period is told once, by the largest sums that hold it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.stores.sql.lines import DAY, HOUR
from triplegate.stores.sql.marks import Kept
from triplegate.stores.sql.spans import Span, spans_of

BEGIN = 20_000 * DAY
STEPS = {"raw": 1, "hours": HOUR, "days": DAY}
moments = st.one_of(
    st.integers(BEGIN, BEGIN + 5 * DAY).map(float),
    st.floats(BEGIN, BEGIN + 5 * DAY),
    st.integers(0, 5 * 24).map(lambda n: float(BEGIN + n * HOUR)),
)


def test_a_month_and_a_bit() -> None:
    assert spans_of(BEGIN - 1.5, BEGIN + 3 * DAY + HOUR + 7, Kept()) == [
        Span("raw", BEGIN - 1.5, BEGIN),
        Span("days", BEGIN, BEGIN + 3 * DAY),
        Span("hours", BEGIN + 3 * DAY, BEGIN + 3 * DAY + HOUR),
        Span("raw", BEGIN + 3 * DAY + HOUR, BEGIN + 3 * DAY + HOUR + 7),
    ]
    assert [span.kind for span in spans_of(BEGIN, BEGIN + 3 * DAY, Kept(), by_hour=True)] == ["hours"]
    assert spans_of(BEGIN + 1, BEGIN + 2, Kept()) == [Span("raw", BEGIN + 1, BEGIN + 2)]
    assert spans_of(BEGIN + 2, BEGIN + 1, Kept()) == []


@pytest.mark.parametrize("ever", [1e300, float("inf")])
def test_all_times(ever: float) -> None:
    assert [span.kind for span in spans_of(-ever, ever, Kept())] == ["days"]


@given(moments, moments, st.booleans())
def test_spans_touch_and_are_whole(since: float, until: float, by_hour: bool) -> None:
    spans = spans_of(since, until, Kept(), by_hour=by_hour)
    if since < until:
        assert (spans[0].since, spans[-1].until) == (since, until)
    assert all(before.until == after.since for before, after in pairwise(spans))
    for span in spans:
        if span.kind != "raw":
            assert (span.since % STEPS[span.kind], span.until % STEPS[span.kind]) == (0, 0)
    assert sum(span.until - span.since for span in spans if span.kind == "raw") < 2 * HOUR
    assert not by_hour or "days" not in {span.kind for span in spans}


@given(moments, moments, moments, st.integers(0, 60), st.integers(0, 3), st.booleans())
def test_periods_that_meet_add_up_where_rows_are_gone(
    one: float,
    two: float,
    three: float,
    raw: int,
    days: int,
    by_hour: bool,
) -> None:
    kept = Kept(records=BEGIN + raw * HOUR, hours=BEGIN + days * DAY)
    since, middle, until = sorted((one, two, three))

    def seconds(begin: float, end: float) -> float:
        spans = spans_of(begin, end, kept, by_hour=by_hour)
        assert all(span.since >= kept.raw for span in spans if span.kind == "raw")
        assert all(span.since >= kept.hours for span in spans if span.kind == "hours")
        return sum(span.until - span.since for span in spans)

    assert seconds(since, until) == pytest.approx(seconds(since, middle) + seconds(middle, until), abs=1e-3)
