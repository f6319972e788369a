"""The chargeback report: who pays how much of a period, with shared cost, budget, the period before and a forecast."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.control.reports.allocation import Team, allocated, amount_in, split, team_of
from triplegate.control.reports.forecast import EVEN, HISTORY, Forecast, Weights, forecast, weights_of
from triplegate.control.reports.period import DAY, Period
from triplegate.control.reports.spending import Spent

TAG = "tag:"
"""Begins the name of a dimension that finance made: tag:cost_center."""
DIMENSIONS = (
    *("org", "team", "consumer", "key", "plan", "gate", "route", "model", "provider", "target", "outcome"),
    *("price_version", "cache"),
)
Labels = tuple[str, ...]
Ask = Callable[[Sequence[str], float, float, Mapping[str, str]], Awaitable[Sequence[Spent]]]
"""(dimensions, since, until, where) → what was spent."""


class Seen(Protocol):
    """Whose numbers a reader may see."""

    def __call__(self, org: str, team: str) -> bool:
        """Whether that team's."""
        ...


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


async def chargeback(question: Question, house: House, ask: Ask, now: float) -> Chargeback:
    """Ask the ledger and put the report together. Raises DatabaseUnavailable."""
    period, relabel = question.period, _Relabel(question.by, house)
    current = await _asked(question, period, relabel, ask)
    before = await _asked(question, period.before, relabel, ask)
    lines = [Line("usage", "", labels, relabel.tags(labels), sums) for labels, sums in current.items()]
    lines += [Line("usage", "", labels, relabel.tags(labels), {}) for labels in before if labels not in current]
    daily = await _daily(question, relabel, ask, now)
    weights = EVEN if daily is None else weights_of(_column_sums(daily.values()), now)
    for line in lines:
        line.previous = before.get(line.labels, {}).get("cost", 0)
        line.budget = house.budget(dict(zip(question.by, line.labels, strict=True)), period)
        line.forecast = _foreseen(line, daily, period, now, weights)
    lines += await _shared(question, house, relabel, ask)
    lines.sort(key=lambda line: (-line.total, line.kind, line.item, line.labels))
    _share_out(lines)
    return Chargeback(question, now, lines, _totals(question, lines))


class _Relabel:
    """Turns the ledger's dimensions into those asked for: tags stand for teams."""

    def __init__(self, by: Sequence[str], house: House) -> None:
        self.by = by
        teams = ("org", "team") if any(name.startswith(TAG) for name in by) else ()
        self.asked = tuple(dict.fromkeys([*(name for name in by if not name.startswith(TAG)), *teams]))
        self._tags: dict[Team, dict[str, str]] = {}
        for name, tags in house.document.tags.items():
            self._tags.setdefault(team_of(name, house.teams), {}).update(tags)
        self._bare = {team: tags for (_, team), tags in self._tags.items()}

    def labels(self, found: Mapping[str, str]) -> Labels:
        """Values of the dimensions asked for; empty where there is none."""
        team = self._tags.get((found.get("org", ""), found.get("team", "")), {})
        return tuple(
            team.get(name.removeprefix(TAG), "") if name.startswith(TAG) else found.get(name, "") for name in self.by
        )

    def tags(self, labels: Labels) -> dict[str, str]:
        """What finance calls the team of a line."""
        found = dict(zip(self.by, labels, strict=True))
        if "team" not in found:
            return {}
        if "org" in found:
            return self._tags.get((found["org"], found["team"]), {})
        return self._bare.get(found["team"], {})


async def _asked(question: Question, period: Period, relabel: _Relabel, ask: Ask) -> dict[Labels, dict[str, int]]:
    found: dict[Labels, dict[str, int]] = {}
    for row in await ask(relabel.asked, period.begin, period.end, question.where):
        add(found.setdefault(relabel.labels(row.labels), {}), row.sums)
    return found


def add(sums: dict[str, int], more: Mapping[str, int]) -> None:
    """Add numbers by name."""
    for name, number in more.items():
        sums[name] = sums.get(name, 0) + number


async def _daily(question: Question, relabel: _Relabel, ask: Ask, now: float) -> dict[Labels, dict[int, int]] | None:
    """Cost by line and day, far enough back to weigh weekdays; None where no forecast is due: of whole days only."""
    period = question.period
    if period.over(now) or now < period.begin or period.begin % DAY or period.end % DAY:
        return None
    today = int(now) // DAY * DAY
    since = min(period.begin, today - HISTORY * DAY)
    found: dict[Labels, dict[int, int]] = {}
    for row in await ask((*relabel.asked, "day"), since, min(period.end, today + DAY), question.where):
        daily = found.setdefault(relabel.labels(row.labels), {})
        day = int(float(row.labels["day"]))
        daily[day] = daily.get(day, 0) + row.sums.get("cost", 0)
    return found


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


async def _shared(question: Question, house: House, relabel: _Relabel, ask: Ask) -> list[Line]:
    """Lines of shared cost; who bears it is reckoned over the whole house, whoever asks."""
    if not house.document.shared:
        return []
    now = await _parts(question.period, house, ask)
    before = await _parts(question.period.before, house, ask)
    lines: dict[tuple[str, Labels], Line] = {}
    for name, team in {**now, **before}:
        if any(question.where.get(part, own) != own for part, own in zip(("org", "team"), team, strict=True)):
            continue
        labels = relabel.labels({"org": team[0], "team": team[1]})
        line = lines.setdefault((name, labels), Line("shared", name, labels, relabel.tags(labels), {}))
        line.shared += now.get((name, team), 0)
        line.previous += before.get((name, team), 0)
    for line in lines.values():
        line.forecast = Forecast(line.shared, line.shared, line.shared)
    return list(lines.values())


async def _parts(period: Period, house: House, ask: Ask) -> dict[tuple[str, Team], int]:
    spent: dict[Team, int] = {}
    if any(shared.rule == "use" for shared in house.document.shared):
        for row in await ask(("org", "team"), period.begin, period.end, {}):
            team = (row.labels["org"], row.labels["team"])
            spent[team] = spent.get(team, 0) + row.sums.get("cost", 0)
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
