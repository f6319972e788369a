"""What the ledger says becomes what was spent of each budget, bucket by bucket."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from triplegate.config.budgets import Budgeted
from triplegate.control.budgets.reading import daily, read
from triplegate.core.admission import Limit
from triplegate.core.allowance import Allowance
from triplegate.core.calendar import Calendar, Rolling

DAY = 86_400.0
WALL = 1_767_225_600.0 + 40 * DAY + 7_000.0
"""10 February 2026."""


class Call(NamedTuple):
    """A call as the ledger has it."""

    at: float
    cost: int
    org: str = "acme"
    team: str = "web"
    consumer: str = "ci"
    key: str = "k1"
    plan: str = "free"
    gate: str = "llm"
    route: str = "m"
    tokens_in: int = 3
    tokens_out: int = 4

    @property
    def day(self) -> int:
        """Its first second."""
        return int(self.at // DAY * DAY)


class Calls:
    """A ledger of these calls; keeps what it was asked."""

    def __init__(self, *calls: Call) -> None:
        self.calls, self.asked = list(calls), []

    async def __call__(self, by: Sequence[str], since: float, until: float) -> list[Any]:
        self.asked.append((tuple(by), since, until))
        sums: dict[tuple[str, ...], Call] = {}
        for call in self.calls:
            if since <= call.at < until:
                names = tuple(getattr(call, name) for name in by)
                sums[names] = call if names not in sums else _sum(sums[names], call)
        return list(sums.values())


def _sum(one: Call, other: Call) -> Call:
    return one._replace(
        cost=one.cost + other.cost,
        tokens_in=one.tokens_in + other.tokens_in,
        tokens_out=one.tokens_out + other.tokens_out,
    )


def budget(label: str, by: Any, window: Any, *places: dict[str, str], dimension: Any = "money") -> Budgeted:
    return Budgeted(Allowance(label, Limit(label, "budget", dimension, 1000, window), by), places or ({},))


async def test_each_holder_has_what_its_own_calls_cost_in_the_open_window() -> None:
    calls = Calls(
        Call(WALL - 5 * DAY, 10),
        Call(WALL - 4 * DAY, 20, consumer="cd", key="k2"),
        Call(WALL, 40, team="ops"),
        Call(WALL - 20 * DAY, 999),
    )
    month = Calendar("month")
    found = await read(
        [
            budget("org:acme", "org", month, {"org": "acme"}),
            budget("team:acme/web", "team", month, {"org": "acme", "team": "web"}),
            budget("trial", "key", month, {"plan": "free"}),
            budget("words", "consumer", month, {"gate": "llm"}, dimension="total"),
            budget("models", "model", month),
            budget("elsewhere", "team", month, {"gate": "mcp"}),
        ],
        calls,
        WALL,
    )
    assert {name: bucket.spent for name, bucket in found.items()} == {
        "org:acme|acme|month": 70,
        "team:acme/web|acme/web|month": 30,
        "trial|k1|month": 50,
        "trial|k2|month": 20,
        "words|acme/web/ci|month": 7,
        "words|acme/web/cd|month": 7,
        "words|acme/ops/ci|month": 7,
        "models|m|month": 70,
    }
    assert len(calls.asked) == 1, "one query for one window"


async def test_windows_are_asked_for_once_each_from_their_begin() -> None:
    calls = Calls(Call(WALL, 1))
    await read([budget(str(n), "org", Calendar(unit)) for n, unit in enumerate(("day", "day", "year"))], calls, WALL)
    assert [since for _, since, _ in calls.asked] == [1_767_225_600.0 + 40 * DAY, 1_767_225_600.0]


async def test_a_rolling_window_is_read_as_a_whole_or_slice_by_slice() -> None:
    calls = Calls(Call(WALL - 29 * DAY, 10), Call(WALL, 5), Call(WALL - 31 * DAY, 99))
    rolling = budget("r", "org", Rolling(30 * DAY))
    whole = await read([rolling], calls, WALL)
    assert (whole["r|acme|30d"].spent, len(calls.asked)) == (15, 1)
    sliced = await read([rolling], calls, WALL, slices=True)
    now = Rolling(30 * DAY).at(WALL)[0]
    assert sliced["r|acme|30d"].slices == {now - 29: 10, now: 5}


async def test_one_holder_s_days_are_told_and_nobody_else_s() -> None:
    month = budget("team:acme/web", "team", Calendar("month"), {"org": "acme", "team": "web"})
    first = WALL // DAY * DAY - 3 * DAY
    calls = [(first + 5, 5, "web"), (first + 9, 6, "web"), (first + DAY, 7, "web"), (first, 9, "ops"), (0.0, 50, "web")]
    ledger = Calls(*[Call(at, cost, team=team) for at, cost, team in calls])
    assert await daily(month, "acme/web", ledger, WALL) == {int(first): 11, int(first + DAY): 7}
    assert await daily(month, "acme/ops", ledger, WALL) == {}
