"""GET /usage: what the caller itself used and what it cost, out of the ledger; nobody else's numbers."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from triplegate.core.calendar import Calendar
from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import OneFrame, Reply
from triplegate.core.identity import Principal
from triplegate.core.money import plain
from triplegate.core.ports import Books

PATH = "/usage"
BY = ("model", "tool", "route", "gate", "day", "key", "outcome")
"""What it may be told by."""
AT_ONCE = 4
"""Questions that a worker asks the ledger at once; more are turned away."""
_COUNTS = ("requests", "refused", "failed", "tokens_in", "tokens_out")
_LONGEST = 400 * 86_400
_encode = msgspec.json.Encoder().encode


class OwnUsage:
    """Answers for one caller at a time: the consumer of the key, or the key alone."""

    __slots__ = ("_books", "_clock", "_room")

    def __init__(self, books: Books | None, clock: Clock) -> None:
        self._books, self._clock = books, clock
        self._room = asyncio.Semaphore(AT_ONCE)

    async def answer(self, exchange: Exchange) -> Reply:
        """The numbers as JSON. Raises Refusal invalid_query, overloaded, ledger_unavailable."""
        principal = exchange.principal
        assert principal is not None
        question = dict(parse_qsl(exchange.inbound.query.decode("latin-1"), max_num_fields=16))
        now = self._clock.wall()
        since, until = _period(question, now)
        by = [name for name in question.get("by", "model").split(",") if name]
        wrong = [name for name in by if name not in BY]
        if wrong:
            raise Refusal("invalid_query", f"by takes {', '.join(BY)}; not {', '.join(wrong)[:64]}.")
        where = _own(principal, question.get("scope", "consumer"))
        rows = await self._rows(by, since, until, where)
        told = {
            "object": "usage",
            "team": principal.team_ref,
            "consumer": principal.consumer,
            **({"key": principal.key_id} if "key" in where else {}),
            "since": _instant(since),
            "until": _instant(until),
            "as_of": _instant(now),
            "currency": "USD",
            "total": _sums(rows),
            "by": by,
            "budgets": await self._budgets(principal),
            "rows": [{**{name: row.labels[name] for name in by}, **_sums([row])} for row in rows],
        }
        return Reply(200, [(b"content-type", b"application/json")], OneFrame(_encode(told)), source="local")

    async def _budgets(self, principal: Principal) -> Sequence[Mapping[str, Any]]:
        if self._books is None or principal.method == "none":
            return ()
        return await self._books.own_budgets(f"{principal.team_ref}/{principal.consumer}", principal.key_id)

    async def _rows(self, by: Sequence[str], since: float, until: float, where: dict[str, str]) -> Sequence[Any]:
        if self._room.locked():
            raise Refusal("overloaded", "The ledger is asked by many now.", retry_after=1.0)
        if self._books is None:
            raise Refusal("ledger_unavailable", "This gateway keeps no ledger.")
        async with self._room:
            try:
                return await self._books.usage(by, since, until, where)
            except Exception as error:
                if getattr(error, "remedy", None) is None:
                    raise
                raise Refusal("ledger_unavailable", "The ledger cannot be asked now.", retry_after=5.0) from error


def _own(principal: Principal, scope: str) -> dict[str, str]:
    """Whose numbers: nothing in an address leads to anybody else's."""
    own = {"org": principal.org, "team": principal.team, "consumer": principal.consumer}
    if scope == "key" and principal.key_id:
        return {**own, "key": principal.key_id}
    if scope != "consumer":
        raise Refusal("invalid_query", "scope takes consumer, or key for callers that have one.")
    return own


def _period(question: dict[str, str], now: float) -> tuple[float, float]:
    """This month, unless since and until say another time."""
    _, begin, end = Calendar("month").at(now)
    since = _moment(question, "since", begin)
    until = _moment(question, "until", end)
    if not since < until <= since + _LONGEST:
        raise Refusal("invalid_query", "until must come after since, by 400 days at most.")
    return since, until


def _moment(question: dict[str, str], name: str, otherwise: float) -> float:
    text = question.get(name)
    if text is None:
        return otherwise
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("invalid_query", f"{name} is no moment such as 2026-11-24T12:00:00Z.") from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def _sums(rows: Sequence[Any]) -> dict[str, Any]:
    counts = {name: sum([getattr(row, name) for row in rows]) for name in _COUNTS}
    return {**counts, "cost": plain(sum([row.cost for row in rows], start=Decimal(0)))}


def _instant(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
