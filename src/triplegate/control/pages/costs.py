"""What was spent: the explorer, single calls below it, and the same numbers as files."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.pages.asked import PERIODS, Asked, asked
from triplegate.control.parts import Parts
from triplegate.control.reports.explorer import BY, Explored, Line, explore
from triplegate.control.reports.sheets import safe
from triplegate.core.money import plain

AnyRequest = Request[Any, Any, Any]
NEXT = {"team": "consumer", "consumer": "model", "key": "model", "model": "provider", "route": "consumer"}
"""What a line leads to; others lead to models."""
MOST = 100
_COLUMNS = ("cost", "before", "share", "requests", "refused", "failed", "tokens_in", "tokens_out", "saved", "wasted")


@get("/costs", role=EVERYONE, tenant="own", include_in_schema=False)
async def show_costs(request: AnyRequest, caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> Template:
    """The explorer."""
    said = asked(_query(request), caller, parts.clock.wall())
    context = {
        "asked": said,
        "explored": await _explored(said, parts),
        "periods": PERIODS,
        "dimensions": BY,
        "next_of": {name: NEXT.get(name, "model") for name in BY},
        "as_of": parts.clock.wall(),
        "caller": caller,
        "here": "/costs",
    }
    return Template("costs.html", context=context)


async def _explored(said: Asked, parts: Parts) -> Explored | None:
    """None while the ledger cannot be asked."""
    try:
        return await explore(said.question, parts.books.usage)
    except Exception as error:
        if getattr(error, "remedy", None) is None:
            raise
        return None


@get(["/costs.csv", "/costs.json"], role=EVERYONE, tenant="own", include_in_schema=False)
async def download(
    request: AnyRequest, caller: NamedDependency[Caller], parts: NamedDependency[Parts]
) -> Response[Any]:
    """The explorer's lines as a file, money with every digit."""
    said = asked(_query(request), caller, parts.clock.wall())
    found = await explore(said.question, parts.books.usage)
    name = f"costs-{said.first}-{said.last}-by-{said.question.by}"
    rows = [_row(line) for line in found.lines]
    if request.url.path.endswith(".json"):
        told = {
            "first": said.first,
            "last": said.last,
            "by": said.question.by,
            "where": dict(said.question.where),
            "lines": rows,
        }
        return _file(msgspec.json.encode(told), "application/json", f"{name}.json")
    return _file(_csv(said.question.by, rows), "text/csv; charset=utf-8", f"{name}.csv")


def _row(line: Line) -> dict[str, Any]:
    sums = line.sums
    money = {name: plain(getattr(sums, name)) for name in ("cost", "saved", "wasted")}
    counts = {name: getattr(sums, name) for name in ("requests", "refused", "failed", "tokens_in", "tokens_out")}
    return {"name": line.name, **money, **counts, "before": plain(line.before), "share": str(line.share)}


def _csv(by: str, rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((by, *_COLUMNS))
    for row in rows:
        writer.writerow((safe(row["name"]), *(row[name] for name in _COLUMNS)))
    return text.getvalue().encode()


def _file(content: bytes, kind: str, name: str) -> Response[bytes]:
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


@get("/calls", role=EVERYONE, tenant="own", include_in_schema=False)
async def show_calls(request: AnyRequest, caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> Template:
    """Single calls, the newest first, a page at a time."""
    query = _query(request)
    said = asked(query, caller, parts.clock.wall())
    rows = await parts.books.calls(
        said.question.where, said.question.since, said.question.until, _before(query), MOST + 1
    )
    older = f"{rows[MOST - 1].started!r}~{rows[MOST - 1].exchange}" if len(rows) > MOST else ""
    context = {"asked": said, "rows": rows[:MOST], "older": older, "caller": caller, "here": "/costs"}
    return Template("calls.html", context=context)


def _before(query: Mapping[str, str]) -> tuple[float, str] | None:
    begin, _, exchange = query.get("before", "").partition("~")
    try:
        return (float(begin), exchange[:64]) if exchange else None
    except ValueError:
        return None


@get("/calls/{exchange:str}", role=EVERYONE, tenant="own", include_in_schema=False)
async def show_call(
    exchange: FromPath[str], caller: NamedDependency[Caller], parts: NamedDependency[Parts]
) -> Template:
    """One call with its parts and attempts."""
    rows, tries = await parts.books.call(exchange[:64])
    if not rows or not caller.sees(rows[-1].org, rows[-1].team):
        raise NotFoundException("There is no such call.")
    return Template("call.html", context={"rows": rows, "tries": tries, "caller": caller, "here": "/costs"})


def _query(request: AnyRequest) -> dict[str, str]:
    """The address's parts; of one that is said twice the last."""
    return {name: str(value) for name, value in request.query_params.multi_items()}
