"""The cost explorer: every number is a query's, the files hold the same, and nobody sees another's."""

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

COUNTS = ("requests", "refused", "failed", "tokens_in", "tokens_out")
DAYS = "first=2025-12-31&last=2026-01-01"
"""The days of the stage's records."""


class Table(HTMLParser):
    """Cells of rows that have a data attribute of this name; exact amounts where there are some."""

    def __init__(self, text: str, attribute: str) -> None:
        super().__init__()
        self.rows: dict[str, list[str]] = {}
        self.numbers: dict[str, str] = {}
        self._attribute, self._row, self._cell, self._number = attribute, "", False, ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "tr":
            self._row = found.get(f"data-{self._attribute}") or ""
        elif tag == "dd":
            self._number = found.get("data-number") or ""
        elif tag in ("td", "th") and self._row:
            self._cell = True
            self.rows.setdefault(self._row, []).append(found.get("data-value") or "")
        if "data-exact" in found:
            self._exact(found["data-exact"] or "")

    def _exact(self, amount: str) -> None:
        if self._number:
            self.numbers[self._number] = amount
        elif self._cell:
            self.rows[self._row][-1] = amount

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False
        elif tag == "dd":
            self._number = ""

    def handle_data(self, text: str) -> None:
        if self._number:
            self.numbers.setdefault(self._number, text.strip())
        elif self._cell and not self.rows[self._row][-1]:
            self.rows[self._row][-1] = text.strip()


async def asked(
    stage: Any, path: str, *, team: str = "", org: str = "", form: Callable[[Any], Any] | None = None
) -> Any:
    async with stage.client(await stage.token("viewer", org=org, team=team)) as client:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        return form(answer) if form else answer.text


async def report(stage: Any, *by: str) -> list[dict[str, Any]]:
    query = "&".join(f"by={name}" for name in by)
    span = "since=2025-12-31T00:00:00Z&until=2026-01-02T00:00:00Z"
    told = await asked(stage, f"/admin/v1/usage?{query}&{span}", form=lambda answer: answer.json())
    return list(told["rows"])


@pytest.mark.parametrize(
    ("by", "dimensions"),
    [("team", ("org", "team")), ("consumer", ("org", "team", "consumer")), ("model", ("model",)), ("gate", ("gate",))],
)
async def test_every_line_equals_the_usage_report(stage: Any, by: str, dimensions: tuple[str, ...]) -> None:
    page = Table(await asked(stage, f"/costs?{DAYS}&by={by}"), "line")
    rows = await report(stage, *dimensions)
    shown = {name: [cells[1], *cells[5:10]] for name, cells in page.rows.items()}
    assert shown == {
        "/".join(row["labels"][name] for name in dimensions): [row["cost"], *(str(row[name]) for name in COUNTS)]
        for row in rows
    }
    for name in ("requests", "tokens_in", "tokens_out"):
        assert int(page.numbers[name]) == sum(row[name] for row in rows)
    assert Decimal(page.numbers["cost"]) == sum(Decimal(row["cost"]) for row in rows) > 1


async def test_the_plot_s_numbers_are_the_lines_by_hour(stage: Any) -> None:
    page = await asked(stage, f"/costs?{DAYS}&by=team")
    lines, times = Table(page, "line").rows, Table(page, "at").rows
    heads = re.findall(r"<th scope=\"col\" class=\"n\">([^<]*)</th>", page[page.index('id="by-time"') :])
    assert len(times) == 48
    for column, name in enumerate(heads, 1):
        assert sum(Decimal(cells[column]) for cells in times.values()) == Decimal(lines[name][1])
    assert "acme/web" in heads


async def test_the_way_down_leads_to_the_same_numbers_of_one_line(stage: Any) -> None:
    page = await asked(stage, f"/costs?{DAYS}")
    [link] = re.findall(r'data-line="acme/web"><th scope="row"><a href="([^"]*)"', page)
    below = Table(await asked(stage, link.replace("&amp;", "&")), "line")
    assert sorted(below.rows) == ["acme/web/ci", "acme/web/shop"]
    assert below.numbers["cost"] == Table(page, "line").rows["acme/web"][1]


async def test_the_files_hold_the_page_s_lines(stage: Any) -> None:
    page = Table(await asked(stage, f"/costs?{DAYS}"), "line").rows
    told = await asked(stage, f"/costs.json?{DAYS}", form=lambda answer: answer.json())
    assert {one["name"]: one["cost"] for one in told["lines"]} == {name: cells[1] for name, cells in page.items()}
    answer = await asked(stage, f"/costs.csv?{DAYS}", form=lambda answer: answer)
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["team"], row["cost"]) for row in rows] == [(one["name"], one["cost"]) for one in told["lines"]]


async def test_a_name_is_text_in_pages_and_no_formula_in_files(stage: Any, make_record: Any) -> None:
    wild = '=HYPERLINK("http://x")<img src=x onerror=alert(1)>'
    await stage.store.ledger.write([make_record(exchange="W", consumer=wild, org="", team="", each=True, cost=1)])
    page = await asked(stage, f"/costs?{DAYS}&by=key")
    assert "<img src=x" not in page
    query = f"/costs.csv?{DAYS}&by=consumer"
    rows = list(csv.reader(io.StringIO(await asked(stage, query, form=lambda answer: answer.text))))
    assert not [cell for row in rows for cell in row if cell[:1] in "=+-@" and cell[:1]]


async def test_a_caller_of_one_team_sees_its_own_only(stage: Any) -> None:
    for path in (f"/costs?{DAYS}&org=umbrella", f"/costs.json?{DAYS}&team=books", f"/calls?{DAYS}&org=umbrella"):
        text = await asked(stage, path, org="acme", team="web")
        assert "books" not in text.replace("team=books", "")
        assert "robot" not in text
    page = Table(await asked(stage, f"/costs?{DAYS}", org="acme", team="web"), "line")
    assert list(page.rows) == ["acme/web"]
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as client:
        assert (await client.get("/calls/E3")).status_code == 404
        assert (await client.get("/calls/E0")).status_code == 200
        assert (await client.get("/calls/nobody")).status_code == 404


async def test_single_calls_are_listed_and_told_whole(stage: Any, make_record: Any, make_attempt: Any) -> None:
    tries = (make_attempt(n=1, adopted=False, cost=30_000_000), make_attempt(n=2, role="fallback", cost=70_000_000))
    made = make_record(exchange="TWO", gate="llm", route="smart", cost=100_000_000, attempts=tries, billed=True)
    await stage.store.ledger.write([made])
    listed = Table(await asked(stage, f"/calls?{DAYS}&team=web&model=smart"), "exchange").rows
    assert {"E0", "E1", "E2", "TWO"} == set(listed)
    assert listed["TWO"][-1] == "0.01"
    told = await asked(stage, "/calls/TWO")
    assert [cells[-2] for cells in Table(told, "attempt").rows.values()] == ["0.003", "0.007"]
    assert "no: wasted" in told


async def test_many_calls_come_a_page_at_a_time(stage: Any, make_record: Any) -> None:
    await stage.store.ledger.write([make_record(exchange=f"M{n:03}", each=True, route="many") for n in range(130)])
    path, seen = f"/calls?{DAYS}&route=many", []
    while path:
        page = await asked(stage, path)
        seen += list(Table(page, "exchange").rows)
        older = re.findall(r'href="([^"]*)" rel="next"', page)
        path = older[0].replace("&amp;", "&") if older else ""
    assert seen == [f"M{n:03}" for n in range(129, -1, -1)]


async def test_a_period_that_cannot_be_read_is_refused_by_name(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        answer = await client.get("/costs?period=ever")
    assert answer.status_code == 422
    assert "period" in answer.text


@pytest.mark.long
async def test_a_browser_draws_the_plot_and_follows_the_form_without_a_new_page(
    stage: Any, served: str, page: Any, pictures: Callable[[str], Path]
) -> None:
    import asyncio

    token = await stage.token("viewer")

    def look() -> list[str]:
        page.visit(f"{served}/sign-in")
        page.submit(
            f"document.querySelector('[name=token]').value = '{token}'; document.querySelector('form').submit()"
        )
        page.visit(f"{served}/costs?{DAYS}")
        page.until("document.querySelector('figure[data-drawn=\"48\"] canvas')")
        page.picture(pictures("costs"), height=900)
        page.evaluate(
            "window.stays = true; const by = document.querySelector('[name=by]'); by.value = 'consumer';"
            " by.dispatchEvent(new Event('change', {bubbles: true}))"
        )
        page.until("document.querySelector('[data-line=\"acme/web/ci\"]')")
        page.until("document.querySelector('figure[data-drawn] canvas')")
        assert page.evaluate("window.stays") is True
        assert "by=consumer" in page.evaluate("location.search")
        page.dark(True)
        page.picture(pictures("costs-dark"), height=900)
        page.picture(pictures("costs-narrow"), width=420)
        return list(page.complaints)

    assert await asyncio.to_thread(look) == []
