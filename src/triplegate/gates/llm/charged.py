"""What a call was charged when it began, kept in the id of what it began: the rest is booked when it has ended."""

import base64
import hashlib
import re

import msgspec

from triplegate.core.catalog import Target
from triplegate.core.usage import Usage

_NOTE = re.compile(r"([a-z2-7]{8})-([0-9a-f]{1,12})-([0-9a-f]{1,12})-([0-9a-f]{1,16})-([0-9a-f]{1,12})\Z")


class Charged(msgspec.Struct, frozen=True, gc=False):
    """An estimate that stands in the ledger."""

    place: str
    """Which deployment it was, as `place_of` says."""
    tokens_in: int
    tokens_out: int
    cost: int
    at: int
    """Unix seconds."""

    @property
    def note(self) -> str:
        """As it stands in an id."""
        return f"{self.place}-{self.tokens_in:x}-{self.tokens_out:x}-{self.cost:x}-{self.at:x}"

    def less(self, usage: Usage) -> Usage:
        """What is left of `usage` when this is charged already; less than nothing where too much was."""
        return msgspec.structs.replace(
            usage,
            input_uncached=usage.input_uncached - self.tokens_in,
            output_text=usage.output_text - self.tokens_out,
        )


def read_note(note: str) -> Charged | None:
    """What a note of ours says; None for none."""
    found = _NOTE.match(note)
    if found is None:
        return None
    return Charged(found[1], int(found[2], 16), int(found[3], 16), int(found[4], 16), int(found[5], 16))


def place_of(target: Target) -> str:
    """A short name for a deployment, the same on every node as long as it is configured."""
    told = hashlib.sha256(f"{target.name}\0{target.group}".encode()).digest()
    return base64.b32encode(told[:5]).decode("ascii").lower()
