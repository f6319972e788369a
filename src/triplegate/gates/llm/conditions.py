"""Whether a call is one that a deployment is for: its `when:`, asked with what is known of the call."""

from typing import TYPE_CHECKING

from triplegate.config.conditions import compiled

if TYPE_CHECKING:
    from triplegate.gates.llm.facts import Facts


class When:
    """One condition."""

    __slots__ = ("_program", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        """As written."""
        self._program = compiled(text)

    def holds(self, facts: "Facts") -> bool:
        """Whether it is true; what cannot be told is not."""
        try:
            return self._program.execute(facts.variables()) is True
        except (RuntimeError, TypeError, ValueError, ArithmeticError):
            return False
