"""The report as a sheet: a column for everything, and a table for a terminal that leaves out what is nothing."""

import json
from decimal import Decimal
from typing import Any

from tests.control.reports.calls import UNIT, Calls, call
from tests.control.reports.test_chargeback import CALLS, TEAMS, asked, house

from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.control.reports.chargeback import Chargeback, House
from triplegate.control.reports.chargeback_sheet import sheet_of, shown, totals_of
from triplegate.control.reports.rendering import rendered
from triplegate.control.reports.sheets import to_csv, to_json


def lines(report: Chargeback) -> list[dict[str, object]]:
    sheet = sheet_of(report)
    return [dict(zip([column.name for column in sheet.columns], row, strict=True)) for row in sheet.rows]


async def test_a_line_has_everything() -> None:
    budget = House(
        ChargebackDocument.model_validate({"tags": {"web": {"cost_center": "4711"}}}), TEAMS, lambda *_: 8 * UNIT
    )
    web = lines(await asked("team", of=budget))[0]
    assert (web["period"], web["kind"], web["team"], web["tags"]) == (
        "2026-11",
        "usage",
        "web",
        '{"cost_center":"4711"}',
    )
    assert (web["requests"], web["failed"], web["tokens_in"], web["tokens_out"], web["saved"]) == (
        2,
        1,
        100,
        20,
        Decimal("7E-10"),
    )
    assert (web["cost"], web["wasted"], web["shared"], web["total"]) == (6, 1, 0, 6)
    assert web["share"] == 60
    assert (web["budget"], web["budget_left"], web["budget_used"]) == (8, 2, 75)
    assert (web["previous"], web["change"], web["change_percent"]) == (4, 2, 50)
    assert (web["forecast"], web["forecast_low"], web["forecast_high"]) == (6, 6, 6)


async def test_the_total_is_the_sum_of_the_column() -> None:
    report = await asked("team", "model", of=house(shared=[{"name": "platform", "money": 100}]))
    totals = totals_of(report)
    for name in ("requests", "cost", "shared", "total", "share", "previous", "change", "forecast"):
        assert totals[name] == sum(Decimal(line[name] or 0) for line in lines(report)), name  # type: ignore[arg-type]


async def test_the_whole_is_described() -> None:
    told = json.loads(to_json(sheet_of(await asked("team"))))
    assert (told["begin"], told["end"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert (told["as_of"], told["compared_with"], told["currency"]) == ("2026-12-01T08:00:00Z", "2026-10", "USD")
    assert "weekday" in told["forecast"]


async def table(*by: str, **more: Any) -> tuple[list[str], list[list[str]]]:
    return shown(json.loads(rendered(await asked(*by, **more), "json").content))


async def test_a_terminal_shows_what_there_is_and_the_sum() -> None:
    names, rows = await table("team", calls=Calls([call("2026-11-02", cost=UNIT // 2)]))
    assert names == ["team", "requests", "cost", "total", "share", "change", "forecast"]
    assert rows == [["web", "1", "0.5", "0.5", "100", "0.5", "0.5"], ["total", "1", "0.5", "0.5", "100", "0.5", "0.5"]]
    names, rows = await table("team", of=house(shared=[{"name": "platform", "money": 9}]))
    assert names[:2] == ["team", "item"]
    assert {row[1] for row in rows} == {"", "platform"}


async def test_a_name_from_outside_runs_nowhere() -> None:
    report = await asked("model", calls=Calls([*CALLS, call("2026-11-02", {"model": "=HYPERLINK(1)"}, cost=1)]))
    assert b"'=HYPERLINK(1)" in to_csv(sheet_of(report))
