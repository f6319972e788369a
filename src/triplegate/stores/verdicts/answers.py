"""An answer before guards that others run: kept back until they have spoken, or only noted beside its way."""

from typing import TYPE_CHECKING

from triplegate.core.exchange import Exchange
from triplegate.core.watching import Watch
from triplegate.stores.verdicts.pending import Pending, Spans
from triplegate.wire.guards.held import Held
from triplegate.wire.guards.pieces import Pieces
from triplegate.wire.neutral_events import Event
from triplegate.wire.screening.members import Change
from triplegate.wire.screening.restoring import vault_of

if TYPE_CHECKING:
    from triplegate.stores.verdicts.bench import Bench


class AnswerLook:
    """Makes the watch of each attempt."""

    __slots__ = ("_bench", "_exchange", "changes")

    def __init__(self, bench: "Bench", exchange: Exchange) -> None:
        self._bench, self._exchange = bench, exchange
        self.changes = bench.rules.holds

    def __call__(self) -> Watch:
        """A fresh one."""
        return _Judging(self._bench, self._exchange)


class _Judging(Watch):
    """One attempt's answer."""

    __slots__ = ("_bench", "_exchange", "_groups", "_held", "_holds", "_passes", "_pending", "_spans")

    def __init__(self, bench: "Bench", exchange: Exchange) -> None:
        self._bench, self._exchange = bench, exchange
        self._held = Held()
        self._holds = bench.rules.holds
        self._passes = False
        """It is too long for any of them, and may go on all the same."""
        self._groups: dict[int, Pieces] = {}
        self._spans: dict[int, Spans | None] = {}
        self._pending: Pending | None = None

    def feed(self, events: list[Event]) -> list[Event]:
        """What of them may go on now. Raises Refusal content_unseen for more than any guard may be asked about."""
        if self._passes:
            return events
        going = self._held.take(events)
        if self._held.size <= self._bench.largest:
            return going if self._holds else events
        self._passes = True
        self._bench.too_long(self._exchange)
        held, self._held = self._held, Held()
        return going + held.told({}, frozenset(), seen=False) if self._holds else events

    async def judge(self) -> None:
        """Wait for the verdicts; whoever gives up waiting may wait again. Raises Refusal."""
        if self._passes:
            return
        if self._pending is None:
            self._groups = {choice: pieces for choice, pieces in self._held.asked().items() if pieces.size}
            if not self._groups:
                return
            self._pending = Pending(self._bench, self._exchange, list(self._groups.values()), "answer")
        self._spans = dict(zip(self._groups, await self._pending.wait(), strict=True))

    def finish(self) -> list[Event]:
        """All of it, as the guards let it be."""
        if self._passes or not self._holds:
            return []
        replace = vault_of(self._exchange).mask
        changes: dict[int, Change] = {
            choice: self._groups[choice].masking("output", spans, replace)
            for choice, spans in self._spans.items()
            if spans
        }
        ended = frozenset([choice for choice, spans in self._spans.items() if spans is None])
        return self._held.told(changes, ended, seen=True)
