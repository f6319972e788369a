"""The chargeback report: who pays how much of a period, with shared cost, budget, the period before and a forecast."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.control.reports.allocation import Team, allocated, amount_in, split, team_of
from triplegate.control.reports.forecast import EVEN, HISTORY, Forecast, Weights, forecast, weights_of
from triplegate.control.reports.period import DAY, Period
from triplegate.control.reports.spending import Ask, Known, Spent
from triplegate.core.money import Price

TAG = "tag:"
"""Begins the name of a dimension that finance made: tag:cost_center."""
DIMENSIONS = (
    *("org", "team", "consumer", "key", "plan", "gate", "route", "model", "provider", "target", "outcome"),
    *("tool", "price_version", "cache"),
)
_TEAM = ("org", "team")
Labels = tuple[str, ...]


class Question(msgspec.Struct, frozen=True):
    """What is asked, and by whom: `where` holds an org or team whose reader sees nothing else."""

    period: Period
    by: tuple[str, ...]
    where: Mapping[str, str] = {}


class House(msgspec.Struct, frozen=True):
    """What reports know beside the ledger."""

    document: ChargebackDocument
    teams: tuple[Team, ...]
    budget: Callable[[Mapping[str, str], Period], int | None] = lambda labels, period: None
    """Units that may be spent by whom the labels name, in that period."""
    price: Callable[[str], Known | None] = lambda version: None
    """What a price version of the ledger was."""
    listed: Callable[[Known], Price | None] = lambda known: None
    """The vendor's list price of a model whose calls have a price of their own; None where they have none."""

    def tags(self, team: Team) -> dict[str, str]:
        """What finance calls a team."""
        found: dict[str, str] = {}
        for name, tags in self.document.tags.items():
            if team_of(name, self.teams) == team:
                found.update(tags)
        return found


class Line(msgspec.Struct):
    """One payer's part. Money in units."""

    kind: str
    """usage, or shared: cost that no call bears."""
    item: str
    """Name of the shared cost."""
    labels: Labels
    tags: dict[str, str]
    sums: dict[str, int]
    shared: int = 0
    share: int = 0
    """Hundredths of a percent of the whole; those of all lines sum to 100 %."""
    budget: int | None = None
    previous: int = 0
    forecast: Forecast | None = None

    @property
    def total(self) -> int:
        """Own and shared cost together."""
        return self.sums.get("cost", 0) + self.shared


class Chargeback(msgspec.Struct, frozen=True):
    """The report: lines from the dearest on, and their sum."""

    question: Question
    as_of: float
    lines: list[Line]
    totals: Line


def check_by(by: Iterable[str]) -> tuple[str, ...]:
    """Dimensions as asked for, each once. Raises ValueError naming those that are none."""
    names = tuple(dict.fromkeys(by))
    wrong = [one for one in names if one not in DIMENSIONS and not (one.startswith(TAG) and one != TAG)]
    if wrong or not names:
        raise ValueError(f"by takes {', '.join(DIMENSIONS)} and tag:NAME; not {', '.join(wrong) or 'nothing'}")
    return names


class _Rows(msgspec.Struct, frozen=True):
    """What the ledger was asked for."""

    current: Sequence[Spent]
    before: Sequence[Spent]
    daily: Sequence[Spent] | None
    """By day as well, far enough back to weigh weekdays; None where no forecast is due."""
    teams: Sequence[Spent]
    """The whole house by team, where shared cost goes by use."""
    teams_before: Sequence[Spent]


async def chargeback(question: Question, house: House, ask: Ask, now: float) -> Chargeback:
    """Ask the ledger, and put the report together beside the loop. Raises DatabaseUnavailable."""
    period, before, where = question.period, question.period.before, question.where
    relabel = _Relabel(question.by, house)
    daily = None
    if _foreseeable(period, now):
        today = int(now) // DAY * DAY
        since, until = min(period.begin, today - HISTORY * DAY), min(period.end, today + DAY)
        daily = await ask((*relabel.asked, "day"), since, until, where)
    by_use = any(shared.rule == "use" for shared in house.document.shared)
    rows = _Rows(
        await ask(relabel.asked, period.begin, period.end, where),
        await ask(relabel.asked, before.begin, before.end, where),
        daily,
        await ask(_TEAM, period.begin, period.end, {}) if by_use else (),
        await ask(_TEAM, before.begin, before.end, {}) if by_use else (),
    )
    return await asyncio.to_thread(_put_together, question, house, relabel, rows, now)


def _foreseeable(period: Period, now: float) -> bool:
    """While it runs, and of whole days only."""
    return period.begin <= now < period.end and period.begin % DAY == 0 and period.end % DAY == 0


def _put_together(question: Question, house: House, relabel: "_Relabel", rows: _Rows, now: float) -> Chargeback:
    period = question.period
    current, before = relabel.summed(rows.current), relabel.summed(rows.before)
    lines = [Line("usage", "", labels, relabel.tags(labels), sums) for labels, sums in current.items()]
    lines += [Line("usage", "", labels, relabel.tags(labels), {}) for labels in before if labels not in current]
    daily = None if rows.daily is None else relabel.daily(rows.daily)
    weights = EVEN if daily is None else weights_of(_column_sums(daily.values()), now)
    for line in lines:
        line.previous = before.get(line.labels, {}).get("cost", 0)
        line.budget = house.budget(dict(zip(question.by, line.labels, strict=True)), period)
        line.forecast = _foreseen(line, daily, period, now, weights)
    lines += _shared(question, house, relabel, rows)
    lines.sort(key=lambda line: (-line.total, line.kind, line.item, line.labels))
    _share_out(lines)
    return Chargeback(question, now, lines, _totals(question, lines))


class _Relabel:
    """Turns the ledger's dimensions into those asked for: tags stand for teams."""

    def __init__(self, by: Sequence[str], house: House) -> None:
        self.by = by
        teams = _TEAM if any(name.startswith(TAG) for name in by) else ()
        tools = ("gate", "target") if "tool" in by else ()
        plain = [name for name in by if not name.startswith(TAG) and name != "tool"]
        self.asked = tuple(dict.fromkeys([*plain, *teams, *tools]))
        self._tags: dict[Team, dict[str, str]] = {}
        for name, tags in house.document.tags.items():
            self._tags.setdefault(team_of(name, house.teams), {}).update(tags)
        self._plain = not (teams or tools)
        self._bare = {team: tags for (_, team), tags in self._tags.items()}

    def labels(self, found: Mapping[str, str]) -> Labels:
        """Values of the dimensions asked for; empty where there is none."""
        if self._plain:
            return tuple([found.get(name, "") for name in self.by])
        team = self._tags.get((found.get("org", ""), found.get("team", "")), {})
        known = {**found, "tool": found.get("target", "") if found.get("gate") == "mcp" else ""}
        return tuple(
            team.get(name.removeprefix(TAG), "") if name.startswith(TAG) else known.get(name, "") for name in self.by
        )

    def tags(self, labels: Labels) -> dict[str, str]:
        """What finance calls the team of a line."""
        found = dict(zip(self.by, labels, strict=True))
        if "team" not in found:
            return {}
        if "org" in found:
            return self._tags.get((found["org"], found["team"]), {})
        return self._bare.get(found["team"], {})

    def summed(self, rows: Iterable[Spent]) -> dict[Labels, dict[str, int]]:
        """Sums by what was asked for."""
        found: dict[Labels, dict[str, int]] = {}
        for row in rows:
            add(found.setdefault(self.labels(row.labels), {}), row.sums)
        return found

    def daily(self, rows: Iterable[Spent]) -> dict[Labels, dict[int, int]]:
        """Cost by what was asked for and by day."""
        found: dict[Labels, dict[int, int]] = {}
        for row in rows:
            days = found.setdefault(self.labels(row.labels), {})
            day = int(float(row.labels["day"]))
            days[day] = days.get(day, 0) + row.sums.get("cost", 0)
        return found


def add(sums: dict[str, int], more: Mapping[str, int]) -> None:
    """Add numbers by name."""
    for name, number in more.items():
        sums[name] = sums.get(name, 0) + number


def _column_sums(columns: Iterable[Mapping[int, int]]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for column in columns:
        for day, cost in column.items():
            sums[day] = sums.get(day, 0) + cost
    return sums


def _foreseen(
    line: Line, daily: Mapping[Labels, Mapping[int, int]] | None, period: Period, now: float, weights: Weights
) -> Forecast | None:
    if daily is None:
        return Forecast(line.total, line.total, line.total) if period.over(now) else None
    return forecast(period, daily.get(line.labels, {}), now, weights)


def _shared(question: Question, house: House, relabel: _Relabel, rows: _Rows) -> list[Line]:
    """Lines of shared cost; who bears it is reckoned over the whole house, whoever asks."""
    now = _parts(question.period, house, rows.teams)
    before = _parts(question.period.before, house, rows.teams_before)
    lines: dict[tuple[str, Labels], Line] = {}
    for name, team in {**now, **before}:
        if any(question.where.get(part, own) != own for part, own in zip(_TEAM, team, strict=True)):
            continue
        labels = relabel.labels(dict(zip(_TEAM, team, strict=True)))
        line = lines.setdefault((name, labels), Line("shared", name, labels, relabel.tags(labels), {}))
        line.shared += now.get((name, team), 0)
        line.previous += before.get((name, team), 0)
    for line in lines.values():
        line.forecast = Forecast(line.shared, line.shared, line.shared)
    return list(lines.values())


def _parts(period: Period, house: House, rows: Iterable[Spent]) -> dict[tuple[str, Team], int]:
    spent = {(row.labels["org"], row.labels["team"]): row.sums.get("cost", 0) for row in rows}
    found = {}
    for shared in house.document.shared:
        amount = amount_in(shared, period, house.document.fiscal_start)
        for team, part in allocated(shared, amount, house.teams, spent).items():
            found[shared.name, team] = part
    return found


def _share_out(lines: Sequence[Line]) -> None:
    parts = split(10_000, {number: max(0, line.total) for number, line in enumerate(lines)})
    for number, line in enumerate(lines):
        line.share = parts[number]


def _totals(question: Question, lines: Sequence[Line]) -> Line:
    totals = Line("total", "", ("",) * len(question.by), {}, {}, share=10_000 if lines else 0)
    foreseen = [line.forecast for line in lines]
    for line in lines:
        add(totals.sums, line.sums)
        totals.shared += line.shared
        totals.previous += line.previous
    if lines and all(one is not None for one in foreseen):
        told = [one for one in foreseen if one is not None]
        totals.forecast = Forecast(
            sum(one.expected for one in told), sum(one.low for one in told), sum(one.high for one in told)
        )
    return totals
