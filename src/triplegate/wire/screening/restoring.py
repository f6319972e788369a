"""What was masked in a call comes back in its answer: the call's one vault, and the watch that restores from it."""

from collections.abc import Sequence

from triplegate.core.exchange import Exchange
from triplegate.core.watching import Watch
from triplegate.wire.screening.output import Rules, Screening
from triplegate.wire.screening.vault import Placeholders, Vault

_MARK = "guardrail"


def vault_of(exchange: Exchange) -> Vault:
    """The one of a call, whoever masks in it."""
    if exchange.marks is None:
        exchange.marks = {}
    found: Vault = exchange.marks.setdefault(_MARK, Vault())
    return found


class Restore:
    """Makes the watch that brings back what was masked in the call."""

    __slots__ = ("_choices", "_finders", "_vault")
    changes = True

    def __init__(self, vault: Vault, finders: Sequence[Placeholders], choices: int) -> None:
        self._vault, self._finders, self._choices = vault, finders, choices

    def __call__(self) -> Watch:
        """A fresh one."""
        return Screening(Rules(self._finders, self._vault.restore, 0, self._choices))
