"""All guards of one policy, asked side by side."""

import asyncio
from collections.abc import Callable, Sequence

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.ports import Supervisor
from triplegate.stores.verdicts.asker import Asker, Heard
from triplegate.wire.guards.pieces import Pieces


class Panel:
    """Asks each guard about each group of pieces; whoever settles the matter ends the wait for the others."""

    __slots__ = ("_askers", "_settles", "_supervisor", "largest", "open")

    def __init__(self, askers: Sequence[Asker], supervisor: Supervisor, settles: Callable[[Heard], bool]) -> None:
        """`settles`: nothing that others say could change what becomes of the call."""
        self._askers, self._supervisor, self._settles = askers, supervisor, settles
        self.largest = max([asker.terms.largest for asker in askers])
        """Bytes about which any of them may be asked."""
        self.open = all(not asker.terms.closed for asker in askers)
        """What none of them judges passes."""

    async def hear(self, exchange: Exchange, groups: Sequence[Pieces]) -> list[list[Heard]]:
        """What came of it, by group."""
        found: list[list[Heard]] = [[] for _ in groups]
        questions = [(asker, at) for at in range(len(groups)) for asker in self._askers]
        if len(questions) == 1:
            found[0].append(await self._askers[0].hear(exchange, groups[0]))
            return found
        left = len(questions)
        came = asyncio.Event()

        async def one(asker: Asker, at: int) -> None:
            nonlocal left
            heard = Heard(asker.terms, None, "cancelled")
            try:
                heard = await asker.hear(exchange, groups[at])
            finally:
                found[at].append(heard)
                left -= 1
                came.set()

        ends: list[Callable[[], None]] = []
        try:
            for asker, at in questions:
                try:
                    ends.append(self._supervisor.spawn(one(asker, at), "guard"))
                except Refusal as refusal:
                    found[at].append(Heard(asker.terms, None, refusal.code))
                    left -= 1
            while left and not (len(groups) == 1 and any(self._settles(heard) for heard in found[0])):
                came.clear()
                await came.wait()
        finally:
            for end in ends:
                end()
        return [list(heard) for heard in found]
