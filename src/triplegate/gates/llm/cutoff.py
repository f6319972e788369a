"""`hard_cutoff`: an answer that is still being written ends where a budget has nothing left for more of it."""

from triplegate.core.admission import Dimension
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.metering import counted_so_far

_AHEAD = 4
"""A top-up is for a quarter more than was used: not every piece asks the store."""


def cutoff_of(exchange: Exchange, attempt: Attempt, call: LlmCall) -> "BudgetCutoff | None":
    """What ends a streamed answer when a budget that says so is spent; None where none does."""
    if exchange.admission is None or exchange.admission.cutoff is None:
        return None
    return BudgetCutoff(exchange, attempt, call)


class BudgetCutoff:
    """Sees to it that what was used is set aside, piece by piece."""

    __slots__ = ("_attempt", "_call", "_exchange")

    def __init__(self, exchange: Exchange, attempt: Attempt, call: LlmCall) -> None:
        self._exchange, self._attempt, self._call = exchange, attempt, call

    async def look(self) -> None:
        """Ask for more where less is set aside than was used. Raises Refusal budget_exceeded when there is no more."""
        admission = self._exchange.admission
        if admission is None or admission.cutoff is None or not admission.holds:
            return
        used = counted_so_far(self._exchange, self._attempt, self._call)
        short: dict[Dimension, int] = {
            dimension: used[dimension] for dimension, held in admission.cutoff.items() if used[dimension] > held
        }
        if not short:
            return
        ahead = {dimension: amount + amount // _AHEAD for dimension, amount in short.items()}
        for wanted in (ahead, short):
            if await admission.holds[0].extend(wanted):
                admission.cutoff.update(wanted)
                return
        raise Refusal("budget_exceeded", "The budget was spent while the answer was written.", policy="budget")
