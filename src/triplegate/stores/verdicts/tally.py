"""How often guards were asked and what they said."""


class Tally:
    """One policy's; kept over reloads and shown among the metrics."""

    __slots__ = ("counts", "label")

    def __init__(self, label: str) -> None:
        self.label = label
        self.counts: dict[tuple[str, str], int] = {}
        """By guard and verdict."""

    def add(self, guard: str, verdict: str) -> None:
        """One more."""
        self.counts[guard, verdict] = self.counts.get((guard, verdict), 0) + 1
