"""Which row of the ledger tells what of a record: its own one, or that of an attempt that is told apart."""

from typing import NamedTuple

from triplegate.core.record import AttemptRecord, Record

LOST = frozenset({"failed", "gone"})
"""Outcomes of exchanges whose whole cost bought nothing."""
PLACED = ("provider", "target", "tried", "apart", "elsewhere", "wasted")
"""Columns of a record's row that follow from its attempts."""


class Place(NamedTuple):
    """What follows for a record's own row, in the order of `PLACED`."""

    provider: str
    target: str
    tried: int
    apart: int
    elsewhere: int
    wasted: int


def place_of(record: Record) -> Place:
    """Where a record's own row stands. The attempts that `apart_of` names have rows of their own."""
    tries = record.attempts
    if not tries:
        return Place(record.provider, record.target, 0, 0, 0, record.cost if record.outcome in LOST else 0)
    home = _home(tries)
    if len(tries) == 1 and home.adopted:  # nearly all
        target = record.target if record.gate == "mcp" else home.target
        wasted = record.cost if record.outcome in LOST else 0
        return Place(home.provider, target, 0 if record.kind == "correction" else 1, 0, 0, wasted)
    apart = apart_of(record)
    elsewhere = sum([one.cost for one in apart])
    told = len(apart) < len(tries)
    wasted = home.cost if told and not home.adopted else 0
    if record.outcome in LOST:
        wasted = record.cost - elsewhere
    tried = 1 if told and record.kind != "correction" else 0
    target = record.target if record.gate == "mcp" else home.target  # there it is the tool; the route is the server
    return Place(home.provider, target, tried, len(apart), elsewhere, wasted)


def apart_of(record: Record) -> tuple[AttemptRecord, ...]:
    """The attempts whose tokens and cost are no part of what the record's own row tells.

    One is told there: the adopted one, or the last one where the record's tokens are its. A client that got nothing
    of several attempts, each of them paid for, has none of their tokens in its record.
    """
    tries = record.attempts
    if not tries or (len(tries) == 1 and tries[0].adopted):
        return ()
    home = _home(tries)
    if not home.adopted and any(home.tokens) and home.tokens != record.tokens:
        return tries
    return tuple([one for one in tries if one is not home])


def _home(tries: tuple[AttemptRecord, ...]) -> AttemptRecord:
    for one in tries:
        if one.adopted:
            return one
    return tries[-1]
