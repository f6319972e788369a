"""How often guards were asked, what they said, and how long calls were held for them."""


class Tally:
    """One policy's; kept over reloads and shown among the metrics."""

    __slots__ = ("counts", "held", "label")

    def __init__(self, label: str) -> None:
        self.label = label
        self.counts: dict[tuple[str, str], int] = {}
        """By guard and verdict."""
        self.held = 0.0
        """Seconds."""

    def add(self, guard: str, verdict: str) -> None:
        """One more."""
        self.counts[guard, verdict] = self.counts.get((guard, verdict), 0) + 1
