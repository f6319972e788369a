"""Who pays what: own calls, a part of what is shared, against budget, the period before and the end of this one."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.control.reports.calls import UNIT, Calls, at, call

from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.control.reports.chargeback import Chargeback, House, Line, Question, chargeback, check_by
from triplegate.control.reports.forecast import Forecast
from triplegate.control.reports.period import Period, between, read_period

TEAMS = (("acme", "web"), ("acme", "ops"), ("umbrella", "books"))
OPS = {"team": "ops", "consumer": "bot"}
BOOKS = {"org": "umbrella", "team": "books", "consumer": "robot"}
CALLS = [
    call("2026-10-09", cost=4 * UNIT),
    call("2026-10-10", {**OPS, "model": "old"}, cost=1 * UNIT),
    call("2026-11-02", cost=5 * UNIT, tokens_in=100, tokens_out=20, saved=7),
    call("2026-11-03", cost=1 * UNIT, wasted=UNIT, failed=1),
    call("2026-11-03", OPS, cost=2 * UNIT),
    call("2026-11-03T23:59:59", BOOKS, cost=2 * UNIT + 1),
    call("2026-12-01", cost=99 * UNIT),
]
DECEMBER = at("2026-12-01T08:00")


def house(**document: Any) -> House:
    return House(ChargebackDocument.model_validate(document), TEAMS)


async def asked(
    *by: str,
    where: Mapping[str, str] | None = None,
    now: float = DECEMBER,
    calls: Calls | None = None,
    of: House | None = None,
    period: Period | None = None,
) -> Chargeback:
    question = Question(period or read_period("2026-11"), check_by(by), where or {})
    return await chargeback(question, of or house(), (calls or Calls(CALLS)).ask, now)


def told(report: Chargeback) -> list[tuple[Any, ...]]:
    return [(*line.labels, line.item, line.sums.get("cost", 0), line.shared) for line in report.lines]


async def test_lines_begin_with_the_dearest_and_sum_to_the_whole() -> None:
    report = await asked("team", "model")
    assert told(report) == [
        ("web", "smart", "", 6 * UNIT, 0),
        ("books", "smart", "", 2 * UNIT + 1, 0),
        ("ops", "smart", "", 2 * UNIT, 0),
        ("ops", "old", "", 0, 0),  # it cost something the month before
    ]
    assert [line.previous for line in report.lines] == [4 * UNIT, 0, 0, UNIT]
    totals = report.totals
    assert (totals.total, totals.previous, totals.sums["requests"]) == (10 * UNIT + 1, 5 * UNIT, 4)
    assert (totals.sums["saved"], totals.sums["wasted"], totals.sums["tokens_in"]) == (7, UNIT, 100)
    assert [line.share for line in report.lines] == [6000, 2000, 2000, 0]


async def test_shared_cost_stands_in_lines_of_its_own_and_is_split_to_the_last_unit() -> None:
    shared = [
        {"name": "platform", "money": 100},
        {"name": "support", "money": 20, "rule": "use"},
        {"name": "capacity", "money": 30, "rule": "fixed", "shares": {"web": 2, "books": 1}, "per": "quarter"},
    ]
    report = await asked("org", "team", of=house(shared=shared))
    lines = {(line.item, line.labels[1]): line.shared for line in report.lines if line.kind == "shared"}
    assert sum(part for (item, _), part in lines.items() if item == "platform") == 100 * UNIT
    assert lines["support", "web"] == 20 * UNIT * 6 * UNIT // (10 * UNIT + 1) + 1  # its remainder was the largest
    assert sum(part for (item, _), part in lines.items() if item == "support") == 20 * UNIT
    quarter = 30 * UNIT * 61 // 92 - 30 * UNIT * 31 // 92
    assert lines["capacity", "web"] + lines["capacity", "books"] == quarter
    assert report.totals.total == 10 * UNIT + 1 + 120 * UNIT + quarter
    assert sum(line.share for line in report.lines) == 10_000


async def test_where_teams_are_not_told_apart_shared_cost_is_one_line() -> None:
    shared = [{"name": "platform", "money": 100}]
    report = await asked("model", of=house(shared=shared))
    assert ("", "platform", 0, 100 * UNIT) in told(report)
    report = await asked("org", of=house(shared=shared))
    assert {line.labels: line.shared for line in report.lines if line.kind == "shared"} == {
        ("acme",): 66 * UNIT + 6_666_666_667,
        ("umbrella",): 33 * UNIT + 3_333_333_333,
    }


async def test_a_team_sees_its_own_and_the_same_part_of_what_is_shared() -> None:
    document = house(shared=[{"name": "support", "money": 20, "rule": "use"}])
    whole = await asked("org", "team", of=document)
    own = await asked("team", "consumer", where={"org": "acme", "team": "ops"}, of=document)
    assert told(own) == [
        ("ops", "", "support", 0, line_of(whole, "shared", "ops").shared),
        ("ops", "bot", "", 2 * UNIT, 0),
    ]
    assert own.totals.previous == UNIT + 4 * UNIT  # 20 dollars of October were split 4 : 1
    calls = Calls(CALLS)
    await asked("consumer", where={"org": "acme", "team": "ops"}, calls=calls)
    assert calls.asked == [("consumer",)] * 2  # nothing is shared: nobody else is asked about


def line_of(report: Chargeback, kind: str, team: str) -> Line:
    return next(line for line in report.lines if line.kind == kind and team in line.labels)


async def test_finance_has_names_of_its_own_for_teams() -> None:
    tags = {"web": {"cost_center": "4711", "unit": "shop"}, "umbrella/books": {"cost_center": "4711"}}
    by_center = await asked("tag:cost_center", of=house(tags=tags))
    assert told(by_center) == [("4711", "", 8 * UNIT + 1, 0), ("", "", 2 * UNIT, 0)]
    by_team = await asked("team", of=house(tags=tags))
    assert [line.tags for line in by_team.lines] == [tags["web"], tags["umbrella/books"], {}]
    exact = await asked("org", "team", "tag:unit", of=house(tags=tags))
    assert exact.lines[0].labels == ("acme", "web", "shop")
    assert exact.lines[0].tags == tags["web"]


async def test_tools_are_told_by_their_names_and_nothing_else_is_one() -> None:
    tool = {"gate": "mcp", "model": "", "route": "files", "target": "files__read"}
    calls = Calls([call("2026-11-02", tool, cost=3), call("2026-11-02", {"target": "openai/gpt-4o"}, cost=2)])
    assert told(await asked("tool", calls=calls)) == [("files__read", "", 3, 0), ("", "", 2, 0)]


async def test_the_budget_is_that_of_whom_the_labels_name() -> None:
    def budget(labels: Mapping[str, str], period: Period) -> int | None:
        assert period.name == "2026-11"
        return 10 * UNIT if labels == {"team": "web"} else None

    report = await asked("team", of=House(ChargebackDocument(), TEAMS, budget))
    assert [line.budget for line in report.lines] == [10 * UNIT, None, None]


async def test_while_the_period_runs_its_end_is_foreseen() -> None:
    report = await asked("team", now=at("2026-11-06"))
    whole = report.totals.forecast
    assert whole is not None
    assert whole.expected == sum(line.forecast.expected for line in report.lines if line.forecast is not None)
    web = line_of(report, "usage", "web").forecast
    assert web is not None
    assert web.expected == 6 * UNIT + 6 * UNIT // 5 * 25
    assert (await asked("team", now=at("2026-11-02T23:59"))).totals.forecast is None
    assert (await asked("team", now=at("2026-10-20"))).totals.forecast is None


async def test_what_is_over_is_what_it_was_and_what_is_shared_is_known() -> None:
    report = await asked("team", of=house(shared=[{"name": "platform", "money": 9}]))
    assert report.totals.forecast == Forecast(*[19 * UNIT + 1] * 3)


async def test_a_period_of_broken_days_has_no_forecast_until_it_is_over() -> None:
    period = between(at("2026-11-01T12:00"), at("2026-11-20T12:00"))
    assert (await asked("team", period=period, now=at("2026-11-10"))).totals.forecast is None
    assert (await asked("team", period=period)).totals.forecast is not None


async def test_an_empty_period_has_no_lines() -> None:
    report = await asked("team", period=read_period("2020"), calls=Calls([]))
    assert (report.lines, report.totals.total, report.totals.share) == ([], 0, 0)


@pytest.mark.parametrize("by", [(), ("weather",), ("tag:",), ("day",)])
def test_what_it_cannot_be_told_by_is_named(by: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="by takes org, team, consumer"):
        check_by(by)


def test_a_dimension_is_told_once() -> None:
    assert check_by(["team", "model", "team"]) == ("team", "model")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["web", "ops", "books"]),
            st.sampled_from(["a", "b"]),
            st.integers(0, 10**12),
            st.integers(1, 60),
        ),
        max_size=30,
    ),
    st.integers(0, 10**6),
    st.sampled_from([("team",), ("model",), ("org", "team", "model"), ("tag:cost_center", "consumer")]),
)
async def test_whatever_is_asked_the_sum_is_the_ledgers(
    spent: list[tuple[str, str, int, int]], cents: int, by: tuple[str, ...]
) -> None:
    calls = Calls(
        [
            call("2026-10-01", {"team": team, "model": model}, cost=cost)
            if day > 30
            else call(f"2026-11-{day:02}", {"team": team, "model": model}, cost=cost)
            for team, model, cost, day in spent
        ]
    )
    document = house(
        shared=[{"name": "s", "money": f"{cents / 100:.2f}", "rule": "use"}], tags={"web": {"cost_center": "1"}}
    )
    report = await asked(*by, calls=calls, of=document)
    november = sum(cost for _, _, cost, day in spent if day <= 30)
    shared = cents * UNIT // 100
    assert sum(line.sums.get("cost", 0) for line in report.lines) == report.totals.sums.get("cost", 0) == november
    assert sum(line.shared for line in report.lines) == report.totals.shared == shared
    assert report.totals.previous == sum(cost for _, _, cost, day in spent if day > 30) + shared
    assert sum(line.share for line in report.lines) == (10_000 if report.lines else 0)
