"""A ledger of a few calls in memory, asked as reports ask the real one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from triplegate.control.reports.period import DAY
from triplegate.control.reports.spending import Spent

HOUR = 3_600
UNIT = 10_000_000_000
"""One US dollar."""


def at(text: str) -> int:
    """Unix seconds of a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def call(day: str, labels: Mapping[str, str] | None = None, **sums: int) -> tuple[int, dict[str, str], dict[str, int]]:
    """One call: its moment, labels (acme/web/ci's, where they are not said) and numbers."""
    known = {"org": "acme", "team": "web", "consumer": "ci", "model": "smart", "gate": "llm"}
    return at(day), {**known, **(labels or {})}, {"requests": 1, **sums}


class Calls:
    """What was called; `asked` remembers the questions."""

    def __init__(self, calls: Iterable[tuple[int, dict[str, str], dict[str, int]]]) -> None:
        self.calls = list(calls)
        self.asked: list[tuple[str, ...]] = []

    async def ask(self, by: Sequence[str], since: float, until: float, where: Mapping[str, str]) -> list[Spent]:
        """Sums by labels, as the ledger tells them."""
        self.asked.append(tuple(by))
        found: dict[tuple[str, ...], dict[str, int]] = {}
        for moment, labels, sums in self.calls:
            known: dict[str, Any] = {**labels, "day": str(moment // DAY * DAY), "hour": str(moment // HOUR * HOUR)}
            if since <= moment < until and all(known.get(name, "") == value for name, value in where.items()):
                key = tuple(known.get(name, "") for name in by)
                into = found.setdefault(key, {})
                for name, number in sums.items():
                    into[name] = into.get(name, 0) + number
        return [Spent(dict(zip(by, key, strict=True)), sums) for key, sums in sorted(found.items())]
