"""The explorer's answer adds up: lines to the totals, the plot to the same, whatever is folded together."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.control.reports.explorer import DAY, LINES, REST, SERIES, Question, explore
from triplegate.control.reports.usage import label

NOW = 1_767_225_600.0
GRAINS = (("day", DAY), ("hour", 3600))
COUNTS = ("requests", "refused", "failed", "tokens_in", "tokens_out")


def row(cost, *, at=NOW, requests=1, **labels):
    counts = dict.fromkeys(COUNTS, 0) | {"requests": requests, "tokens_in": requests * 10}
    return SimpleNamespace(
        at=at, labels=labels, cost=Decimal(cost), saved=Decimal(0), wasted=Decimal(cost) / 4, **counts
    )


def ledger(*rows):
    """Something that answers like the ledger: sums of the rows of a period, by dimensions."""
    asked = []

    async def ask(by, since, until, where):
        asked.append((tuple(by), since, until, dict(where)))
        sums = {}
        for one in rows:
            if not since <= one.at < until or any(one.labels[name] != value for name, value in where.items()):
                continue
            labels = one.labels | {name: label(name, one.at // length * length) for name, length in GRAINS}
            key = tuple(labels[name] for name in by)
            fresh = SimpleNamespace(labels=dict(zip(by, key, strict=True)), **dict.fromkeys(COUNTS, 0))
            found = sums.setdefault(key, fresh)
            for name in COUNTS:
                setattr(found, name, getattr(found, name) + getattr(one, name))
            for name in ("cost", "saved", "wasted"):
                setattr(found, name, getattr(found, name, Decimal(0)) + getattr(one, name))
        return list(sums.values())

    ask.asked = asked
    return ask


def days(count, **more):
    return Question(more.pop("by", "model"), NOW, NOW + count * DAY, more)


async def test_lines_have_their_share_and_what_they_cost_before():
    ask = ledger(
        row("3", model="smart", team="web"),
        row("1", model="small", team="web", at=NOW + DAY),
        row("2", model="smart", team="web", at=NOW - DAY),
        row("5", model="gone", team="web", at=NOW - DAY),
        row("9", model="smart", team="ops"),
    )
    found = await explore(days(3, team="web"), ask)
    told = [(one.name, one.sums.cost, one.before, one.share) for one in found.lines]
    assert told == [
        ("smart", 3, 2, Decimal("75.0")),
        ("small", 1, 0, Decimal("25.0")),
        ("gone", 0, 5, Decimal("0.0")),
    ]
    assert (found.totals.cost, found.before.cost, found.totals.requests) == (4, 7, 2)
    assert found.times == [int(NOW), int(NOW + DAY), int(NOW + 2 * DAY)]
    assert {one.name: one.costs for one in found.series} == {"smart": (3, 0, 0), "small": (0, 1, 0)}
    assert [what[1:3] for what in ask.asked] == [(NOW, NOW + 3 * DAY), (NOW - 3 * DAY, NOW), (NOW, NOW + 3 * DAY)]


async def test_names_that_are_unique_only_within_others_are_told_with_them():
    ask = ledger(row("1", org="acme", team="web", consumer="ci"), row("2", org="umbrella", team="web", consumer="ci"))
    assert [one.name for one in (await explore(days(3, by="team"), ask)).lines] == ["umbrella/web", "acme/web"]
    found = await explore(days(3, by="consumer"), ask)
    assert [one.name for one in found.lines] == ["umbrella/web/ci", "acme/web/ci"]
    assert found.lines[0].labels == {"org": "umbrella", "team": "web", "consumer": "ci"}


async def test_short_periods_are_told_by_the_hour():
    found = await explore(days(1), ledger(row("1", model="smart", at=NOW + 5 * 3600 + 7)))
    assert found.question.grain == "hour"
    assert len(found.times) == 24
    assert found.series[0].costs[5] == 1


async def test_nothing_is_an_answer():
    found = await explore(days(7), ledger())
    assert (found.lines, found.series, found.totals.cost) == ([], [], 0)


@pytest.mark.parametrize("count", [SERIES + 3, LINES + 5])
async def test_the_long_tail_is_one_line_and_one_series(count):
    found = await explore(days(3), ledger(*[row(number + 1, model=f"m{number}") for number in range(count)]))
    assert found.series[-1].name == REST or count <= SERIES
    assert len(found.lines) == min(count, LINES + 1)
    assert sum(one.sums.cost for one in found.lines) == count * (count + 1) // 2


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(-4, 8), st.decimals(0, 9, places=10), st.integers(0, 3)), max_size=60
    )
)
async def test_everything_adds_up(rows):
    ask = ledger(*[row(cost, model=f"m{model}", at=NOW + at * DAY, requests=n) for model, at, cost, n in rows])
    found = await explore(days(4), ask)
    whole = sum((cost for _, at, cost, _ in rows if 0 <= at < 4), start=Decimal(0))
    assert found.totals.cost == whole
    assert sum((one.sums.cost for one in found.lines), start=Decimal(0)) == whole
    assert sum((sum(one.costs) for one in found.series), start=Decimal(0)) == whole
    assert sum(one.sums.requests for one in found.lines) == found.totals.requests
    assert sum((one.before for one in found.lines), start=Decimal(0)) == found.before.cost
