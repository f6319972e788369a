"""What providers say is left of their own limits, by credential and model: read from their replies' headers."""

import re
from datetime import datetime

import msgspec

from triplegate.core.http import Headers

_OPENAI, _ANTHROPIC = b"x-ratelimit-", b"anthropic-ratelimit-"
_DIMENSIONS = frozenset({"requests", "tokens", "input-tokens", "output-tokens"})
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_LONGEST = 86_400.0
"""Seconds that a reset may lie ahead; what says more is not believed."""


class Left(msgspec.Struct, gc=False):
    """One dimension of a limit."""

    limit: float = 0.0
    remaining: float = 0.0
    reset: float = 0.0
    """Monotonic seconds at which all of it is back."""


class Quotas:
    """A credential's limits at one model; keep it by `kit.state` under both."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left: dict[str, Left] = {}
        """By dimension: requests, tokens, input-tokens, output-tokens."""

    def read(self, headers: Headers, now: float, wall: float) -> None:
        """Take in what a reply says; what cannot be read leaves things as they were."""
        for name, value in headers:
            if name.startswith(_OPENAI):  # x-ratelimit-remaining-tokens
                part, _, dimension = name[len(_OPENAI) :].decode("latin-1").partition("-")
            elif name.startswith(_ANTHROPIC):  # anthropic-ratelimit-tokens-remaining
                dimension, _, part = name[len(_ANTHROPIC) :].decode("latin-1").rpartition("-")
            else:
                continue
            if dimension in _DIMENSIONS:
                self._note(dimension, part, value.decode("latin-1"), now, wall)

    def _note(self, dimension: str, part: str, value: str, now: float, wall: float) -> None:
        seconds = _until(value, wall) if part == "reset" else None
        number = _number(value) if part in ("limit", "remaining") else None
        if seconds is None and number is None:
            return
        left = self.left.setdefault(dimension, Left())
        if seconds is not None:
            left.reset = now + seconds
        elif part == "limit":
            left.limit = number or 0.0
        else:
            left.remaining = number or 0.0

    def spend(self, tokens: int, output: int) -> None:
        """A call goes out: what it will take is taken off until the provider says how it is."""
        for dimension, amount in _amounts(tokens, output):
            left = self.left.get(dimension)
            if left is not None:
                left.remaining = max(0.0, left.remaining - amount)

    def fraction(self, now: float) -> float:
        """The smallest share that is left of any limit; 1 where nothing is known."""
        shares = [one.remaining / one.limit for one in self.left.values() if one.limit > 0 and now < one.reset]
        return min(1.0, *shares) if shares else 1.0

    def wait(self, tokens: int, output: int, now: float) -> float:
        """Seconds until a call of that size fits; 0: it does."""
        longest = 0.0
        for dimension, amount in _amounts(tokens, output):
            left = self.left.get(dimension)
            if left is not None and now < left.reset and left.remaining < amount:
                longest = max(longest, left.reset - now)
        return longest


def _amounts(tokens: int, output: int) -> tuple[tuple[str, int], ...]:
    return (("requests", 1), ("tokens", tokens + output), ("input-tokens", tokens), ("output-tokens", output))


def _number(value: str) -> float | None:
    """A whole number of requests or tokens; signs, words and infinities are none."""
    return float(value) if value.isascii() and value.isdigit() and len(value) <= 15 else None


def _until(value: str, wall: float) -> float | None:
    """Seconds until a reset: 6m0s, 20ms, 1.5, or a point in time (RFC 3339)."""
    seconds: float | None = None
    if _PART.sub("", value) == "" and value:
        seconds = sum(float(count) * _SECONDS[unit] for count, unit in _PART.findall(value))
    elif value.replace(".", "", 1).isdigit() and value.isascii():
        seconds = float(value)
    else:
        try:
            seconds = max(0.0, datetime.fromisoformat(value).timestamp() - wall)
        except (ValueError, OverflowError):
            return None
    return seconds if seconds <= _LONGEST else None
