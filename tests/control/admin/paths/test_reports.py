"""The chargeback report over the API: for whom, of which period, in which format."""

import csv
import io
import json
import sys
from decimal import Decimal
from typing import Any

import pytest
from tests.control.reports.focus_checker import faults

from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.control.reports import focus

PATH = "/admin/v1/reports/chargeback"
NEW_YEAR = {"period": "2025-12"}
"""The ledger on the stage ends as the year begins."""


async def test_it_says_who_pays_how_much(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        told = (await client.get(PATH, params={**NEW_YEAR, "by": "org,team"})).json()
    assert [(line["team"], line["requests"], line["cost"]) for line in told["lines"]] == [
        ("books", 2, "1.5"),
        ("web", 3, "0.0125000001"),
    ]
    assert (told["totals"]["total"], told["period"], told["as_of"]) == (
        "1.5125000001",
        "2025-12",
        "2026-01-01T00:00:00Z",
    )
    assert sum(Decimal(line["share"]) for line in told["lines"]) == 100


async def test_a_team_sees_its_own_calls_and_its_part_of_shared_cost(stage: Any) -> None:
    shared = [{"name": "platform", "money": 90}]
    stage.view.chargeback = ChargebackDocument.model_validate({"shared": shared})
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as client:
        told = (await client.get(PATH, params={**NEW_YEAR, "by": "consumer"})).json()
        sneaky = (await client.get(PATH, params={**NEW_YEAR, "by": ["org", "team"], "team": "books"})).json()
    assert [(line["consumer"], line["item"], line["total"]) for line in told["lines"]] == [
        ("", "platform", "30"),
        ("ci", None, "0.0125"),
        ("shop", None, "0.0000000001"),
    ]
    assert {line["team"] for line in sneaky["lines"]} == {"web"}


@pytest.mark.parametrize(
    ("form", "kind", "begins"),
    [
        ("csv", "text/csv; header=present; charset=utf-8", b"period,kind,item,org,team,"),
        ("json", "application/json", b"{"),
    ],
)
async def test_it_is_a_file_of_the_format_that_was_asked_for(stage: Any, form: str, kind: str, begins: bytes) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        answer = await client.get(PATH, params={**NEW_YEAR, "format": form})
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"] == f'attachment; filename="chargeback-2025-12.{form}"'
    assert answer.content.startswith(begins)


async def test_csv_and_json_hold_the_same(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        lines = (await client.get(PATH, params=NEW_YEAR)).json()["lines"]
        text = (await client.get(PATH, params={**NEW_YEAR, "format": "csv"})).text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows == [{name: "" if cell is None else str(cell) for name, cell in line.items()} for line in lines]


async def test_without_a_library_it_says_so(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    async with stage.client(await stage.token("viewer")) as client:
        answer = await client.get(PATH, params={**NEW_YEAR, "format": "parquet"})
    assert answer.status_code == 501
    assert "pip install 'triplegate[reports]'" in answer.json()["detail"]


async def test_a_focus_export_has_the_whole_cost_by_day_or_hour(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        for grain in ("day", "hour"):
            answer = await client.get(PATH, params={**NEW_YEAR, "format": "focus", "grain": grain})
            rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
            assert faults(rows) == []
            assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal("1.5125000001")
            assert answer.headers["content-disposition"] == 'attachment; filename="focus-2025-12.csv"'
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as client:
        text = (await client.get(PATH, params={**NEW_YEAR, "format": "focus"})).text
    assert {row["SubAccountId"] for row in csv.DictReader(io.StringIO(text))} == {"acme/web"}
    monkeypatch.setattr(focus, "MOST", 1)
    async with stage.client(await stage.token("viewer")) as client:
        assert (await client.get(PATH, params={**NEW_YEAR, "format": "focus"})).status_code == 422


@pytest.mark.parametrize(
    ("query", "key", "said"),
    [
        ({"by": "shoe_size"}, "by", "by takes org, team"),
        ({"period": "soon"}, "period", "a period is 2026-11"),
        ({"period": "2026-11", "since": "2026-11-01T00:00:00Z"}, "since", "say a period, or since and until"),
        ({"since": "2025-12-02T00:00:00", "until": "2025-12-01T00:00:00"}, "since", "since is not before until"),
        ({"until": "2025-12-01T00:00:00"}, "period", "say a period"),
    ],
)
async def test_what_does_not_fit_is_said(stage: Any, query: dict[str, str], key: str, said: str) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        answer = await client.get(PATH, params=query)
    assert answer.status_code == 422
    assert said in json.dumps(answer.json()["errors"])
    assert key in json.dumps(answer.json()["errors"])


async def test_without_anything_it_is_this_month_and_bounds_are_utc(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        assert (await client.get(PATH)).json()["period"] == "2026-01"
        told = (await client.get(PATH, params={"since": "2025-12-31T00:00:00", "by": "team"})).json()
    assert told["begin"] == "2025-12-31T00:00:00Z"
    assert told["end"] == "2026-01-01T00:00:00Z"
    assert len(told["lines"]) == 2
