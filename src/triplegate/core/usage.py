"""What a call consumed: disjoint token classes that sum to the totals."""

from typing import Literal

import msgspec

CLASSES = (
    "input_uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "audio_in",
    "image_in",
    "output_text",
    "reasoning",
    "audio_out",
)
"""Token classes, disjoint, in the order of columns, prices and `Usage.tokens()`."""


def plain_tokens(read: int, written: int) -> tuple[int, ...]:
    """The counts of a call with plain input and text only, in that order."""
    return read, 0, 0, 0, 0, 0, written, 0, 0


UsageSource = Literal["none", "provider", "estimated", "partial"]


class Usage(msgspec.Struct, gc=False):
    """Tokens by class; `source` says who counted them (provider, estimated, partial; none = no tokens at all)."""

    input_uncached: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    audio_in: int = 0
    image_in: int = 0
    output_text: int = 0
    reasoning: int = 0
    audio_out: int = 0
    source: UsageSource = "none"
    tool_units: str = ""
    """JSON object of counters such as web searches; empty when there were none."""
    tier: str = ""
    """Service tier that the provider says it used: flex, priority, batch …; empty = the standard one."""

    def tokens(self) -> tuple[int, ...]:
        """The counts in the order of `CLASSES`."""
        return (
            self.input_uncached,
            self.cache_read,
            self.cache_write_5m,
            self.cache_write_1h,
            self.audio_in,
            self.image_in,
            self.output_text,
            self.reasoning,
            self.audio_out,
        )

    @property
    def input_total(self) -> int:
        """Everything the model read, cached or not."""
        return (
            self.input_uncached
            + self.cache_read
            + self.cache_write_5m
            + self.cache_write_1h
            + self.audio_in
            + self.image_in
        )

    @property
    def output_total(self) -> int:
        """Everything the model wrote, reasoning included."""
        return self.output_text + self.reasoning + self.audio_out

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input_total + self.output_total
